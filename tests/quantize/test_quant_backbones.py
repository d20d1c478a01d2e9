"""Quantization of networks that end with a map: judged by the map, which has one scale."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from fused_networks import NORMAL, random_network, short_searches  # noqa: F401, the fixture

from repvgg_hw import golden
from repvgg_hw.errors import InputError
from repvgg_hw.measure.accuracy import evaluate, map_sqnr, weight_bytes
from repvgg_hw.model.images import Images, normalise, synthetic
from repvgg_hw.network import IMAGENET_MEAN, IMAGENET_STD, FusedNetwork, IntegerNetwork
from repvgg_hw.quantize import METHODS, Widths, joint, quantize
from repvgg_hw.quantize.sensitivity import search_widths

PIXELS = synthetic(24, (3, 16, 20))


def backbone(seed: int = 0) -> FusedNetwork:
    return replace(random_network(seed), linear=None)


def float_map(network: FusedNetwork, pixels: np.ndarray) -> np.ndarray:
    x = torch.from_numpy(normalise(pixels, IMAGENET_MEAN, IMAGENET_STD))
    for c in network.convs:
        w, b = torch.from_numpy(c.weight), torch.from_numpy(c.bias)
        x = torch.relu(torch.nn.functional.conv2d(x, w, b, c.stride, 1, 1, c.groups))
    return x.numpy()


def integer_map(network: IntegerNetwork, pixels: np.ndarray) -> np.ndarray:
    return golden.forward(golden.quantize_input(pixels, network), network) * network.output_scale


@pytest.mark.parametrize("method", METHODS)
def test_the_map_follows_the_float_network(method: str) -> None:
    """One scale for all its channels: equalization must not touch them."""
    network = backbone()
    found = quantize(network, PIXELS, method=method, **NORMAL)
    assert found.linear is None
    assert found.num_classes == 0
    wanted, got = float_map(network, PIXELS), integer_map(found, PIXELS)
    noise = np.square(got - wanted).sum() / np.square(wanted).sum()
    assert noise < (0.05 if method == "naive" else 0.01)
    np.testing.assert_allclose(map_sqnr(network, found, PIXELS), -10 * np.log10(noise), atol=0.01)
    for channel in range(wanted.shape[1]):
        a, b = wanted[:, channel].ravel(), got[:, channel].ravel()
        if np.square(a).mean() > 1e-2 * np.square(wanted).mean():
            assert 0.8 < (a @ b) / (b @ b) < 1.25, f"channel {channel} has a scale of its own"


def test_clipping_is_judged_by_the_map() -> None:
    """A single value ten times the others' is clipped where that brings the map nearer on the whole."""
    pixels = PIXELS.copy()
    plain = quantize(backbone(), pixels, method=replace(METHODS["gptq"], clip=False), **NORMAL)
    clipped = quantize(backbone(), pixels, method="gptq", **NORMAL)
    wanted = float_map(backbone(), pixels)
    errors = [np.square(integer_map(n, pixels) - wanted).mean() for n in (plain, clipped)]
    assert errors[1] <= errors[0]
    assert clipped.output_scale <= plain.output_scale


def test_learning_all_layers_together_takes_the_map() -> None:
    network = backbone(1)
    start = quantize(network, PIXELS, method="minmax", **NORMAL)
    learnt = joint.learn(start, network, PIXELS)
    wanted = float_map(network, PIXELS)
    before, after = (np.square(integer_map(n, PIXELS) - wanted).mean() for n in (start, learnt))
    assert after < before


def test_a_layer_that_is_not_there_has_no_width() -> None:
    with pytest.raises(InputError, match="'linear': the network has no such layer"):
        quantize(backbone(), PIXELS, widths=Widths(weight_of={"linear": 5}), **NORMAL)


def test_widths_are_searched_without_a_linear_layer() -> None:
    network = backbone()
    size = sum(conv.weight.size for conv in network.convs)
    found = search_widths(network, PIXELS, budget_bytes=size * 6 // 8, **NORMAL)
    assert "linear" not in found.weight_of
    assert weight_bytes(quantize(network, PIXELS, widths=found, method="minmax", **NORMAL)) <= size * 6 // 8


def test_top_1_needs_classes() -> None:
    found = quantize(backbone(), PIXELS, method="minmax", **NORMAL)
    images = Images(PIXELS, np.zeros(len(PIXELS), np.int64), ())
    with pytest.raises(InputError, match="without a linear layer, and top-1 needs classes"):
        evaluate(found, np.zeros((len(PIXELS), 1)), images, method="minmax")
