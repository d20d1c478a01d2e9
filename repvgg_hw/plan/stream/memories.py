"""The memories of each unit of a streaming design, by shape: what `memory_map` maps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from repvgg_hw.network import MULTIPLIER_BITS
from repvgg_hw.plan.memory_map import Mapped, map_memory
from repvgg_hw.plan.rom_banks import banks
from repvgg_hw.plan.stream.direct import ConvPlan
from repvgg_hw.plan.stream.layers import AnyConvPlan
from repvgg_hw.plan.stream.linear import LinearPlan

LUT_STYLE = 32  # words that a RAM in LUTs of six inputs holds at its widest: what `ram_style` asks for


@dataclass(frozen=True)
class Memory:
    """`copies` equal memories of `words` words of `bits` bits.

    rom          it has contents and no write port
    distributed  the RTL asks for RAM in LUTs, read without a register
    """

    role: str
    words: int
    bits: int
    copies: int = 1
    rom: bool = False
    distributed: bool = False

    def mapped(self, family: str) -> Mapped:
        """What one copy becomes."""
        if self.distributed:
            return _distributed(family, self.words, self.bits)
        return map_memory(family, self.words, self.bits, rom=self.rom)


def _distributed(family: str, words: int, bits: int) -> Mapped:
    """RAM in LUTs, however deep."""
    if family == "ecp5":
        return Mapped(lut=4 * -(-bits // 4) * -(-words // 16), mux_bits=(-(-words // 16) - 1) * bits)
    wide, narrow, luts = (6, 3, 4) if family == "xc7" else (14, 7, 8)
    if words <= LUT_STYLE:
        return Mapped(lut=luts * -(-bits // wide))
    stacked = -(-words // (2 * LUT_STYLE))
    return Mapped(lut=luts * -(-bits // narrow) * stacked, mux_bits=(stacked - 1) * bits)


def rom(role: str, memory: tuple[int, int], lane_bits: int) -> Iterator[Memory]:
    """The banks of a table of (words, bits per word) whose lanes have that many bits."""
    words, bits = memory
    wide = Counter((end - first) * lane_bits for first, end in banks(bits // lane_bits, lane_bits))
    for width, copies in wide.items():
        yield Memory(role, words, width, copies, rom=True)


def conv_memories(conv: AnyConvPlan) -> list[Memory]:
    """Of one convolution with its tables."""
    lines, at_once = conv.lines, conv.fetch_rows
    found = [
        *rom("weights", conv.weight_memory, conv.weight_lane_bits),
        *rom("affine", conv.affine_memory, conv.acc_bits + MULTIPLIER_BITS),
        Memory("lines", lines.depth(at_once), lines.beat_bits, lines.lanes(at_once)),
        Memory("windows", *conv.window_memory),
    ]
    if isinstance(conv, ConvPlan):
        return [*found, Memory("results", conv.fifo_depth, conv.out_lanes * conv.out_bits, distributed=True)]
    words, bits = conv.tile_memory
    slots = conv.out_lanes // conv.lanes
    return [*found, Memory("tiles", words, bits // slots, slots)]


def linear_memories(linear: LinearPlan) -> list[Memory]:
    """Of the global sum and the linear layer."""
    sums = linear.in_lanes * linear.sum_bits
    words = linear.c_in // linear.in_lanes
    # One word alone is in a register, and of one pixel nothing is added up.
    kept = words > 1 and linear.height * linear.width > 1
    so_far = [Memory("sums", words, sums, distributed=True)] if kept else []
    return [
        *rom("weights", linear.weight_memory, linear.weight_bits),
        *rom("biases", linear.bias_memory, linear.acc_bits),
        *so_far,
        Memory("sums that wait", linear.pool_fifo_depth, sums, distributed=True),
        Memory("features", 2 * linear.words, linear.pi * linear.sum_bits),
        Memory("logits", linear.fifo_depth, linear.out_lanes * linear.acc_bits, distributed=True),
    ]
