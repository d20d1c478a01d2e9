"""What a training is made of: rates, decay, draws, batches, averages."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from repvgg_hw.cli.train import BLOCK_NAMES
from repvgg_hw.cli.training import AUGMENTATION_NAMES, RECIPE, recipe_options
from repvgg_hw.errors import InputError
from repvgg_hw.network import Architecture
from repvgg_hw.training.augment import AUGMENTATIONS, augmented
from repvgg_hw.training.average import Average
from repvgg_hw.training.blocks import BLOCKS
from repvgg_hw.training.data import epoch_batches
from repvgg_hw.training.network import TrainedNetwork
from repvgg_hw.training.optimizer import parameter_groups
from repvgg_hw.training.recipe import Recipe

SMALL = Architecture("custom", (4, 4, 6), (1, 2, 1), (2, 2, 2), num_classes=3)


def test_options_are_those_of_the_recipe() -> None:
    """The same fields, the same defaults, the same names: help says them without importing torch."""
    found: dict[str, object] = {}

    @recipe_options
    def command(**given: object) -> None:
        pass

    for option in command.__click_params__:  # type: ignore[attr-defined]
        found[option.name] = option.default if not option.is_flag else False
    assert found == dataclasses.asdict(Recipe())
    assert list(RECIPE) == [*(n for n in RECIPE if n != "amp"), "amp"]
    assert tuple(BLOCKS) == BLOCK_NAMES
    assert tuple(AUGMENTATIONS) == AUGMENTATION_NAMES


def test_the_rate_rises_then_falls_to_nothing() -> None:
    recipe = Recipe(epochs=20, rate=0.4, warmup=5)
    rates = [recipe.rate_at(step, 10) for step in range(200)]
    assert rates[0] == pytest.approx(0.4 / 51)
    assert max(rates) == rates[50] == pytest.approx(0.4)
    assert rates[:51] == sorted(rates[:51])
    assert rates[50:] == sorted(rates[50:], reverse=True)
    assert rates[125] == pytest.approx(0.2)
    assert rates[-1] < 1e-4
    short = Recipe(epochs=1, warmup=5, rate=1)
    assert max(short.rate_at(step, 8) for step in range(8)) == pytest.approx(1)


def test_the_rate_falls_as_it_is_told() -> None:
    recipe = Recipe(epochs=20, rate=0.4, warmup=5)
    rates = [recipe.rate_at(step, 10, lambda way: (1 - way) ** 2) for step in range(200)]
    assert rates[:51] == [recipe.rate_at(step, 10) for step in range(51)]
    assert rates[125] == pytest.approx(0.1)
    assert rates[-1] == pytest.approx(0.4 / 150**2)


@pytest.mark.parametrize("block", BLOCKS)
def test_weight_decay_is_for_kernels_alone(block: str) -> None:
    network = TrainedNetwork(SMALL, block)
    decayed, free = parameter_groups(network)
    names = {id(parameter): name for name, parameter in network.named_parameters()}
    assert len(decayed) + len(free) == len(names)
    assert all(not names[id(p)].endswith(("bias", "vector")) for p in decayed)
    assert all(".bn" not in names[id(p)] and "_bn" not in names[id(p)] for p in decayed)
    assert all("scale_" not in names[id(p)] for p in decayed)
    kernels = {"weight", "W", "D"}
    assert all(names[id(p)].rpartition(".")[2] in kernels or "weight_" in names[id(p)] for p in decayed)
    assert any(p is network.linear.weight for p in decayed)


@pytest.mark.parametrize("kind", AUGMENTATIONS)
def test_draws_repeat_and_images_differ(kind: str) -> None:
    x = torch.rand(1, 3, 16, 12, generator=torch.Generator().manual_seed(5)).repeat(8, 1, 1, 1)

    def drawn(seed: int) -> torch.Tensor:
        return augmented(x, kind, torch.Generator().manual_seed(seed))

    assert torch.equal(drawn(1), drawn(1))
    assert drawn(1).shape == x.shape
    assert drawn(1).min() >= 0
    assert drawn(1).max() <= 1
    if kind == "none":
        assert torch.equal(drawn(1), x)
        return
    assert not torch.equal(drawn(1), drawn(2))
    assert len({image.numpy().tobytes() for image in drawn(1)}) == 8


def test_crop_mirrors_half_and_affine_none() -> None:
    """A ramp from left to right, as steep as it was, up or down."""
    ramp = torch.linspace(0, 1, 33).expand(200, 1, 33, 33)
    for kind, low, high in (("crop", 70, 130), ("resized-crop", 70, 130), ("affine", 0, 0)):
        y = augmented(ramp, kind, torch.Generator().manual_seed(0))
        mirrored = int((y[:, 0, 16, 14] > y[:, 0, 16, 18]).sum())
        assert low <= mirrored <= high, kind


def test_jitter_changes_saturation_contrast_and_brightness() -> None:
    """Of images of one colour each has what the three factors make of it."""
    flat = torch.tensor([0.5, 0.3, 0.4])[None, :, None, None].expand(400, 3, 8, 8)
    y = augmented(flat, "jitter", torch.Generator().manual_seed(0))
    colour = y[:, :, 4, 4]
    spread = (colour[:, 0] - colour[:, 1]) / 0.2  # saturation times contrast times brightness
    assert 0.6 * 0.6 * 0.8 <= spread.min() < 0.45
    assert 1.7 < spread.max() <= 1.4 * 1.4 * 1.2
    gray = augmented(flat[:, :1], "jitter", torch.Generator().manual_seed(0))[:, 0, 4, 4] / 0.5
    assert 0.8 * 0.95 < gray.min() < 0.85
    assert 1.15 < gray.max() < 1.2 * 1.05
    stripes = torch.zeros(400, 1, 8, 8)
    stripes[:, :, ::2] = 1.0
    kept = augmented(stripes, "jitter", torch.Generator().manual_seed(0))
    assert kept.min() >= 0
    assert kept.max() <= 1


def test_every_image_is_in_one_batch_of_an_epoch_and_of_one_process() -> None:
    whole = list(epoch_batches(20, 6, seed=1, epoch=0))
    assert [len(batch) for batch in whole] == [6, 6, 6]
    assert len({*np.concatenate(whole).tolist()}) == 18
    parts = [list(epoch_batches(20, 6, 1, 0, rank, 2)) for rank in range(2)]
    for step in range(3):
        assert [*parts[0][step], *parts[1][step]] == [*whole[step]]
    assert [*whole[0]] != [*next(epoch_batches(20, 6, seed=1, epoch=1))]
    assert [*whole[0]] != [*next(epoch_batches(20, 6, seed=2, epoch=0))]


def test_the_average_follows_and_its_statistics_too() -> None:
    torch.manual_seed(0)
    network = TrainedNetwork(SMALL)
    average = Average(network, 0.9)
    start = {key: value.clone() for key, value in average.network.state_dict().items()}
    with torch.no_grad():
        for value in network.state_dict().values():
            value.add_(1)
    average.update(network, step=1000)
    for key, value in average.network.state_dict().items():
        step = 1.0 if not value.is_floating_point() else 0.1
        assert torch.allclose(value.double(), start[key].double() + step, atol=1e-6), key
    assert Average(network, 0).network is network
    average.update(network, step=0)  # early steps count more: 9/10 of the new
    last = network.state_dict()["linear.bias"]
    assert torch.allclose(average.network.state_dict()["linear.bias"], last - 0.09, atol=1e-6)


def test_an_unknown_augmentation_or_block_is_refused() -> None:
    with pytest.raises(InputError, match="unknown augmentation 'x'"):
        Recipe(augment="x")
    with pytest.raises(InputError, match="unknown block 'x'; choose one of plain, repvgg"):
        TrainedNetwork(SMALL, "x")
