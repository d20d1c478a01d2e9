"""The constants of an HLS design: weight ROMs, biases, requantization multipliers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from repvgg_hw.network import IntegerNetwork
from repvgg_hw.plan.stream.linear import LinearPlan
from repvgg_hw.plan.stream.plan import Plan
from repvgg_hw.targets.hls.forms import FORMS

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
            return hex_rows(self.values)
        rows = self.values.reshape(len(self.values), -1).tolist()
        lines = [",".join(map(str, row)) for row in rows]
        if self.values.ndim == 1:
            return "".join(f"{line},\n" for line in lines)
        return "".join(f"{{{line}}},\n" for line in lines)


def hex_rows(chunks: NDArray[np.generic]) -> str:
    """(rows, n) uint64 as an initialiser's rows. Tables of tens of megabytes: whole arrays of characters."""
    rows, count = chunks.shape
    digits = np.frombuffer(chunks.astype(">u8").tobytes().hex().encode(), dtype=np.uint8)
    text = np.empty((rows, count, len("0x,") + CHUNK_BITS // 4), dtype=np.uint8)
    text[:, :, :2] = np.frombuffer(b"0x", dtype=np.uint8)
    text[:, :, 2:-1] = digits.reshape(rows, count, -1)
    text[:, :, -1] = ord(",")
    lines = text.reshape(rows, -1)[:, :-1]  # no comma behind a row's last number
    ends = np.frombuffer(b"},\n", dtype=np.uint8)
    begins = np.full((rows, 1), ord("{"), dtype=np.uint8)
    return np.hstack([begins, lines, np.broadcast_to(ends, (rows, len(ends)))]).tobytes().decode("ascii")


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


def linear_rows(weight: NDArray[np.int8], linear: LinearPlan) -> NDArray[np.int8]:
    """Weights (classes, C) -> ROM rows (repeats * words, PO * PI)."""
    lanes = weight.reshape(linear.repeats, linear.po, linear.words, linear.pi)
    rows: NDArray[np.int8] = lanes.transpose(0, 2, 1, 3).reshape(-1, linear.po * linear.pi)
    return rows


def tables(network: IntegerNetwork, plan: Plan) -> Iterator[Table]:
    """Every constant of the design, layer by layer."""
    for conv, layer in zip(plan.convs, network.convs, strict=True):
        name, lanes = conv.name, (-1, conv.affine_lanes)
        rows = pack_rows(FORMS[conv.KIND].rows(conv, layer.weight), conv.weight_lane_bits)
        yield Table(name, f"{conv.ident}_weights", "uint64_t", rows)
        yield Table(name, f"{conv.ident}_bias", "int32_t", layer.bias.reshape(lanes))
        yield Table(name, f"{conv.ident}_multiplier", "uint32_t", layer.multiplier.reshape(lanes))
    if network.linear is not None and (linear := plan.linear) is not None:
        rows = pack_rows(linear_rows(network.linear.weight, linear), linear.weight_bits)
        yield Table(linear.name, f"{linear.ident}_weights", "uint64_t", rows)
        yield Table(linear.name, f"{linear.ident}_bias", "int32_t", network.linear.bias)
