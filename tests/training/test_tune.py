"""Quantization-aware training: what is trained is golden, bit for bit, at every width, before and after."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from repvgg_hw import golden
from repvgg_hw.checkpoint import random_network
from repvgg_hw.design import network_rules
from repvgg_hw.errors import InputError
from repvgg_hw.model.images import synthetic
from repvgg_hw.network import Architecture, FusedNetwork, IntegerNetwork
from repvgg_hw.quantize import Widths, quantize
from repvgg_hw.training import integers
from repvgg_hw.training.data import Data
from repvgg_hw.training.integers import TunedConv, TunedNetwork
from repvgg_hw.training.recipe import Recipe
from repvgg_hw.training.teacher import as_input
from repvgg_hw.training.tune import tune

MEAN, STD = (0.4, 0.5, 0.6), (0.2, 0.3, 0.25)
ARCHITECTURE = Architecture("custom", (8, 8, 16), (1, 2, 1), (2, 2, 2), {2: 2}, num_classes=5)
RECIPE = Recipe(epochs=15, batch=8, rate=0.2, warmup=0, augment="none")


def networks(
    weights: int = 4, activations: int = 8, classes: int = 5
) -> tuple[FusedNetwork, IntegerNetwork, Data]:
    fused = random_network(replace(ARCHITECTURE, num_classes=classes), 0).fused
    pixels = synthetic(24, (3, 16, 16), 1)
    widths = Widths(weights, activations)
    network = quantize(fused, pixels, mean=MEAN, std=STD, method="equalized", widths=widths)
    return fused, network, Data(np.zeros(24, np.int64), 2, 3, (16, 16), pixels)


def outputs(model: TunedNetwork, pixels: np.ndarray) -> np.ndarray:
    """In integers."""
    with torch.no_grad():
        values: np.ndarray = model(as_input(pixels, model.start)).numpy()
    return np.rint(values / model.integers().output_scale).astype(np.int64)


@pytest.mark.parametrize("classes", [5, 0])
@pytest.mark.parametrize(("weights", "activations"), [(4, 8), (4, 4), (5, 6), (8, 8), (8, 4)])
def test_the_forward_pass_is_golden(weights: int, activations: int, classes: int) -> None:
    """Layer by layer and at the end, with parameters moved off the integers as training does."""
    _, network, data = networks(weights, activations, classes)
    assert data.pixels is not None
    model = TunedNetwork(network)
    generator = torch.Generator().manual_seed(0)
    for amount in (0.0, 1.0):
        with torch.no_grad():
            for layer in model.layers():
                for parameter in layer.parameters():
                    spread = parameter.abs().mean().clamp_max(0.3) * amount
                    noise = torch.randn(parameter.shape, generator=generator).to(parameter.dtype)
                    parameter.add_(spread * noise)
                layer.confine()
        held = model.integers()
        network_rules.check(held)
        x = golden.quantize_input(data.pixels, held)
        real = as_input(data.pixels, held)
        for conv, (name, expected) in zip(model.convs, golden.trace(x, held), strict=False):
            real = conv(real)
            np.testing.assert_array_equal(real.detach().numpy(), expected, err_msg=name)
        np.testing.assert_array_equal(outputs(model, data.pixels), golden.forward(x, held))
    assert any((a.weight != b.weight).any() for a, b in zip(held.convs, network.convs, strict=True))


def test_sums_beyond_float32_are_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wide layers sum in float64; with the limit at 0 every layer does, and gives the same."""
    _, network, data = networks(8)
    assert data.pixels is not None
    model = TunedNetwork(network)
    expected = golden.forward(golden.quantize_input(data.pixels, network), model.integers())
    monkeypatch.setattr(integers, "EXACT_FLOAT32", 0)
    np.testing.assert_array_equal(outputs(model, data.pixels), expected)
    model(as_input(data.pixels, network)).sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())


def test_gradients_are_those_of_the_unrounded_layer() -> None:
    """Where nothing is clamped: y = f * conv(x, w) + b, differentiated by torch itself."""
    _, network, data = networks(8)
    assert data.pixels is not None
    model = TunedNetwork(network)
    conv = model.layers()[0]
    assert isinstance(conv, TunedConv)
    x = as_input(data.pixels, network)
    conv(x).square().sum().backward()
    y = conv(x).detach()
    inside = (y > 0) & (y < 255)
    w, b, log = (p.detach().clone().requires_grad_() for p in (conv.weight, conv.bias, conv.log_factor))
    soft = torch.nn.functional.conv2d(x, w, None, 2, 1) * log.exp()[:, None, None].float() + b[:, None, None]
    (2 * y * inside * soft).sum().backward()
    for got, expected in ((conv.weight, w), (conv.bias, b), (conv.log_factor, log)):
        assert got.grad is not None
        assert expected.grad is not None
        # The boundary of the clamp is where the rounded value is: a few pixels lie on it.
        assert float((got.grad - expected.grad).abs().max()) < 1e-3 * float(expected.grad.abs().max())


@pytest.mark.parametrize("classes", [5, 0])
def test_tuning_comes_nearer_to_the_float_network(classes: int) -> None:
    fused, network, data = networks(4, 8, classes)
    found = tune(network, fused, data, RECIPE)
    assert not found.kept
    assert found.loss_after < 0.7 * found.loss_before
    network_rules.check(found.network)
    assert [conv.weight_bits for conv in found.network.convs] == [4] * 4
    assert found.network.provenance["quantization"]["fine_tuned"] is True
    short = replace(RECIPE, epochs=1, augment="crop")
    first, again = (tune(network, fused, data, short).network for _ in range(2))
    for a, b in zip(first.convs, again.convs, strict=True):
        np.testing.assert_array_equal(a.weight, b.weight)
        np.testing.assert_array_equal(a.multiplier, b.multiplier)


def test_a_beginning_that_is_better_is_kept() -> None:
    fused, network, data = networks(8)
    found = tune(network, fused, data, replace(RECIPE, epochs=1, rate=50.0))
    assert found.kept
    assert found.loss_after >= found.loss_before
    for a, b in zip(found.network.convs, network.convs, strict=True):
        np.testing.assert_array_equal(a.weight, b.weight)


def test_images_that_do_not_fit_are_refused() -> None:
    fused, network, data = networks()
    with pytest.raises(InputError, match=r"images are \(3, 8, 8\), the network takes \(3, 16, 16\)"):
        tune(network, fused, replace(data, size=(8, 8)), RECIPE)
    with pytest.raises(InputError, match="do not fill one batch of 64"):
        tune(network, fused, data, replace(RECIPE, batch=64))
