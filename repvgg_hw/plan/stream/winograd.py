"""One Winograd layer unit: parameters of `rvg_conv3x3_winograd.sv`, its cycles, memories and price."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from repvgg_hw.network import MULTIPLIER_BITS
from repvgg_hw.plan.folding import divisors, product_bits
from repvgg_hw.plan.stream.lines import Lines
from repvgg_hw.plan.stream.tiled import TiledConv
from repvgg_hw.plan.stream.timing import (
    DRAIN_CYCLES,
    RASTER_CYCLES,
    REQUANT_CYCLES,
    WINDOWS_HELD,
    WINOGRAD_MAC_CYCLES,
    accumulate_cycles,
    output_cycles,
)
from repvgg_hw.plan.stream.transform_registers import input_transform_bits, output_transform_bits
from repvgg_hw.winograd.bounds import TransformWidths, widths
from repvgg_hw.winograd.division import divider
from repvgg_hw.winograd.golden import weight_transform
from repvgg_hw.winograd.matrices import Int
from repvgg_hw.winograd.networks import networks

# Tile rows in the raster buffer. One leaves while the next is computed, as long as both take the same time;
# but the last tile row of a map may be short and leave at once, and then the third one is already there.
RASTER_BUFFERS = 3


@dataclass(frozen=True)
class WinogradUnit(TiledConv):
    """A 3x3 layer by F(m x m, 3x3), folded by pi input and po output channels.

    acc_bits holds every convolution sum with its bias, as in the direct unit.
    """

    m: int
    c_in: int
    c_out: int
    height: int  # of the input map
    width: int
    pi: int
    po: int
    acc_bits: int
    stride: int = 1
    groups: int = 1
    in_bits: int = 8
    in_signed: bool = False
    weight_bits: int = 8  # before the transform
    out_bits: int = 8

    @cached_property
    def widths(self) -> TransformWidths:
        return widths(self.transform, self.acc_bits, self.in_bits, self.in_signed, self.weight_bits)

    @property
    def drain_cycles(self) -> int:
        """Upper bound: from a tile row's last word into the multipliers to its first beat out of the raster.

        One set through the output transform, a tile's columns, and the registers on the way.
        """
        way = (
            WINOGRAD_MAC_CYCLES
            + accumulate_cycles(self.pi)
            + output_cycles(self.m, self.stride)
            + REQUANT_CYCLES
            + RASTER_CYCLES
        )
        return self.spacing + self.m + max(DRAIN_CYCLES, way)

    @property
    def out_lanes(self) -> int:
        """Channels per beat of the output stream: the fewest that never delay the multipliers.

        A tile row of the raster buffer must be read while another one is computed and drained.
        """
        fits = (d for d in divisors(self.c_out) if d % self.lanes == 0)
        drain = self.tile_rows * self.drain_cycles
        return next(d for d in fits if d == self.c_out or self._beats(d) + drain <= self._busy_cycles)

    def _beats(self, out_lanes: int) -> int:
        """Beats per frame with that many channels each."""
        return self.out_height * self.out_width * (self.c_out // out_lanes)

    @property
    def multipliers(self) -> int:
        """Multipliers of the array; requantization's are counted apart."""
        return self.transform.size**2 * self.pi * self.po

    @property
    def pairs(self) -> bool:
        """Whether a multiplier makes two products: none does, transformed operands are too wide."""
        return False

    @property
    def requant_multipliers(self) -> int:
        return self.m * self.lanes

    @property
    def raster_cycles(self) -> int:
        """Per frame: beats that leave."""
        return self._beats(self.out_lanes)

    @property
    def _busy_cycles(self) -> int:
        return max(self.compute_cycles, self.fetch_cycles, self.write_cycles)

    @property
    def cycles(self) -> int:
        """Cycles per frame of this layer alone.

        Each of the raster's buffers is computed, drained and read once in RASTER_BUFFERS tile rows' time.
        """
        turns = self._busy_cycles + self.raster_cycles + self.tile_rows * self.drain_cycles
        return max(self._busy_cycles, self.raster_cycles, -(-turns // RASTER_BUFFERS))

    @property
    def quiet_cycles(self) -> int:
        """The longest that it works without a beat in or out: the two tile rows in its line buffer."""
        return 2 * -(-self.cycles // self.tile_rows)

    @property
    def frames_held(self) -> float:
        """Upper bound of the frames that fit into the unit: rows, windows and tile rows."""
        rows = (self.transform.size + self.transform.step) / self.height
        return rows + WINDOWS_HELD / self.tiles + RASTER_BUFFERS / self.tile_rows

    @property
    def adders(self) -> dict[str, int]:
        """Two-input adders of the constant networks, by role."""
        data, output, _ = networks(self.m, self.stride)
        division = divider(self.transform.odd**2, self.acc_bits)
        return {
            "input transform": 2 * self.pi * data.graph.cost,
            "output transform": (self.rows + 1) * self.lanes * output.graph.cost,
            "exact division": self.lanes * self.m * division.cost,
        }

    @property
    def transform_adders(self) -> int:
        """Two-input adders of all constant networks."""
        return sum(self.adders.values())

    @property
    def registers(self) -> dict[str, int]:
        """Bits of data registers by role; control, line buffer and requantization are left out."""
        w, positions = self.widths, self.transform.size**2
        products = product_bits(self.pi, w.data, w.weight, w.sum)
        arriving = input_transform_bits(self.transform, w, self.in_bits, self.in_signed)
        leaving = output_transform_bits(self.transform, w, self.acc_bits, self.rows, self.po // self.lanes)
        return {
            "input transform": self.pi * arriving,
            "multipliers": positions
            * (self.pi * (2 * w.data + self.po * w.weight) + self.po * (products + w.sum)),
            "output transform": self.lanes * leaving,
        }

    @property
    def data_registers(self) -> int:
        """Bits of all of them."""
        return sum(self.registers.values())

    @property
    def raster_buffers(self) -> int:
        """Tile rows in the raster buffer."""
        return RASTER_BUFFERS

    @property
    def weight_memory(self) -> tuple[int, int]:
        """(words, bits per word) of the transformed weights' ROM."""
        return self.groups * self.words * self.repeats, self.multipliers * self.widths.weight

    @property
    def affine_memory(self) -> tuple[int, int]:
        """(words, bits per word) of the ROM of biases and multipliers."""
        return self.c_out // self.lanes, self.lanes * (self.acc_bits + MULTIPLIER_BITS)

    @property
    def line_memory(self) -> tuple[int, int]:
        """(words, bits per word) of the line buffer: a ring of K + step rows."""
        return self.lines.ring

    @property
    def lines(self) -> Lines:
        """The line buffer."""
        return Lines(
            words=self.c_in // self.in_lanes,
            width=self.width,
            kernel=self.transform.size,
            step=self.transform.step,
            tile_rows=self.tile_rows,
            tile_columns=self.tiles // self.tile_rows,
            beat_bits=self.in_lanes * self.in_bits,
        )

    @property
    def fetch_rows(self) -> int:
        """Rows of a window's column that are read at once: the fewest that delay nothing else.

        While a window of words waits for the input transform to take all but its last, nothing is read.
        """
        windows, words = self.tiles * (self.c_in // self.in_lanes), self.in_lanes // self.pi
        waiting = windows * (words - 1) * (self.transform.size + 1)
        return self.lines.fewest_rows(self._busy_cycles - waiting)

    @property
    def window_memory(self) -> tuple[int, int]:
        """(words, bits per word) of the double-buffered transformed data."""
        return 2 * self.words, self.transform.size**2 * self.pi * self.widths.data

    @property
    def tile_memory(self) -> tuple[int, int]:
        """(words, bits per word) of the tile rows behind requantization."""
        words = RASTER_BUFFERS * self.out_width * (self.c_out // self.out_lanes)
        return words, self.out_lanes * self.m * self.out_bits

    @property
    def memory_bits(self) -> int:
        """Bits of all the unit's memories."""
        memories = (
            self.weight_memory,
            self.affine_memory,
            self.line_memory,
            self.window_memory,
            self.tile_memory,
        )
        return sum(words * bits for words, bits in memories)

    def weight_words(self, weight: NDArray[np.integer]) -> Int:
        """The weight ROM, weight (C_out, C_in / groups, 3, 3) -> (words, lanes), lane 0 in the low bits.

        Words in order of use: group, PO outputs, PI inputs; lanes (output, row, column, input).
        """
        u = weight_transform(weight, self.transform)
        size = self.transform.size
        u = u.reshape(self.groups, self.repeats, self.po, self.words, self.pi, size * size)
        ordered: Int = u.transpose(0, 1, 3, 2, 5, 4).reshape(self.weight_memory[0], self.multipliers)
        return ordered


@dataclass(frozen=True, kw_only=True)
class WinogradPlan(WinogradUnit):
    """One 3x3 convolution + requantize + ReLU unit by Winograd's F(m x m, 3x3)."""

    KIND: ClassVar[str] = "winograd"
    DERIVED: ClassVar[tuple[str, ...]] = (
        "multipliers",
        "macs",
        "cycles",
        "words",
        "repeats",
        "out_lanes",
        "memory_bits",
    )

    name: str

    @property
    def tile(self) -> tuple[int, int] | None:
        """(m, stride): which transforms it needs."""
        return self.m, self.stride

    @property
    def initiations(self) -> int:
        """Per frame, of the slowest loop of a design that fetches a column in one cycle, as HLS does."""
        columns = self.tiles * (self.c_in // self.pi) * self.transform.size
        return max(columns, self.compute_cycles, self.write_cycles, self.raster_cycles)

    @property
    def algorithm(self) -> str:
        return f"F({self.m})" if self.stride == 1 else f"F({self.m}) in phases"

    @property
    def ident(self) -> str:
        """The name as an identifier of Verilog and C++."""
        return self.name.replace(".", "_")

    @property
    def weight_lane_bits(self) -> int:
        """Bits of one transformed weight in the weight ROM."""
        return self.widths.weight

    @property
    def affine_lanes(self) -> int:
        """Channels per word of the table of biases and multipliers."""
        return self.lanes
