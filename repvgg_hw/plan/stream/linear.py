"""The last layer: the sum over the map, then the linear layer; `global_sum.sv` and `linear.sv`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from repvgg_hw.network import LOGIT_BITS
from repvgg_hw.plan.stream.direct import ConvPlan
from repvgg_hw.plan.stream.timing import (
    ARRAY_CYCLES,
    BIAS_CYCLES,
    CREDIT_CYCLES,
    accumulate_cycles,
    fifo_beats,
    lanes_out,
)


@dataclass(frozen=True)
class LinearPlan:
    """Global sum over the map, then the linear layer."""

    KIND: ClassVar[str] = "linear"
    DERIVED: ClassVar[tuple[str, ...]] = ConvPlan.DERIVED

    c_in: int
    c_out: int
    height: int  # of the map that is summed
    width: int
    in_lanes: int  # channels per beat of the stream that enters the pool
    pi: int
    po: int
    in_bits: int
    weight_bits: int
    acc_bits: int
    name: str = "linear"
    algorithm: str = "direct"

    @property
    def ident(self) -> str:
        return self.name

    @property
    def shape(self) -> str:
        """Features and classes, for readers."""
        return f"{self.c_in} -> {self.c_out}"

    @property
    def transform_adders(self) -> int:
        """None: products are direct."""
        return 0

    @property
    def data_registers(self) -> int:
        """Not counted: one small array, beside those of the convolutions."""
        return 0

    @property
    def sum_bits(self) -> int:
        """Width of a pooled sum, unsigned."""
        return int(self.height * self.width * ((1 << self.in_bits) - 1)).bit_length()

    @property
    def words(self) -> int:
        return self.c_in // self.pi

    @property
    def repeats(self) -> int:
        return self.c_out // self.po

    @property
    def macs(self) -> int:
        return self.c_in * self.c_out

    @property
    def multipliers(self) -> int:
        return self.pi * self.po

    @property
    def compute_cycles(self) -> int:
        return self.words * self.repeats

    @property
    def pool_cycles(self) -> int:
        return self.height * self.width * (self.c_in // self.in_lanes)

    @property
    def pool_fifo_depth(self) -> int:
        """Beats of sums that wait for the linear layer: a frame's, where it takes fewer channels at a time.

        They come in one burst, during the last pixel; without room for all of them the map had to wait.
        """
        return max(2, self.c_in // self.in_lanes) if self.pi < self.in_lanes else 2

    @property
    def linear_cycles(self) -> int:
        """Cycles per frame of the linear layer alone."""
        return max(self.compute_cycles, self.words, self.c_out)

    @property
    def cycles(self) -> int:
        """Cycles per frame of both units; logits leave one per cycle."""
        return max(self.pool_cycles, self.linear_cycles)

    @property
    def quiet_cycles(self) -> int:
        """The longest that the linear layer works without a beat in or out: until its FIFO is full."""
        return (self.fifo_depth // (self.po // self.out_lanes) + 1) * self.words

    @property
    def frames_held(self) -> float:
        """Upper bound of the frames that fit into both units: sums, the input twice, one at work, logits."""
        sums = 1 + self.pool_fifo_depth * self.in_lanes / self.c_in
        return sums + 3 + self.fifo_depth * self.out_lanes / self.c_out

    @property
    def out_lanes(self) -> int:
        """Logits per beat of the FIFO, before they leave one by one."""
        return lanes_out(self.po, self.words)

    @property
    def pipeline_cycles(self) -> int:
        """From a set's last word into the multipliers to the room of its first beat, offered again."""
        return ARRAY_CYCLES + accumulate_cycles(self.pi) + BIAS_CYCLES + CREDIT_CYCLES

    @property
    def fifo_depth(self) -> int:
        return fifo_beats(self.words, self.po // self.out_lanes, self.pipeline_cycles)

    @property
    def weight_memory(self) -> tuple[int, int]:
        return self.words * self.repeats, self.multipliers * self.weight_bits

    @property
    def bias_memory(self) -> tuple[int, int]:
        return self.c_out // self.out_lanes, self.out_lanes * self.acc_bits

    @property
    def memory_bits(self) -> int:
        sums = (self.c_in + self.pool_fifo_depth * self.in_lanes) * self.sum_bits
        window = 2 * self.words * self.pi * self.sum_bits
        rom = self.weight_memory[0] * self.weight_memory[1] + self.c_out * self.acc_bits
        return sums + window + rom + self.fifo_depth * self.out_lanes * LOGIT_BITS
