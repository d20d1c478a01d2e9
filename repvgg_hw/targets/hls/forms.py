"""How each kind of layer is written in C++: one line per kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from repvgg_hw.network import IntegerConv
from repvgg_hw.plan.stream.direct import ConvPlan
from repvgg_hw.plan.stream.winograd import WinogradPlan
from repvgg_hw.targets.hls.transforms import sum_bits

Literal = int | bool
Parameters = dict[str, Literal]
Ints = NDArray[np.integer]

ROW_BUFFER_SLACK = 2  # a Winograd layer ends in a buffer of whole rows, which is all the slack that it needs


@dataclass(frozen=True)
class Form:
    """One kind of layer; the functions take its plan.

    unit        the function template of templates/hls/lib that computes it
    shape       the structure that derives its counts and stream types
    parameters  the constants that only this kind has, or has otherwise
    rows        weights (C_out, C_in / groups, 3, 3) -> rows of the weight ROM, lane 0 first
    fifo_depth  beats of the stream behind it
    """

    unit: str
    shape: str
    parameters: Callable[[Any, IntegerConv], Parameters]
    rows: Callable[[Any, Ints], Ints]
    fifo_depth: Callable[[Any], int]


def conv_rows(conv: ConvPlan, weight: Ints) -> Ints:
    """ROM rows (groups * repeats * words, PO * PI * 9): a window's nine taps stand side by side."""
    taps = weight.reshape(conv.groups, conv.repeats, conv.po, conv.words, conv.pi, 9)
    rows: Ints = taps.transpose(0, 1, 3, 2, 4, 5).reshape(-1, conv.po * conv.pi * 9)
    return rows


def winograd_parameters(conv: WinogradPlan, numbers: IntegerConv) -> Parameters:
    """Tile, lanes, rows and widths; weights are wider once they are transformed."""
    return {
        "M": conv.m,
        "LANES": conv.lanes,
        "ROWS": conv.rows,
        "LINE_LANES": conv.in_lanes,
        "MIDDLE_BITS": conv.widths.middle,
        "DATA_BITS": conv.widths.data,
        "WEIGHT_BITS": conv.widths.weight,
        "SUM_BITS": sum_bits(conv, numbers.weight),
    }


# KIND of a layer -> its form
FORMS = {
    ConvPlan.KIND: Form("conv3x3", "Conv", lambda conv, _: {}, conv_rows, lambda conv: conv.fifo_depth),
    WinogradPlan.KIND: Form(
        "winograd3x3", "Tiled", winograd_parameters, WinogradPlan.weight_words, lambda _: ROW_BUFFER_SLACK
    ),
}
