"""The constants of an HLS design: weight ROMs, biases, requantization multipliers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from repvgg_hw.network import IntegerNetwork
from repvgg_hw.plan import ConvPlan, LinearPlan, Plan

CHUNK_BITS = 64  # of a weight ROM's row: see templates/hls/lib/words.hpp


@dataclass(frozen=True)
class Table:
    """A ROM: `ctype ident[shape]`, its numbers in `path` (relative to `src/`)."""

    layer: str
    ident: str
    ctype: str
    values: NDArray[np.generic] = field(repr=False)

    @property
    def path(self) -> str:
        return f"tables/{self.ident}.inc"

    @property
    def shape(self) -> tuple[int, ...]:
        return self.values.shape

    def text(self) -> str:
        """The initialiser's rows, without the outer braces."""
        if self.ctype == "uint64_t":
            rows = self.values.astype(">u8").tobytes().hex()
            digits = CHUNK_BITS // 4
            numbers = ["0x" + rows[i : i + digits] for i in range(0, len(rows), digits)]
        else:
            numbers = [str(v) for v in self.values.ravel().tolist()]
        if self.values.ndim == 1:
            return "".join(f"{number},\n" for number in numbers)
        width = self.shape[1]
        return "".join("{" + ",".join(numbers[i : i + width]) + "},\n" for i in range(0, len(numbers), width))


def pack_rows(weights: NDArray[np.integer], bits: int) -> NDArray[np.uint64]:
    """ROM rows of weights (rows, n) -> chunks (rows, ceil(n / (64 // bits))) uint64, weight 0 lowest."""
    per_chunk = CHUNK_BITS // bits
    rows, count = weights.shape
    chunks = -(-count // per_chunk)
    padded = np.zeros((rows, chunks * per_chunk), dtype=np.uint64)
    padded[:, :count] = weights.astype(np.int64).astype(np.uint64) & np.uint64((1 << bits) - 1)
    shifts = np.arange(per_chunk, dtype=np.uint64) * np.uint64(bits)
    packed: NDArray[np.uint64] = np.bitwise_or.reduce(
        padded.reshape(rows, chunks, per_chunk) << shifts, axis=2
    )
    return packed


def conv_rows(weight: NDArray[np.int8], conv: ConvPlan) -> NDArray[np.int8]:
    """Weights (C_out, C_in / groups, 3, 3) -> ROM rows (groups * repeats * words, PO * PI * 9)."""
    taps = weight.reshape(conv.groups, conv.repeats, conv.po, conv.words, conv.pi, 9)
    rows: NDArray[np.int8] = taps.transpose(0, 1, 3, 2, 4, 5).reshape(-1, conv.po * conv.pi * 9)
    return rows


def linear_rows(weight: NDArray[np.int8], linear: LinearPlan) -> NDArray[np.int8]:
    """Weights (classes, C) -> ROM rows (repeats * words, PO * PI)."""
    lanes = weight.reshape(linear.repeats, linear.po, linear.words, linear.pi)
    rows: NDArray[np.int8] = lanes.transpose(0, 2, 1, 3).reshape(-1, linear.po * linear.pi)
    return rows


def tables(network: IntegerNetwork, plan: Plan) -> Iterator[Table]:
    """Every constant of the design, layer by layer."""
    for conv, layer in zip(plan.convs, network.convs, strict=True):
        name, lanes = conv.name, (-1, conv.affine_lanes)
        if isinstance(conv, ConvPlan):
            rows = pack_rows(conv_rows(layer.weight, conv), conv.weight_bits)
        else:
            rows = pack_rows(conv.weight_words(layer.weight), conv.weight_lane_bits)
        yield Table(name, f"{conv.ident}_weights", "uint64_t", rows)
        yield Table(name, f"{conv.ident}_bias", "int32_t", layer.bias.reshape(lanes))
        yield Table(name, f"{conv.ident}_multiplier", "uint32_t", layer.multiplier.reshape(lanes))
    linear = plan.linear
    rows = pack_rows(linear_rows(network.linear.weight, linear), linear.weight_bits)
    yield Table(linear.name, f"{linear.ident}_weights", "uint64_t", rows)
    yield Table(linear.name, f"{linear.ident}_bias", "int32_t", network.linear.bias)
