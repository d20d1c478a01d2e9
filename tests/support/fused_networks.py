"""Random fused networks for the tests of quantization, and searches short enough for them."""

from __future__ import annotations

from functools import partial
from typing import TypedDict

import numpy as np
import pytest
import torch

from repvgg_hw.model.images import normalise
from repvgg_hw.network import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    MAX_SHIFT,
    MULTIPLIER_BITS,
    FusedConv,
    FusedLinear,
    FusedNetwork,
    IntegerNetwork,
)
from repvgg_hw.quantize import Widths, balance, grid, joint, quantize


class Normalization(TypedDict):
    """As `quantize` and `search_widths` take it."""

    mean: tuple[float, ...]
    std: tuple[float, ...]


NORMAL: Normalization = {"mean": IMAGENET_MEAN, "std": IMAGENET_STD}


@pytest.fixture(autouse=True)
def short_searches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small networks need few steps."""
    monkeypatch.setattr(balance, "STEPS", 40)
    monkeypatch.setattr(balance, "RATE", 0.1)
    monkeypatch.setattr(joint, "JointSchedule", partial(joint.JointSchedule, steps=30))


def random_network(seed: int = 0, groups: int = 1) -> FusedNetwork:
    """Four layers with channels of very different size, as fused RepVGG layers have."""
    rng = np.random.default_rng(seed)
    convs, c_in = [], 3
    for i, (c_out, stride) in enumerate(((8, 2), (12, 1), (12, 2), (16, 1))):
        g = groups if i else 1
        weight = rng.standard_normal((c_out, c_in // g, 3, 3)) * (2.0 / (9 * c_in / g)) ** 0.5
        weight *= rng.lognormal(0, 0.7, (c_out, 1, 1, 1))
        convs.append(FusedConv(f"layer{i}", weight, rng.standard_normal(c_out) * 0.3, stride, g))
        c_in = c_out
    linear = rng.standard_normal((10, c_in)) * 0.3
    return FusedNetwork("random", tuple(convs), FusedLinear(linear, rng.standard_normal(10)))


def float_logits(network: FusedNetwork, pixels: np.ndarray) -> np.ndarray:
    """What the float network gives, by torch. pixels (N, H, W, C) uint8."""
    x = torch.from_numpy(normalise(pixels, IMAGENET_MEAN, IMAGENET_STD))
    for c in network.convs:
        w, b = torch.from_numpy(c.weight), torch.from_numpy(c.bias)
        x = torch.relu(torch.nn.functional.conv2d(x, w, b, c.stride, 1, 1, c.groups))
    assert network.linear is not None
    return np.asarray(x.mean(dim=(2, 3)).numpy() @ network.linear.weight.T + network.linear.bias)


def quantized(
    network: FusedNetwork, pixels: np.ndarray, method: str = "minmax", weights: int = 8, activations: int = 8
) -> IntegerNetwork:
    """The integer network by this method, at these widths."""
    widths = Widths(weights, activations)
    return quantize(network, pixels, mean=IMAGENET_MEAN, std=IMAGENET_STD, method=method, widths=widths)


def check_rules(network: IntegerNetwork) -> None:
    """Everything that the hardware relies on."""
    signed = True
    for conv in network.convs:
        limit = (1 << (conv.weight_bits - 1)) - 1
        assert conv.weight.dtype == np.int8
        assert abs(conv.weight.astype(int)).max() <= limit
        assert conv.bias.dtype == np.int32
        assert conv.multiplier.dtype == np.int32
        assert conv.multiplier.min() >= 1
        assert conv.multiplier.max() < 1 << MULTIPLIER_BITS
        assert 1 <= conv.shift <= MAX_SHIFT
        assert conv.accumulator_bound < 1 << 31
        assert conv.in_signed is signed
        signed = False
    assert network.linear is not None
    last = list(network.map_shapes())[-1][2]
    assert grid.logit_bound(network.linear, 255 * last[0] * last[1]) < 1 << 31
