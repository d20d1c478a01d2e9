"""For one layer alone: the input maps in which its sums are as large and as small as any input makes them.

A sum of products with constant coefficients is largest where each input is at its upper end if the
coefficient is positive, else at its lower end, and smallest the other way round. That gives a patch of pixels

    for an accumulator      3 x 3 pixels of its channels, signs of its weights
    for a transform's node  K x K pixels of one channel, signs of the node's coefficients

A node is anything that the data transform computes, its adders' sums as well as its results, in the pass over
columns and in the pass over rows. Patches stand beside each other in as few maps as they fit into, results
before nodes inside and those nearest to the end of their width first; beyond the limit of maps the others are
left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from repvgg_hw.extremes.shapes import ConvInput, PoolInput, Shapes
from repvgg_hw.network import IntegerConv, IntegerLinear, IntegerNetwork, out_size
from repvgg_hw.winograd.bounds import data_bits, input_range
from repvgg_hw.winograd.matrices import Int, Transform, transform
from repvgg_hw.winograd.networks import networks

LIMIT = 64  # inputs for one layer, half of them for the transforms where it has any
VALUES = 8_000_000  # of all these inputs together, where that many make at least LEAST
LEAST = 8


def layer_inputs(network: IntegerNetwork, plan: Shapes, name: str) -> NDArray[np.integer]:
    """Inputs (N, ...) that drive one layer, by its name in `golden.trace`, to its edges."""
    if name in ("pool", "linear"):
        linear = plan.linear
        assert linear is not None
        assert network.linear is not None
        if name == "linear":
            return linear_inputs(network.linear, largest_sum(linear))
        return pool_maps((linear.c_in, linear.height, linear.width), linear.in_bits)
    layers = zip(network.convs, plan.convs, strict=True)
    conv, layer = next(pair for pair in layers if pair[0].name == name)
    values = layer.c_in * layer.height * layer.width
    return conv_maps(conv, layer, min(LIMIT, max(LEAST, VALUES // values)))


def largest_sum(linear: PoolInput) -> int:
    """The largest sum of a channel over the map."""
    return linear.height * linear.width * ((1 << linear.in_bits) - 1)


def conv_maps(conv: IntegerConv, plan: ConvInput, limit: int = LIMIT) -> NDArray[np.integer]:
    """Maps (N, C_in, H, W) with N <= limit that reach a convolution layer's edges, its tiles' included."""
    if plan.tile is None:
        return accumulator_maps(conv, plan, limit)
    transforms = transform_maps(transform(*plan.tile), conv, plan, limit // 2)
    return np.concatenate([transforms, accumulator_maps(conv, plan, limit - len(transforms))])


def accumulator_maps(conv: IntegerConv, plan: ConvInput, limit: int = LIMIT) -> NDArray[np.integer]:
    """Maps (N, C_in, H, W) in which channels' accumulators are largest, and smallest, at some pixel."""
    shape = (plan.c_in, plan.height, plan.width)
    low, high = input_range(conv.in_bits, conv.in_signed)
    rows, columns = (_windows(size, 3, conv.stride, out_size(size, conv.stride)) for size in shape[1:])
    weight = conv.weight.astype(np.int64).reshape(conv.groups, -1, shape[0] // conv.groups, 3, 3)
    sheets = []
    for kernels in weight:  # of one group
        patches = np.concatenate([np.where(kernels * sign > 0, high, low) for sign in (1, -1)])
        sums = np.abs((patches * np.concatenate([kernels, kernels])).sum(axis=(1, 2, 3)))
        sheets.append(_sheets(patches[np.argsort(-sums, kind="stable")], rows, columns)[:limit])
    maps = np.zeros((max(map(len, sheets)), *shape), pixel_type(conv))
    for group, pages in zip(np.split(maps, conv.groups, axis=1), sheets, strict=True):
        for target, sheet in zip(group, pages, strict=False):
            _paint(target, sheet)
    return maps


def transform_maps(
    kind: Transform, conv: IntegerConv, plan: ConvInput, limit: int = LIMIT
) -> NDArray[np.integer]:
    """Maps (N, C_in, H, W) in which the data transform's nodes are largest, and smallest, in some tile."""
    shape = (plan.c_in, plan.height, plan.width)
    patches = _node_patches(kind, conv.in_bits, conv.in_signed)
    rows, columns = (
        _windows(size, kind.size, kind.step, -(-out_size(size, kind.stride) // kind.m)) for size in shape[1:]
    )
    sheets = _sheets((patch[None] for patch in patches), rows, columns)[: limit * shape[0]]
    maps = np.zeros((-(-len(sheets) // shape[0]), *shape), pixel_type(conv))
    for target, sheet in zip(maps.reshape(-1, 1, *shape[1:]), sheets, strict=False):
        _paint(target, sheet)
    return maps


def pixel_type(conv: IntegerConv) -> type[np.int8] | type[np.uint8]:
    """Of a layer's inputs."""
    return np.int8 if conv.in_signed else np.uint8


def linear_inputs(linear: IntegerLinear, top: int, limit: int = LIMIT) -> Int:
    """Vectors (N, C) of pooled sums in 0..top with which classes' logits are largest, and smallest."""
    weight = linear.weight.astype(np.int64)
    inputs = np.concatenate([np.where(weight * sign > 0, top, 0) for sign in (1, -1)])
    sums = np.abs((inputs * np.concatenate([weight, weight])).sum(axis=1))
    chosen: Int = inputs[np.argsort(-sums, kind="stable")[:limit]]
    return chosen


def pool_maps(shape: tuple[int, int, int], bits: int) -> NDArray[np.uint8]:
    """Maps (2, *shape): the largest sum of every channel; and 0 and the largest value in turn."""
    top = (1 << bits) - 1
    turns = np.indices(shape).sum(axis=0) % 2 * top
    return np.stack([np.full(shape, top), turns]).astype(np.uint8)


def _node_patches(kind: Transform, in_bits: int, in_signed: bool) -> list[Int]:
    """K x K patches for every node of both passes, the results before the sums inside the networks.

    Of each, those first that come nearest to their node's width.
    """
    low, high = input_range(in_bits, in_signed)
    pixel = in_bits + (not in_signed)  # bits as a signed number
    middle, data = data_bits(kind, low, high)
    corner = np.eye(kind.size, dtype=np.int64)[0]
    best: dict[bytes, tuple[tuple[bool, float], Int]] = {}

    def add(coefficients: Int, signs: Int, width: int, result: bool) -> None:
        for sign in (1, -1):
            patch = np.where(signs * sign > 0, high, low)
            score = (result, abs(int((coefficients * patch).sum())) / (1 << width - 1))
            if patch.tobytes() not in best or score > best[patch.tobytes()][0]:
                best[patch.tobytes()] = (score, patch)

    for node, width, result in _nodes(kind, pixel, middle):  # each column does the same
        add(np.outer(node, corner), np.repeat(node[:, None], kind.size, 1), width, result)
    for node, width, result in _nodes(kind, middle, data):
        for row in kind.data:
            add(np.outer(row, node), np.outer(row, node), width, result)
    return [patch for _, patch in sorted(best.values(), key=lambda item: item[0], reverse=True)]


def _nodes(kind: Transform, in_bits: int, out_bits: int) -> Iterator[tuple[Int, int, bool]]:
    """(coefficients of the inputs, bits, whether a result) of each result and adder of B^T's network."""
    yield from ((row, out_bits, True) for row in kind.data)
    network = networks(kind.m, kind.stride)[0]
    nodes = zip(network.graph.coefficients(), network.growth, strict=True)
    for node, growth in list(nodes)[network.graph.inputs :]:
        yield node, min(out_bits, in_bits + growth), False


@dataclass(frozen=True)
class _Windows:
    """Where windows begin, in one dimension; apart: none overlaps another, each lies inside the map."""

    starts: list[int]
    apart: bool


def _windows(size: int, window: int, step: int, count: int) -> _Windows:
    """Those of `count` windows, one every `step` pixels from -1 on, in which a patch is best written.

    Where none lies inside the map, those that lie most inside it: each of them sees other pixels.
    """
    starts = [step * i - 1 for i in range(count)]
    inside = [s for s in starts if s >= 0 and s + window <= size]
    if not inside:
        covered = {s: min(s + window, size) - max(s, 0) for s in starts}
        return _Windows([s for s in starts if covered[s] == max(covered.values())], False)
    chosen = inside[:1]
    for start in inside:
        if start >= chosen[-1] + window:
            chosen.append(start)
    return _Windows(chosen, True)


Sheet = list[tuple[Int, tuple[int, int]]]  # patches (C, k, k), and where each begins


def _sheets(patches: Iterable[Int], rows: _Windows, columns: _Windows) -> list[Sheet]:
    """Patches as they stand in maps: beside each other where they fit whole, else each in every place."""
    places = [(y, x) for y in rows.starts for x in columns.starts]
    waiting = list(patches)
    if not (rows.apart and columns.apart):
        return [[(patch, place)] for patch in waiting for place in places]
    size = len(places)
    chunks = (waiting[i : i + size] for i in range(0, len(waiting), size))
    return [list(zip(chunk, places, strict=False)) for chunk in chunks]


def _paint(target: NDArray[np.integer], sheet: Sheet) -> None:
    """Write a sheet into target (C, H, W), without what lies outside."""
    height, width = target.shape[1:]
    for patch, (y, x) in sheet:
        rows = slice(max(y, 0), min(y + patch.shape[1], height))
        columns = slice(max(x, 0), min(x + patch.shape[2], width))
        target[:, rows, columns] = patch[
            :, rows.start - y : rows.stop - y, columns.start - x : columns.stop - x
        ]
