"""An engine's layers as `extremes` sees them: each one's input, and in which tiles it is transformed."""

from __future__ import annotations

from dataclasses import dataclass

from repvgg_hw.plan.engine.array import Array
from repvgg_hw.plan.engine.schedule import Schedule
from repvgg_hw.winograd.matrices import KERNEL


@dataclass(frozen=True)
class Input:
    """See `extremes.shapes`: of a convolution, or of what is pooled."""

    c_in: int
    height: int
    width: int
    in_bits: int
    tile: tuple[int, int] | None = None


@dataclass(frozen=True)
class EngineShapes:
    """See `extremes.shapes.Shapes`."""

    convs: tuple[Input, ...]
    linear: Input | None


def shapes(schedule: Schedule) -> EngineShapes:
    """Of a network on an engine."""
    network, layers = schedule.network, schedule.layers
    convs = tuple(
        Input(layer.shape.c_in, layer.height, layer.width, conv.in_bits, _tile(schedule.array, conv.stride))
        for layer, conv in zip(layers, network.convs, strict=True)
    )
    if network.linear is None:
        return EngineShapes(convs, None)
    last = layers[-1]
    pooled = Input(last.shape.c_out, last.out_height, last.out_width, network.convs[-1].out_bits)
    return EngineShapes(convs, pooled)


def _tile(array: Array, stride: int) -> tuple[int, int] | None:
    """(m, stride); none where the array convolves directly."""
    return None if array.n == KERNEL else (array.kind(stride).m, stride)
