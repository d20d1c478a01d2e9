"""The inputs that drive a layer to its edges, against every input or an edge's definition."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hls_networks import Layer, random_network
from numpy.typing import NDArray

from repvgg_hw import golden
from repvgg_hw.extremes import patterns, reach
from repvgg_hw.network import IntegerConv, IntegerNetwork
from repvgg_hw.plan.stream.plan import Plan
from repvgg_hw.winograd.golden import cut_tiles, data_transform
from repvgg_hw.winograd.matrices import transform


def layer_of(
    layer: Layer, c_in: int, height: int, width: int, seed: int = 0
) -> tuple[IntegerNetwork, Plan, IntegerConv]:
    """A network of one layer; its input is int8."""
    network, plan = random_network([layer], in_shape=(c_in, height, width), seed=seed)
    return network, plan, network.convs[0]


def accumulators(conv: IntegerConv, x: NDArray[np.integer]) -> NDArray[np.int64]:
    return golden.conv3x3(x, conv.weight, conv.stride, conv.groups)


@pytest.mark.parametrize(("groups", "stride", "height", "width"), [(1, 1, 6, 5), (2, 1, 7, 9), (1, 2, 7, 8)])
def test_every_channel_is_driven_to_both_ends(groups: int, stride: int, height: int, width: int) -> None:
    """Where a window lies inside the map: positive weights times one end, the others times the other."""
    _, plan, conv = layer_of(Layer(6, stride=stride, groups=groups), 4, height, width)
    maps = patterns.conv_maps(conv, plan.convs[0])
    assert maps.dtype == np.int8
    assert len(maps) <= patterns.LIMIT
    acc = accumulators(conv, maps)
    w = conv.weight.astype(np.int64).reshape(6, -1)
    positive, negative = np.maximum(w, 0).sum(axis=1), np.maximum(-w, 0).sum(axis=1)
    assert acc.max(axis=(0, 2, 3)).tolist() == (positive * 127 + negative * 128).tolist()
    assert acc.min(axis=(0, 2, 3)).tolist() == (-positive * 128 - negative * 127).tolist()


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 3), (2, 2), (3, 2)])
@pytest.mark.parametrize("stride", [1, 2])
def test_small_maps_against_every_input(height: int, width: int, stride: int) -> None:
    """Where padding is in every window: against all maps of extremes, 2^(C H W) of them."""
    _, plan, conv = layer_of(Layer(3, stride=stride), 2, height, width, seed=height + 4 * width)
    conv = replace(conv, in_signed=False)
    everything = np.array(list(itertools.product((0, 255), repeat=2 * height * width)))
    acc = accumulators(conv, everything.reshape(-1, 2, height, width))
    driven = accumulators(conv, patterns.conv_maps(conv, plan.convs[0]))
    assert driven.max(axis=(0, 2, 3)).tolist() == acc.max(axis=(0, 2, 3)).tolist()
    assert driven.min(axis=(0, 2, 3)).tolist() == acc.min(axis=(0, 2, 3)).tolist()


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("m", [2, 3, 4, 6])
@pytest.mark.parametrize("signed", [True, False])
def test_every_position_of_the_data_transform_is_driven_to_both_ends(
    m: int, stride: int, signed: bool
) -> None:
    """A position's coefficients are a row of kron(B^T, B^T): the sums of its positive and negative ones."""
    kind = transform(m, stride)
    size = 3 * kind.size
    _, plan, conv = layer_of(Layer(2, stride=stride, m=m), 16, size, size)
    conv = replace(conv, in_signed=signed)
    maps = patterns.transform_maps(kind, conv, plan.convs[0], limit=1000)
    v = data_transform(cut_tiles(maps, kind), kind)
    rows = np.kron(kind.data, kind.data)
    positive, negative = np.maximum(rows, 0).sum(axis=1), np.maximum(-rows, 0).sum(axis=1)
    low, high = (-128, 127) if signed else (0, 255)
    axes = (0, 1, 2, 3)
    assert v.max(axis=axes).ravel().tolist() == (positive * high - negative * low).tolist()
    assert v.min(axis=axes).ravel().tolist() == (positive * low - negative * high).tolist()


def test_tiles_that_all_overhang_the_map_are_driven_as_far_as_padding_lets_them() -> None:
    """F(6) on 12 x 12: each of the four tiles reads two borders."""
    kind = transform(6)
    _, plan, conv = layer_of(Layer(2, m=6), 8, 12, 12)
    conv = replace(conv, in_signed=False)
    maps = patterns.transform_maps(kind, conv, plan.convs[0], limit=1000)
    v = data_transform(cut_tiles(maps, kind), kind)
    inside = cut_tiles(np.ones((1, 1, 12, 12), np.int64), kind)[0, 0].reshape(4, -1)
    rows = np.kron(kind.data, kind.data)
    ends = np.stack([np.maximum(rows, 0) @ inside.T, np.minimum(rows, 0) @ inside.T]) * 255
    assert int(np.abs(v).max()) == int(np.abs(ends).max())
    assert int(v.max()) == int(ends.max())
    assert int(v.min()) == int(ends.min())


def test_the_limit_keeps_what_is_nearest_to_the_end() -> None:
    kind = transform(6)
    _, plan, conv = layer_of(Layer(2, m=6), 4, 40, 40)
    maps = patterns.conv_maps(conv, plan.convs[0], limit=4)
    assert len(maps) <= 4
    found = reach.conv_reach(conv, plan.convs[0], maps)
    assert found["data"].share == 1
    assert found["accumulator"].reached == int(np.abs(accumulators(conv, maps) + biases(conv)).max())
    assert kind.size == 8


def biases(conv: IntegerConv) -> NDArray[np.int64]:
    return conv.bias.astype(np.int64)[:, None, None]


def test_linear_and_pool() -> None:
    network, plan, _ = layer_of(Layer(4), 3, 6, 5)
    assert network.linear is not None
    sums = patterns.layer_inputs(network, plan, "linear").astype(np.int64)
    w = network.linear.weight.astype(np.int64)
    top = 6 * 5 * 255
    logits = golden.linear(sums, network.linear) - network.linear.bias
    assert logits.max(axis=0).tolist() == (np.maximum(w, 0).sum(axis=1) * top).tolist()
    assert logits.min(axis=0).tolist() == (np.minimum(w, 0).sum(axis=1) * top).tolist()
    maps = patterns.layer_inputs(network, plan, "pool")
    assert golden.global_sum(maps).max() == top
    assert reach.layer_reach(network, plan, "pool", maps)["sum"].share == 1
