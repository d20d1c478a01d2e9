"""What each layer's widths are proven for, and how near a run came, stage by stage.

A bound holds for every input; whether some input reaches it is another question. The accumulator's, sum |w|
max |x| + |b|, cannot be reached where inputs are not negative and a channel's weights have both signs.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from repvgg_hw import golden
from repvgg_hw.design.results import Reach
from repvgg_hw.extremes.patterns import largest_sum
from repvgg_hw.extremes.shapes import ConvInput, Shapes
from repvgg_hw.network import IntegerConv, IntegerLinear, IntegerNetwork
from repvgg_hw.winograd.bounds import data_ranges, input_range
from repvgg_hw.winograd.golden import cut_tiles
from repvgg_hw.winograd.matrices import transform

Reached = dict[str, Reach]  # stage -> how far


def conv_reach(conv: IntegerConv, plan: ConvInput, x: NDArray[np.integer]) -> Reached:
    """Of a convolution layer on x (N, C_in, H, W): its accumulator, and the passes of a data transform."""
    acc = golden.conv3x3(x, conv.weight, conv.stride, conv.groups) + conv.bias.astype(np.int64)[:, None, None]
    of_sums = {"accumulator": Reach(_largest(acc), conv.accumulator_bound)}
    if plan.tile is None:
        return of_sums
    kind = transform(*plan.tile)
    ranges = data_ranges(kind, *input_range(conv.in_bits, conv.in_signed))
    tiles, matrix = cut_tiles(x, kind).astype(np.float64), kind.data.astype(np.float64)  # exact: 24 bits
    middle = matrix @ tiles
    passes = {"data, after columns": (middle, ranges[0]), "data": (middle @ matrix.T, ranges[1])}
    return {name: Reach(_largest(v), max(-low, high)) for name, (v, (low, high)) in passes.items()} | of_sums


def pool_reach(maps: NDArray[np.integer], bits: int) -> Reached:
    """Of the sum over maps (N, C, H, W)."""
    pixels = maps.shape[2] * maps.shape[3]
    return {"sum": Reach(_largest(golden.global_sum(maps)), pixels * ((1 << bits) - 1))}


def linear_reach(linear: IntegerLinear, sums: NDArray[np.integer], top: int) -> Reached:
    """Of the linear layer on pooled sums (N, C) in 0..top."""
    weights = np.abs(linear.weight.astype(np.int64)).sum(axis=1)
    bound = int((weights * top + np.abs(linear.bias.astype(np.int64))).max())
    return {"accumulator": Reach(_largest(golden.linear(sums.astype(np.int64), linear)), bound)}


def layer_reach(network: IntegerNetwork, plan: Shapes, name: str, x: NDArray[np.integer]) -> Reached:
    """Of one layer, by its name in `golden.trace`, on its inputs x."""
    if name in ("pool", "linear"):
        linear = plan.linear
        assert linear is not None
        assert network.linear is not None
        if name == "linear":
            return linear_reach(network.linear, x, largest_sum(linear))
        return pool_reach(x, linear.in_bits)
    layers = zip(network.convs, plan.convs, strict=True)
    return next(conv_reach(conv, layer, x) for conv, layer in layers if conv.name == name)


def network_reach(network: IntegerNetwork, plan: Shapes, images: NDArray[np.int8]) -> dict[str, Reached]:
    """Of every layer, over images (N, C, H, W); one at a time, so that memory stays that of one image."""
    by_layer: dict[str, Reached] = {}
    for image in images:
        x: NDArray[np.integer] = image[None]
        for name, out in golden.trace(x, network):
            by_layer[name] = merged([by_layer.get(name, {}), layer_reach(network, plan, name, x)])
            x = out
    return by_layer


def merged(parts: Iterable[Reached]) -> Reached:
    """The farthest of several runs of one layer."""
    farthest: Reached = {}
    for part in parts:
        for stage, reach in part.items():
            farthest[stage] = max(farthest.get(stage, reach), reach, key=lambda one: one.reached)
    return farthest


def _largest(values: NDArray[np.number]) -> int:
    return int(np.abs(values).max())
