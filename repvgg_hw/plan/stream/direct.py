"""One 3x3 layer by direct products: parameters of `conv3x3.sv`, its cycles, memories and price.

Cycles of one layer per frame are the largest of three rates, each exact:

    compute   H_out * W_out * (C_in / PI) * (C_out / groups / PO)   one window word per cycle
    fetch     FETCH_ROWS pixels of a column of the window per cycle out of the line buffer
    write     H * W * (C_in / PI)                                     one input beat per cycle
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from repvgg_hw.network import MULTIPLIER_BITS
from repvgg_hw.plan.folding import TAPS, FoldedConv, product_bits
from repvgg_hw.plan.stream.lines import Lines
from repvgg_hw.plan.stream.timing import (
    ARRAY_CYCLES,
    CHAIN,
    CREDIT_CYCLES,
    REQUANT_CYCLES,
    WINDOWS_HELD,
    accumulate_cycles,
    fifo_beats,
    lanes_out,
    pair_chain,
)

KERNEL = 3

Int = NDArray[np.int64]


@dataclass(frozen=True)
class ConvPlan(FoldedConv):
    """One 3x3 convolution + requantize + ReLU unit.

    packed  two outputs share each multiplier, where there are two at once: rvg_pair_accumulate.sv
    """

    KIND: ClassVar[str] = "direct"
    DERIVED: ClassVar[tuple[str, ...]] = (
        "multipliers",
        "macs",
        "cycles",
        "words",
        "repeats",
        "out_lanes",
        "fifo_depth",
        "memory_bits",
    )

    name: str
    c_in: int
    c_out: int
    height: int  # of the input map
    width: int
    stride: int
    groups: int
    pi: int
    po: int
    in_bits: int
    in_signed: bool
    weight_bits: int
    out_bits: int
    acc_bits: int
    packed: bool = False

    @property
    def algorithm(self) -> str:
        return "direct"

    @property
    def tile(self) -> tuple[int, int] | None:
        """(m, stride) of Winograd's tile: none."""
        return None

    @property
    def weight_lane_bits(self) -> int:
        """Bits of one weight in the weight ROM."""
        return self.weight_bits

    @property
    def transform_adders(self) -> int:
        """None: products are direct."""
        return 0

    @property
    def data_registers(self) -> int:
        """Bits from the window to the accumulators; control, line buffer and requantization are left out."""
        taps = TAPS * self.pi
        products = product_bits(taps, self.in_bits, self.weight_bits, self.acc_bits)
        operands = taps * (2 * self.in_bits + self.po * self.weight_bits)
        return operands + self.po * (products + 2 * self.acc_bits)

    @property
    def affine_lanes(self) -> int:
        """Channels per word of the table of biases and multipliers."""
        return self.out_lanes

    @property
    def ident(self) -> str:
        """The name as an identifier of Verilog and C++: stage1.0 -> stage1_0."""
        return self.name.replace(".", "_")

    @property
    def out_lanes(self) -> int:
        """Channels per beat of the output stream."""
        return lanes_out(self.po, self.words)

    @property
    def multipliers(self) -> int:
        """Multipliers of the array; the `out_lanes` requantization multipliers are counted apart."""
        return TAPS * self.pi * self.po

    @property
    def pairs(self) -> bool:
        """Whether a multiplier makes two products: those of two outputs."""
        return self.packed and self.po > 1

    @property
    def chain(self) -> int:
        """Products that are summed from multiplier to multiplier, at most."""
        return pair_chain(self.in_bits, self.in_signed, self.weight_bits) if self.pairs else CHAIN

    @property
    def requant_multipliers(self) -> int:
        return self.out_lanes

    @property
    def compute_cycles(self) -> int:
        return self.out_height * self.out_width * self.groups * self.words * self.repeats

    @property
    def lines(self) -> Lines:
        """The line buffer."""
        return Lines(
            words=self.c_in // self.pi,
            width=self.width,
            kernel=KERNEL,
            step=self.stride,
            tile_rows=self.out_height,
            tile_columns=self.out_width,
            beat_bits=self.pi * self.in_bits,
        )

    @property
    def fetch_rows(self) -> int:
        """Rows of a window's column that are read at once: the fewest that delay nothing else."""
        return self.lines.fewest_rows(max(self.compute_cycles, self.write_cycles))

    @property
    def fetch_cycles(self) -> int:
        """Parts of columns read per frame."""
        return self.lines.cycles(self.fetch_rows)

    @property
    def initiations(self) -> int:
        """Per frame, of the slowest loop of a design that fetches a window in one cycle, as HLS does."""
        return max(self.compute_cycles, self.write_cycles)

    @property
    def cycles(self) -> int:
        """Cycles per frame of this layer alone."""
        return max(self.compute_cycles, self.fetch_cycles, self.write_cycles)

    @property
    def quiet_cycles(self) -> int:
        """The longest that it works without a beat in or out: a row of its output, or a FIFO that fills."""
        sets = self.fifo_depth // (self.po // self.out_lanes)
        return max(-(-self.cycles // self.out_height), sets * self.words)

    @property
    def frames_held(self) -> float:
        """Upper bound of the frames that fit into the unit: rows, windows and results."""
        pixels = self.out_height * self.out_width
        rows, results = (KERNEL + self.stride) / self.height, self.fifo_depth * self.out_lanes / self.c_out
        return rows + (WINDOWS_HELD + results) / pixels

    @property
    def pipeline_cycles(self) -> int:
        """From a set's last word into the multipliers to the room of its first beat, offered again."""
        sums = accumulate_cycles(TAPS * self.pi, self.chain)
        return ARRAY_CYCLES + sums + REQUANT_CYCLES + CREDIT_CYCLES

    @property
    def fifo_depth(self) -> int:
        """Beats of the output FIFO, in closed form.

        See `fifo_beats`; a layer's FIFO also bridges the handover of a row in the next line buffer.
        """
        return fifo_beats(self.words, self.po // self.out_lanes, self.pipeline_cycles)

    @property
    def weight_memory(self) -> tuple[int, int]:
        """(words, bits per word) of the weight ROM."""
        words = self.groups * self.words * self.repeats
        return words, self.multipliers * self.weight_bits

    def weight_words(self, weight: NDArray[np.integer]) -> Int:
        """The weight ROM, weight (C_out, C_in / groups, 3, 3) -> (words, lanes), lane 0 in the low bits.

        Words in order of use: group, PO outputs, PI inputs; lanes (output, row, column, input).
        """
        folded = weight.reshape(self.groups, self.repeats, self.po, self.words, self.pi, 3, 3)
        ordered = folded.transpose(0, 1, 3, 2, 5, 6, 4).astype(np.int64)
        words: Int = ordered.reshape(self.weight_memory[0], self.multipliers)
        return words

    @property
    def affine_memory(self) -> tuple[int, int]:
        """(words, bits per word) of the ROM of biases and multipliers."""
        return self.c_out // self.out_lanes, self.out_lanes * (self.acc_bits + MULTIPLIER_BITS)

    @property
    def line_memory(self) -> tuple[int, int]:
        """(words, bits per word) of the line buffer: a ring of KERNEL + stride rows."""
        return self.lines.ring

    @property
    def window_memory(self) -> tuple[int, int]:
        """(words, bits per word) of the double-buffered window store."""
        return 2 * self.words, TAPS * self.pi * self.in_bits

    @property
    def memory_bits(self) -> int:
        """Bits of all the layer's memories."""
        memories = (self.weight_memory, self.affine_memory, self.line_memory, self.window_memory)
        return sum(n * bits for n, bits in memories) + self.fifo_depth * self.out_lanes * self.out_bits
