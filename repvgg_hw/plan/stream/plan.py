"""The plan: one value that describes the accelerator.

RTL parameters, HLS constants, test benches, estimates and the report are all read from `Plan`.
Whatever follows from its fields is a property, so nothing is stored twice.

Cycles of one layer per frame are the largest of three rates, each exact:

    compute   H_out * W_out * (C_in / PI) * (C_out / groups / PO)   one window word per cycle
    fetch     one column of the window per cycle out of the line buffer
    write     H * W * (C_in / PI)                                     one input beat per cycle

The chain's frame interval is the largest over its layers: every layer works on its own rows at once.
"""

from __future__ import annotations

from dataclasses import dataclass

from repvgg_hw.network import LOGIT_BITS, MULTIPLIER_BITS
from repvgg_hw.plan.folding import TAPS, TREE_RADIX, FoldedConv, divisors, sum_registers
from repvgg_hw.plan.stream.winograd import WinogradUnit

KERNEL = 3
HANDOVER_CYCLES = 16  # upper bound of a row's release -> free -> written -> readable round trip


def tree_stages(inputs: int) -> int:
    """Register stages that sum so many products, TREE_RADIX at a time; at least one."""
    stages = 0
    while inputs > 1 or stages == 0:
        inputs, stages = -(-inputs // TREE_RADIX), stages + 1
    return stages


def lanes_out(po: int, words: int) -> int:
    """Output lanes per beat: the fewest that empty PO accumulators while the next PO are computed."""
    return next(d for d in divisors(po) if po // d <= words)


def fifo_beats(words: int, beats: int, pipeline: int) -> int:
    """Depth of an output FIFO that never makes the array wait in steady state.

    words     cycles from one set of PO accumulators to the next
    beats     beats that one set becomes
    pipeline  cycles from a set's last product to its first beat in the FIFO

    A set's room is reserved when its first product is issued, so the FIFO must cover every set begun before
    the first of them has left, and what is produced while a row buffer downstream is handed over.
    """
    cycles = words + pipeline + beats + HANDOVER_CYCLES
    return beats * (-(-cycles // words) + 1)


@dataclass(frozen=True)
class ConvPlan(FoldedConv):
    """One 3x3 convolution + requantize + ReLU unit."""

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

    @property
    def algorithm(self) -> str:
        return "direct"

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
        products = taps * (self.in_bits + 1 + self.weight_bits) + sum_registers(taps) * self.acc_bits
        return taps * self.in_bits + self.po * (products + 2 * self.acc_bits)

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
    def requant_multipliers(self) -> int:
        return self.out_lanes

    @property
    def compute_cycles(self) -> int:
        return self.out_height * self.out_width * self.groups * self.words * self.repeats

    @property
    def fetch_cycles(self) -> int:
        """Columns read per frame: the window slides where one word holds all channels, else is read anew."""
        words = self.c_in // self.pi
        if words == 1:
            columns = self.stride * (self.out_width - 1) + KERNEL
        else:
            columns = self.out_width * KERNEL * words
        return self.out_height * columns

    @property
    def cycles(self) -> int:
        """Cycles per frame of this layer alone."""
        return max(self.compute_cycles, self.fetch_cycles, self.write_cycles)

    @property
    def pipeline_cycles(self) -> int:
        """From a window word's entry into the multipliers to its sum's entry into the output FIFO."""
        return 10 + tree_stages(TAPS * self.pi)

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

    @property
    def affine_memory(self) -> tuple[int, int]:
        """(words, bits per word) of the ROM of biases and multipliers."""
        return self.c_out // self.out_lanes, self.out_lanes * (self.acc_bits + MULTIPLIER_BITS)

    @property
    def line_memory(self) -> tuple[int, int]:
        """(words, bits per word) of the line buffer: a ring of KERNEL + stride rows."""
        return self.width * (self.c_in // self.pi), (KERNEL + self.stride) * self.pi * self.in_bits

    @property
    def window_memory(self) -> tuple[int, int]:
        """(words, bits per word) of the double-buffered window store."""
        return 2 * self.words, TAPS * self.pi * self.in_bits

    @property
    def memory_bits(self) -> int:
        """Bits of all the layer's memories."""
        memories = (self.weight_memory, self.affine_memory, self.line_memory, self.window_memory)
        return sum(n * bits for n, bits in memories) + self.fifo_depth * self.out_lanes * self.out_bits


@dataclass(frozen=True, kw_only=True)
class WinogradPlan(WinogradUnit):
    """One 3x3 convolution + requantize + ReLU unit by Winograd's F(m x m, 3x3)."""

    name: str

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


AnyConvPlan = ConvPlan | WinogradPlan


@dataclass(frozen=True)
class LinearPlan:
    """Global sum over the map, then the linear layer."""

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
    def cycles(self) -> int:
        """Cycles per frame; logits leave one per cycle."""
        return max(self.compute_cycles, self.pool_cycles, self.words, self.c_out)

    @property
    def out_lanes(self) -> int:
        """Logits per beat of the FIFO, before they leave one by one."""
        return lanes_out(self.po, self.words)

    @property
    def pipeline_cycles(self) -> int:
        return 8 + tree_stages(self.pi)

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


@dataclass(frozen=True)
class Plan:
    """The whole accelerator."""

    name: str
    in_shape: tuple[int, int, int]  # (C, H, W)
    in_bits: int
    convs: tuple[AnyConvPlan, ...]
    linear: LinearPlan
    budget: int  # multipliers that the search was allowed
    clock_mhz: float
    dsp: tuple[int, int] = (27, 18)  # widths of one multiplier's signed ports

    @property
    def layers(self) -> tuple[AnyConvPlan | LinearPlan, ...]:
        return (*self.convs, self.linear)

    @property
    def in_cycles(self) -> int:
        """Beats of one frame of pixels."""
        return self.in_shape[1] * self.in_shape[2]

    @property
    def frame_interval(self) -> int:
        """Cycles between two frames in steady state."""
        return max(self.in_cycles, *(layer.cycles for layer in self.layers))

    @property
    def macs(self) -> int:
        return sum(layer.macs for layer in self.layers)

    @property
    def multipliers(self) -> int:
        """Multipliers of all arrays."""
        return sum(layer.multipliers for layer in self.layers)

    @property
    def requant_multipliers(self) -> int:
        return sum(conv.requant_multipliers for conv in self.convs)

    @property
    def utilization(self) -> float:
        """MACs / (multipliers x frame interval): at most 1 for direct products, more with Winograd."""
        return self.macs / (self.multipliers * self.frame_interval)

    @property
    def fps(self) -> float:
        return self.clock_mhz * 1e6 / self.frame_interval

    @property
    def memory_bits(self) -> int:
        return sum(layer.memory_bits for layer in self.layers)

    @property
    def latency_estimate(self) -> int:
        """Cycles from a frame's first pixel to its last logit, roughly: rows are handed over whole.

        A layer begins when it has two rows; rows come at the frame interval. For progress bars, not proofs.
        """
        waits = sum(2 * self.frame_interval // conv.height for conv in self.convs)
        return self.frame_interval + waits + self.linear.compute_cycles
