"""What fine-tuning is taught with: maps at the ends of stages, each channel in its own step, mixed images."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from repvgg_hw.checkpoint import random_network
from repvgg_hw.model.images import synthetic
from repvgg_hw.model.variants import get_variant
from repvgg_hw.network import Architecture
from repvgg_hw.quantize import Widths, quantize
from repvgg_hw.training import teacher
from repvgg_hw.training.augment import mixed
from repvgg_hw.training.integers import TunedNetwork
from repvgg_hw.training.teacher import Teacher, as_input, stage_ends, step_of

ARCHITECTURE = Architecture("custom", (8, 8, 16), (1, 2, 1), (2, 2, 2), {2: 2}, num_classes=5)
PIXELS = synthetic(16, (3, 16, 16), 1)


def losses(weights: int) -> tuple[float, float]:
    """(the whole loss, the outputs' part) at so many bits; equalized: every channel has its own step."""
    fused = random_network(ARCHITECTURE, 0).fused
    network = quantize(
        fused,
        PIXELS,
        mean=(0.4, 0.5, 0.6),
        std=(0.2, 0.3, 0.25),
        method="equalized",
        widths=Widths(weights, 8),
    )
    model = TunedNetwork(network)
    loss, apart = Teacher(fused, model, PIXELS).loss(model, PIXELS)
    loss.backward()  # type: ignore[no-untyped-call]
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())
    return float(loss.detach()), float(apart)


def test_maps_are_compared_in_their_own_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    fine, fine_outputs = losses(8)
    coarse, coarse_outputs = losses(4)
    assert 0 < fine - fine_outputs < 0.01 < coarse - coarse_outputs
    monkeypatch.setattr(teacher, "step_of", lambda ours, theirs: theirs.mean() / ours.mean())
    one_step, _ = losses(8)  # of all channels: they are not one another's
    assert one_step > 10 * fine


def test_a_step_is_the_ratio_of_means_and_unknown_where_nothing_is_active() -> None:
    integers = torch.randint(0, 255, (4, 3, 5, 5), generator=torch.Generator().manual_seed(0)).float()
    integers[:, 2] = 0
    real = integers * torch.tensor([0.5, 3.0, 1.0])[:, None, None]
    real[:, 2] = 7
    torch.testing.assert_close(step_of(integers, real).flatten(), torch.tensor([0.5, 3.0, 0.0]))


def test_stages_end_where_the_map_shrinks() -> None:
    small = random_network(ARCHITECTURE, 0).fused
    assert stage_ends(small) == (0, 2, 3)
    assert get_variant("A0").depths == (1, 2, 4, 14, 1)
    assert stage_ends(replace(small, convs=small.convs[:2])) == (0, 1)


def test_input_is_whole_and_of_float32() -> None:
    fused = random_network(ARCHITECTURE, 0).fused
    network = quantize(fused, PIXELS, mean=(0.4, 0.5, 0.6), std=(0.2, 0.3, 0.25), method="minmax")
    x = as_input(PIXELS, network)
    assert x.dtype == torch.float32
    assert x.is_contiguous()
    assert torch.equal(x, x.round())


def test_mixing() -> None:
    """A share of images takes from its neighbour: a blend of both, or whole pixels of the other."""
    x = torch.rand(64, 3, 8, 8, generator=torch.Generator().manual_seed(0))

    def draw(share: float) -> torch.Tensor:
        return mixed(x, share, torch.Generator().manual_seed(1))

    assert torch.equal(draw(0.0), x)
    assert torch.equal(draw(1.0), draw(1.0))
    other = x.roll(1, 0)
    changed = (draw(0.5) != x).flatten(1).any(1)
    assert 16 < int(changed.sum()) < 48
    whole = draw(1.0)
    assert bool(((whole - torch.minimum(x, other) > -1e-6) & (whole - torch.maximum(x, other) < 1e-6)).all())
    pasted = ((whole == x) | (whole == other)).flatten(1).all(1)
    assert 16 < int(pasted.sum()) < 48
    ratio = ((whole - x) / (other - x))[~pasted].flatten(1)  # of a blend one for the whole image
    assert float((ratio.amax(1) - ratio.amin(1)).median()) < 1e-2
