"""Input frames for a whole network that drive its layers as far as its input can.

What reaches the edges of the first layer is known exactly. What the layers behind see is whatever those
before them make, so for these the frames are found, not derived: of many candidates, constants,
checkerboards, impulses and blocks of random extremes of every size, those are kept that drive some layer
farther than all before. To reach every layer's edges, each is driven alone (patterns.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from repvgg_hw.design.results import SimulationResult
from repvgg_hw.extremes.patterns import conv_maps
from repvgg_hw.extremes.reach import merged, network_reach
from repvgg_hw.extremes.shapes import Shapes
from repvgg_hw.network import IntegerNetwork
from repvgg_hw.winograd.bounds import input_range

FIRST_LAYER = 8  # frames at most for the first layer's own edges
CANDIDATES = 32
KEPT = 8
GAIN = 1.02  # a candidate is kept where it drives some stage farther by that factor


def with_extremes(network: IntegerNetwork, plan: Shapes, images: NDArray[np.int8]) -> NDArray[np.int8]:
    """The images (N, C, H, W), and the frames behind them."""
    return np.concatenate([images, network_frames(network, plan)])


def with_reach(
    result: SimulationResult,
    network: IntegerNetwork,
    plan: Shapes,
    images: NDArray[np.int8],
    given: int,
) -> SimulationResult:
    """The result of a run on `images`, the first `given` of them the user's, with how far each layer came."""
    reach = network_reach(network, plan, images)
    layers = tuple(replace(layer, reach=reach[layer.name]) for layer in result.layers)
    note = f"{given} images and {len(images) - given} frames of extremes"
    return replace(result, layers=layers, notes=(*result.notes, note))


def network_frames(network: IntegerNetwork, plan: Shapes) -> NDArray[np.int8]:
    """Frames (N, C, H, W) int8, at most FIRST_LAYER + KEPT + 2; the same for the same network and plan."""
    first = network.convs[0]
    low, high = input_range(first.in_bits, first.in_signed)
    frames = [*conv_maps(first, plan.convs[0], FIRST_LAYER)]
    frames += [np.full(network.in_shape, value) for value in (low, high)]
    chosen = np.array(frames).astype(np.int8)
    reached = network_reach(network, plan, chosen)
    kept: list[NDArray[np.int8]] = []
    for candidate in candidates(network.in_shape, low, high):
        if len(kept) == KEPT:
            break
        farther = network_reach(network, plan, candidate[None])
        gains = (
            new.reached > GAIN * reached[name][stage].reached
            for name, stages in farther.items()
            for stage, new in stages.items()
        )
        if any(gains):
            kept.append(candidate)
            reached = {name: merged([reached[name], farther[name]]) for name in reached}
    return np.concatenate([chosen, np.array(kept, np.int8).reshape(-1, *network.in_shape)])


def candidates(shape: tuple[int, int, int], low: int, high: int) -> Iterator[NDArray[np.int8]]:
    """CANDIDATES frames of nothing but extremes."""
    _, height, width = shape
    channel, row, column = np.indices(shape)
    yield np.where((row + column) % 2, high, low).astype(np.int8)
    yield np.where((row + column + channel) % 2, high, low).astype(np.int8)
    for inside, outside in ((high, low), (low, high)):
        impulses = (row % 8 == 3) & (column % 8 == 3) & (channel == (row // 8 + column // 8) % shape[0])
        yield np.where(impulses, inside, outside).astype(np.int8)
    rng = np.random.default_rng(0)
    sizes = [size for size in (1, 2, 4, 8, 16, 32, 64) if size < max(height, width)]
    for i in range(CANDIDATES - 4):
        size = sizes[i % len(sizes)]
        blocks = rng.choice([low, high], (shape[0], -(-height // size), -(-width // size)))
        yield blocks.repeat(size, 1).repeat(size, 2)[:, :height, :width].astype(np.int8)
