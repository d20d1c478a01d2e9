"""From the plan to the block diagram: the units of the top and the streams that join them.

The templates only print this; benches read from it which stream carries which layer's output.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from repvgg_hw.network import MULTIPLIER_BITS
from repvgg_hw.plan.output import Output
from repvgg_hw.plan.rom_banks import banks
from repvgg_hw.plan.stream.direct import ConvPlan
from repvgg_hw.plan.stream.layers import AnyConvPlan
from repvgg_hw.plan.stream.linear import LinearPlan
from repvgg_hw.plan.stream.plan import Plan
from repvgg_hw.plan.stream.winograd import WinogradPlan, WinogradUnit
from repvgg_hw.targets.verilog.clock_gates import PIPELINE_CYCLES, rest_cycles
from repvgg_hw.targets.verilog.tables import SHIFT_BITS, bank_suffix

MEMORY_FOLDER = "mem"

Parameter = int | bool | str


@dataclass(frozen=True)
class Stream:
    """A valid/ready stream: `lanes` values of `lane_bits` per beat."""

    name: str
    lanes: int
    lane_bits: int
    comment: str = ""

    @property
    def bits(self) -> int:
        return self.lanes * self.lane_bits


@dataclass(frozen=True)
class Bank:
    """Some lanes of a table's word, in a memory of their own; `suffix` tells them apart."""

    suffix: str
    file: str
    low: int  # first bit within the word
    width: int


@dataclass(frozen=True)
class Rom:
    """A ROM in banks, or one constant, beside a unit; `port` is the unit's prefix for it."""

    port: str
    width: int
    depth: int
    banks: tuple[Bank, ...]
    constant: bool = False

    @property
    def addr_bits(self) -> int:
        return max(1, (self.depth - 1).bit_length())

    @property
    def file(self) -> str:
        """Of the only bank."""
        (bank,) = self.banks
        return bank.file

    def renamed(self, name: str) -> Rom:
        """The same table, read from files called after `name`."""
        banks = tuple(replace(bank, file=f"{name}{bank.suffix}.mem") for bank in self.banks)
        return replace(self, banks=banks)


@dataclass(frozen=True)
class Unit:
    """One instance of a library module between two streams.

    rests  after how many cycles its clock may stop in a simulation; 0: never
    """

    ident: str
    module: str
    parameters: dict[str, Parameter]
    source: Stream
    sink: Stream
    tables: tuple[Rom, ...] = ()
    comment: str = ""
    last: bool = False
    rests: int = 0


@dataclass(frozen=True)
class Probe:
    """A layer's output stream, as the whole-network bench compares it."""

    layer: str
    stream: Stream
    beats: int  # per frame


@dataclass
class Netlist:
    """The block diagram of one plan."""

    source: Stream  # the top's input
    units: list[Unit] = field(default_factory=list)
    probes: list[Probe] = field(default_factory=list)

    @property
    def streams(self) -> list[Stream]:
        """The internal streams, in order; the top's own ports are not among them."""
        return [unit.sink for unit in self.units if not unit.last]


def rom(port: str, name: str, memory: tuple[int, int], lane_bits: int) -> Rom:
    """A ROM of (words, bits per word), read from the files called after `name`."""
    depth, width = memory
    runs = banks(width // lane_bits, lane_bits)
    parts = tuple(
        Bank(suffix, f"{MEMORY_FOLDER}/{name}{suffix}.mem", first * lane_bits, (end - first) * lane_bits)
        for i, (first, end) in enumerate(runs)
        for suffix in [bank_suffix(i, len(runs))]
    )
    return Rom(port, width, depth, parts)


def direct_parameters(c: ConvPlan) -> dict[str, Parameter]:
    """Parameters of rvg_conv3x3.sv."""
    return {
        "C_IN": c.c_in,
        "C_OUT": c.c_out,
        "HEIGHT": c.height,
        "WIDTH": c.width,
        "STRIDE": c.stride,
        "GROUPS": c.groups,
        "PI": c.pi,
        "PO": c.po,
        "OUT_LANES": c.out_lanes,
        "X_W": c.in_bits,
        "X_SIGNED": c.in_signed,
        "W_W": c.weight_bits,
        "ACC_W": c.acc_bits,
        "Y_W": c.out_bits,
        "FIFO_DEPTH": c.fifo_depth,
        "PACKED": c.pairs,
        "FETCH_ROWS": c.fetch_rows,
    }


def winograd_parameters(c: WinogradUnit) -> dict[str, Parameter]:
    """Parameters of rvg_conv3x3_winograd.sv."""
    return {
        "C_IN": c.c_in,
        "C_OUT": c.c_out,
        "HEIGHT": c.height,
        "WIDTH": c.width,
        "STRIDE": c.stride,
        "GROUPS": c.groups,
        "PI": c.pi,
        "PO": c.po,
        "LANES": c.lanes,
        "ROWS": c.rows,
        "IN_LANES": c.in_lanes,
        "FETCH_ROWS": c.fetch_rows,
        "OUT_LANES": c.out_lanes,
        "BUFFERS": c.raster_buffers,
        "M": c.m,
        "L_SHIFT": c.transform.shift,
        "X_W": c.in_bits,
        "X_SIGNED": int(c.in_signed),
        "MIDDLE_W": c.widths.middle,
        "DATA_W": c.widths.data,
        "W_W": c.widths.weight,
        "ACC_W": c.acc_bits,
        "Y_W": c.out_bits,
    }


# KIND of a layer -> the library's module for it, and the parameters of its instance
MODULES: dict[str, tuple[str, Callable[[Any], dict[str, Parameter]]]] = {
    ConvPlan.KIND: ("rvg_conv3x3", direct_parameters),
    WinogradPlan.KIND: ("rvg_conv3x3_winograd", winograd_parameters),
}


def conv_unit(conv: AnyConvPlan, source: Stream) -> Unit:
    """The instance of one convolution layer."""
    c = conv
    shift = Bank("", f"{MEMORY_FOLDER}/{c.ident}_shift.mem", 0, SHIFT_BITS)
    tables = (
        rom("weight", f"{c.ident}_weights", c.weight_memory, c.weight_lane_bits),
        rom("affine", f"{c.ident}_affine", c.affine_memory, c.acc_bits + MULTIPLIER_BITS),
        Rom("shift", SHIFT_BITS, 1, (shift,), constant=True),
    )
    comment = (
        f"{c.name}: {c.c_in} x {c.height} x {c.width} -> {c.c_out} x {c.out_height} x {c.out_width}, "
        f"{c.multipliers} multipliers, {c.cycles} cycles per frame"
    )
    if c.tile is not None:
        comment += f", {c.algorithm}"
    sink = Stream(c.ident, c.out_lanes, c.out_bits, f"{c.name}: {c.c_out} channels")
    module, parameters = MODULES[c.KIND]
    return Unit(c.ident, module, parameters(c), source, sink, tables, comment)


def sum_unit(linear: LinearPlan, source: Stream) -> Unit:
    """The instance of the global sum."""
    parameters: dict[str, Parameter] = {
        "LANES": linear.in_lanes,
        "WORDS": linear.c_in // linear.in_lanes,
        "PIXELS": linear.height * linear.width,
        "X_W": linear.in_bits,
        "SUM_W": linear.sum_bits,
        "FIFO_DEPTH": linear.pool_fifo_depth,
    }
    sink = Stream("pool", linear.in_lanes, linear.sum_bits, f"pool: {linear.c_in} sums")
    return Unit("pool", "rvg_global_sum", parameters, source, sink, comment="pool: sum over the map")


def linear_unit(linear: LinearPlan, source: Stream) -> Unit:
    """The instance of the linear layer, which drives the top's output."""
    tables = (
        rom("weight", "linear_weights", linear.weight_memory, linear.weight_bits),
        rom("bias", "linear_bias", linear.bias_memory, linear.acc_bits),
    )
    parameters: dict[str, Parameter] = {
        "C_IN": linear.c_in,
        "C_OUT": linear.c_out,
        "PI": linear.pi,
        "PO": linear.po,
        "OUT_LANES": linear.out_lanes,
        "X_W": linear.sum_bits,
        "W_W": linear.weight_bits,
        "ACC_W": linear.acc_bits,
        "FIFO_DEPTH": linear.fifo_depth,
    }
    comment = (
        f"linear: {linear.c_in} -> {linear.c_out}, {linear.multipliers} multipliers, {linear.cycles} cycles"
    )
    sink = Stream("m_axis", 1, linear.acc_bits)
    return Unit("linear", "rvg_linear", parameters, source, sink, tables, comment, last=True)


def map_unit(output: Output, source: Stream) -> Unit:
    """The instance that drives the top's output with the last layer's map."""
    parameters: dict[str, Parameter] = {
        "LANES": output.lanes,
        "X_W": source.lane_bits,
        "BEATS": output.beats,
    }
    sink = Stream("m_axis", output.lanes, output.bits)
    comment = f"output: {' x '.join(map(str, output.shape))}, {output.beats} beats per frame"
    return Unit("output", "rvg_output_map", parameters, source, sink, comment=comment, last=True)


def _converted(source: Stream, lanes: int, name: str) -> tuple[Stream, Unit | None]:
    """The source at another number of lanes, and the converter that makes it, where one is needed."""
    if source.lanes == lanes:
        return source, None
    sink = Stream(name, lanes, source.lane_bits, f"{source.lanes} -> {lanes} lanes")
    parameters: dict[str, Parameter] = {
        "LANE_W": source.lane_bits,
        "IN_LANES": source.lanes,
        "OUT_LANES": lanes,
    }
    return sink, Unit(name, "rvg_width_converter", parameters, source, sink, comment=sink.comment)


def build(plan: Plan) -> Netlist:
    """The block diagram: converter, layer, converter, layer, ..., global sum and linear layer, or the map."""
    stream = Stream("s_axis", plan.in_shape[0], plan.in_bits)
    net = Netlist(stream)

    def join(lanes: int, name: str) -> Stream:
        converted, converter = _converted(stream, lanes, name)
        if converter is not None:
            net.units.append(converter)
        return converted

    def add(unit: Unit, layer: str, beats: int, rests: int = PIPELINE_CYCLES) -> Stream:
        net.units.append(replace(unit, rests=rests))
        net.probes.append(Probe(layer, unit.sink, beats))
        return unit.sink

    for conv in plan.convs:
        source = join(conv.in_lanes, f"{conv.ident}_in")
        beats = conv.out_height * conv.out_width * conv.c_out // conv.out_lanes
        stream = add(conv_unit(conv, source), conv.name, beats, rest_cycles(conv))
    if (linear := plan.linear) is None:
        net.probes.pop()  # the last layer is compared where it leaves the design
        add(map_unit(plan.output, stream), plan.convs[-1].name, plan.output.beats)
        return net
    stream = add(sum_unit(linear, stream), "pool", linear.c_in // linear.in_lanes)
    add(linear_unit(linear, join(linear.pi, "linear_in")), "linear", linear.c_out)
    return net
