"""What look-up tables and flip-flops of a unit are proportional to: bits by their role in the circuit.

Features are counted from shapes and foldings alone, so that they follow the plan; how many LUTs and flip-
flops of a family one bit of each takes is measured (`coefficients.json`, written by
`benchmarks/resources.py --fit`).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import singledispatch
from typing import Any

from repvgg_hw.network import MULTIPLIER_BITS
from repvgg_hw.plan.stream.direct import KERNEL, ConvPlan
from repvgg_hw.plan.stream.layers import AnyConvPlan
from repvgg_hw.plan.stream.linear import LinearPlan
from repvgg_hw.plan.stream.memories import Memory, conv_memories, linear_memories
from repvgg_hw.plan.stream.timing import CHAIN, PAIR_BITS, tree_stages
from repvgg_hw.plan.stream.transform_registers import JOINED, input_transform_bits, output_transform_bits
from repvgg_hw.plan.stream.winograd import WinogradPlan
from repvgg_hw.winograd.division import divider
from repvgg_hw.winograd.networks import networks

Features = Counter[str]  # role -> bits, adders times bits, or units

CASCADE = frozenset({"xc7", "xcup"})  # families whose multipliers add what the one before hands over
OR_BITS = 6  # of a product's high bits that rvg_requant_relu joins in one LUT


def _count(**roles: float) -> Features:
    return Counter({role.replace("_", " "): round(bits) for role, bits in roles.items()})


def _counters(sizes: Iterable[int]) -> int:
    """Bits of counters up to each of these."""
    return sum(max(1, (size - 1).bit_length()) for size in sizes)


def of_memories(memories: Sequence[Memory], family: str) -> Features:
    """RAM in LUTs, ROM in logic, and what surrounds memories."""
    total: Features = Counter()
    for memory in memories:
        m, n = memory.mapped(family), memory.copies
        total["ram in luts"] += round(m.lut) * n
        total["rom in luts"] += round(_rom_luts(memory, family)) if m.logic else 0
        total["stacked"] += m.mux_bits * n
        if m.logic:
            total["rom register"] += _distinct(memory.bits * n, memory.words)
        else:
            total["read register"] += m.register * n
    return total


def _rom_luts(memory: Memory, family: str) -> float:
    """Look-up tables of a ROM in logic: one for each bit of a word, more where one is too small for it.

    A LUT6 holds 64 words, a LUT4 16; four of the one, eight of the other have a slice's own multiplexers
    behind them, and a power of two of them is taken; behind more, as measured, are LUTs.
    """
    bits = _distinct(memory.bits * memory.copies, memory.words)
    holds, joined, more = (16, 8, 1.45) if family == "ecp5" else (64, 4, 1.25)
    tables = -(-memory.words // holds)
    return bits * (tables * more if tables > joined else 1 << (tables - 1).bit_length())


def _distinct(bits: int, words: int) -> int:
    """Bits of a word that differ in some of so many random words: equal ones are one circuit."""
    patterns = 2.0 ** min(words, 64)
    return round(patterns * -math.expm1(bits * math.log1p(-1 / patterns))) if words < 32 else bits


def _tree(terms: int, bits: int, most: int) -> tuple[int, int]:
    """rvg_adder_tree: (bits of its adders, bits of its registers), a sum one bit wider than its terms."""
    added = registers = 0
    while terms > 1:
        bits = min(bits + 1, most)
        added += terms // 2 * bits
        terms = -(-terms // 2)
        registers += terms * bits
    return added, registers


def of_sums(
    terms: int, dots: int, vectors: int, x_bits: int, weight_bits: int, sum_bits: int, family: str
) -> Features:
    """rvg_dot_accumulate: so many sums of `terms` products each, of one of `vectors` operands each.

    operands       bits that wait in registers: behind the memories, and for the product before
    added bits     of adders in logic, and what they need of registers
    accumulators   bits of sums over words, where they are in logic
    """
    chains = -(-terms // CHAIN)
    length = -(-terms // chains)
    bits = vectors * x_bits + dots * weight_bits  # of one operand of each sum
    cascade = family in CASCADE
    if terms == 1:
        return Counter() if cascade else _count(operands=bits, accumulators=dots * sum_bits)
    product = min(x_bits + weight_bits, sum_bits)
    part = min(product + tree_stages(length), sum_bits)
    added, registers = _tree(chains, part, sum_bits)
    waiting = chains * (length - 1) * (length - 2) // 2 * bits
    if not cascade:
        inside, held = _tree(length, product, part)
        added += chains * inside
        registers += chains * (held + part * (length - 1 - tree_stages(length)))
        waiting = 0
    return _count(
        operands=terms * bits + waiting,
        added_bits=dots * added,
        sum_registers=dots * registers,
        accumulators=dots * sum_bits,
    )


def of_paired_sums(c: ConvPlan, family: str) -> Features:
    """rvg_pair_accumulate for each two outputs: chains of pairs of products, a tree for each output."""
    terms, pairs = KERNEL * KERNEL * c.pi, -(-c.po // 2)
    chains = -(-terms // c.chain)
    length = -(-terms // chains)
    longer = terms % chains or chains
    bits = c.in_bits + c.po * c.weight_bits
    part = c.in_bits + c.weight_bits + tree_stages(length)
    added, registers = _tree(chains, part, c.acc_bits)
    waiting = longer * (length - 1) * (length - 2) // 2 + (chains - longer) * (length - 2) * (length - 3) // 2
    delays = (chains - longer) * 2 * pairs * part
    if family not in CASCADE:
        inside, held = _tree(length, part + c.in_bits, part + PAIR_BITS - c.weight_bits)
        added += chains * inside // 2
        registers += chains * held // 2
    return _count(
        operands=terms * bits + (waiting * bits if family in CASCADE else 0),
        added_bits=c.po * added,
        sum_registers=c.po * registers + delays,
        accumulators=c.po * c.acc_bits,
    )


def _line_select(c: AnyConvPlan) -> int:
    """Bits that are chosen from behind a line buffer's memories, each from so many."""
    return c.fetch_rows * c.lines.beat_bits * c.lines.lanes(c.fetch_rows)


def _line_registers(c: AnyConvPlan) -> int:
    """Data registers of the line buffer: a beat before its memories, one behind each of them, a window."""
    lines = c.lines
    return lines.beat_bits * (1 + lines.lanes(c.fetch_rows) + lines.kernel**2)


def _requantization_registers(acc_bits: int, out_bits: int) -> int:
    """Data registers of a lane: accumulator, with bias, product, what leaves the shift, result."""
    product = acc_bits + MULTIPLIER_BITS + 1
    joined = max(1, -(-(product - out_bits) // OR_BITS))
    return 2 * acc_bits + product + (out_bits + 1) + 1 + joined + out_bits


def _turned(words: int, bits: int, family: str) -> float:
    """LUTs of rvg_in_turn: one of so many words of so many bits, by a multiplexer or by joining them."""
    if family == "ecp5":
        return bits * (-(-(words - 1) // 3) if words in JOINED else words - 1)
    return bits * (1 if words in JOINED else -(-(words - 1) // 3))


@singledispatch
def of_unit(unit: Any, family: str) -> Features:
    """The features of a layer of a plan, with its memories."""
    raise TypeError(f"no estimate for {type(unit).__name__}")


@of_unit.register
def _(c: ConvPlan, family: str) -> Features:
    taps = KERNEL * KERNEL * c.pi
    acc = c.po * c.acc_bits
    ahead = c.acc_bits + MULTIPLIER_BITS  # bias and multiplier, read before they are needed
    lane = _requantization_registers(c.acc_bits, c.out_bits) + ahead + MULTIPLIER_BITS
    sums = of_sums(taps, c.po, 1, c.in_bits, c.weight_bits, c.acc_bits, family)
    if c.pairs:
        sums = of_paired_sums(c, family)
    return (
        of_memories(conv_memories(c), family)
        + sums
        + _count(
            data_registers=_line_registers(c) + taps * c.in_bits + acc + c.out_lanes * lane,
            line_select=_line_select(c),
            in_parts=c.fetch_rows < c.lines.kernel,
            chosen=acc if c.po > c.out_lanes else 0,
            requantized=c.out_lanes * c.acc_bits,
            lanes=c.out_lanes,
            counters=_counters(
                (c.height, c.width, c.words, c.repeats, c.c_out, c.fifo_depth, c.weight_memory[0])
            ),
            units=1,
        )
    )


@of_unit.register
def _(c: WinogradPlan, family: str) -> Features:
    w, k = c.widths, c.transform.size
    positions, sets = k * k, c.po // c.lanes
    data, output, _ = networks(c.m, c.stride)
    division = divider(c.transform.odd**2, c.acc_bits)
    middle = c.acc_bits + c.transform.shift
    dots = c.po * positions
    products = of_sums(c.pi, dots, positions, w.data, w.weight, w.sum, family)
    arriving = input_transform_bits(c.transform, w, c.in_bits, c.in_signed)
    leaving = output_transform_bits(c.transform, w, c.acc_bits, c.rows, sets)
    lane = _requantization_registers(c.acc_bits, c.out_bits)
    steps = max(-(-k // c.rows), c.m)
    turned = (
        _turned(k, k * c.pi * c.in_bits, family)
        + _turned(k, k * c.pi * w.middle, family)
        + c.lanes * _turned(sets * steps, c.rows * k * w.sum, family)
        + c.lanes * _turned(c.m, k * middle, family)
    )
    return (
        of_memories(conv_memories(c), family)
        + products
        + _count(
            data_registers=_line_registers(c)
            + positions * c.pi * w.data  # a word before the products
            + c.requant_multipliers * lane
            + c.lanes * MULTIPLIER_BITS
            + (c.lanes + c.out_lanes) * c.m * c.out_bits,  # before the raster's memories and behind them
            transform_registers=c.pi * arriving + c.lanes * leaving,
            line_select=_line_select(c),
            in_parts=c.fetch_rows < c.lines.kernel,
            turned=turned,
            parts=positions * c.pi * c.in_bits * (c.in_lanes // c.pi - 1),
            data_adders=c.pi * data.graph.cost * (w.middle + w.data),
            output_adders=c.lanes * output.graph.cost * (c.rows * w.sum + middle),
            dividers=c.lanes * c.m * division.cost * c.acc_bits,
            requantized=c.requant_multipliers * c.acc_bits,
            lanes=c.requant_multipliers,
            raster_select=c.out_lanes * c.m * c.out_bits,
            counters=_counters(
                (c.height, c.width, c.words, c.repeats, c.c_out, c.weight_memory[0], c.tile_memory[0])
            ),
            units=1,
            tiles=1,
        )
    )


@of_unit.register
def _(c: LinearPlan, family: str) -> Features:
    acc = c.po * c.acc_bits
    sums = of_sums(c.pi, c.po, 1, c.sum_bits, c.weight_bits, c.acc_bits, family)
    return (
        of_memories(linear_memories(c), family)
        + sums
        + _count(
            data_registers=c.in_lanes * (c.in_bits + (c.sum_bits if c.height * c.width > 1 else 0))
            + c.pi * c.sum_bits  # a word before the products
            + acc
            + 2 * c.out_lanes * c.acc_bits,
            chosen=acc if c.po > c.out_lanes else 0,
            logits=c.out_lanes * c.acc_bits,
            pooled=c.in_lanes * c.sum_bits,
            counters=_counters((c.height * c.width, c.c_in, c.c_out, c.words, c.repeats, c.fifo_depth)),
            heads=1,
        )
        + of_converter(c.out_lanes, 1, c.acc_bits)
    )


def of_stream_register(bits: int) -> Features:
    """rvg_stream_reg: a beat, and one beside it for when the way on is not free."""
    return _count(data_registers=2 * bits, beside=bits)


def of_converter(lanes: int, lanes_out: int, lane_bits: int) -> Features:
    """A stream of so many lanes made one of others, where they differ: gathered, then taken apart."""
    common = math.gcd(lanes, lanes_out)
    up, down = lanes_out // common, lanes // common
    wide = lanes * up * lane_bits
    found: Features = Counter()
    if up > 1:
        found += of_stream_register(wide) + _count(data_registers=wide, converters=1)
    if down > 1:
        found += of_stream_register(wide) + _count(taken_apart=wide, converters=1)
    return found


def of_output(bits: int) -> Features:
    """The register at the output of a design that ends with a map."""
    return of_stream_register(bits) + _count(outputs=1)
