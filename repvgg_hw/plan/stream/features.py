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

from repvgg_hw.plan.stream.direct import KERNEL, ConvPlan
from repvgg_hw.plan.stream.layers import AnyConvPlan
from repvgg_hw.plan.stream.linear import LinearPlan
from repvgg_hw.plan.stream.memories import Memory, conv_memories, linear_memories
from repvgg_hw.plan.stream.timing import CHAIN, PAIR_BITS, tree_stages
from repvgg_hw.plan.stream.winograd import WinogradPlan
from repvgg_hw.winograd.division import divider
from repvgg_hw.winograd.networks import networks

Features = Counter[str]  # role -> bits, adders times bits, or units

CASCADE = frozenset({"xc7", "xcup"})  # families whose multipliers add what the one before hands over


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
        total["rom in luts"] += _rom_luts(memory, family) if m.logic else 0
        total["stacked"] += m.mux_bits * n
        if m.logic:
            total["rom register"] += _distinct(memory.bits * n, memory.words)
        else:
            total["read register"] += m.register * n
    return total


def _rom_luts(memory: Memory, family: str) -> int:
    """Look-up tables of a ROM in logic: one for each bit of a word, more where one is too small for it.

    A LUT6 holds 64 words, but from 33 on Yosys builds trees of multiplexers of them: as measured, a LUT and
    two more for every further 32 words. ECP5's LUT4s are combined by the slices' own multiplexers.
    """
    bits = _distinct(memory.bits * memory.copies, memory.words)
    if family == "ecp5":
        return bits * -(-memory.words // 16)
    return bits * (2 * -(-memory.words // 32) - 1)


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


@singledispatch
def of_unit(unit: Any, family: str) -> Features:
    """The features of a layer of a plan, with its memories."""
    raise TypeError(f"no estimate for {type(unit).__name__}")


@of_unit.register
def _(c: ConvPlan, family: str) -> Features:
    taps = KERNEL * KERNEL * c.pi
    window, acc = taps * c.in_bits, c.po * c.acc_bits
    sums = of_sums(taps, c.po, 1, c.in_bits, c.weight_bits, c.acc_bits, family)
    if c.pairs:
        sums = of_paired_sums(c, family)
    return (
        of_memories(conv_memories(c), family)
        + sums
        + _count(
            window=window,
            line_select=_line_select(c),
            leaving=acc,
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
    positions = k * k
    data, output, _ = networks(c.m, c.stride)
    division = divider(c.transform.odd**2, c.acc_bits)
    middle = c.acc_bits + c.transform.shift
    dots = c.po * positions
    products = of_sums(c.pi, dots, positions, w.data, w.weight, w.sum, family)
    return (
        of_memories(conv_memories(c), family)
        + products
        + _count(
            line_select=_line_select(c),
            # once in the line buffer's window, once in the columns of the part that is transformed
            tile_pixels=positions * (c.in_lanes + c.pi) / 2 * c.in_bits,
            tile_middle=positions * c.pi * w.middle,
            tile_data=positions * c.pi * w.data,
            sets=dots * w.sum,
            data_adders=c.pi * data.graph.cost * (w.middle + w.data),
            output_adders=c.lanes * output.graph.cost * (c.rows * w.sum + middle),
            dividers=c.lanes * c.m * division.cost * c.acc_bits,
            output_rows=c.lanes * c.m * ((-(-k // c.rows) * c.rows + k) * middle + 2 * c.acc_bits),
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
            replayed=c.pi * c.sum_bits,
            leaving=acc,
            chosen=acc if c.po > c.out_lanes else 0,
            logits=c.out_lanes * c.acc_bits,
            converted=2 * c.out_lanes * c.acc_bits if c.out_lanes > 1 else 0,
            pooled=c.in_lanes * c.sum_bits,
            counters=_counters((c.height * c.width, c.c_in, c.c_out, c.words, c.repeats, c.fifo_depth)),
            heads=1,
        )
    )


def of_converter(lanes: int, lanes_out: int, lane_bits: int) -> Features:
    """A stream of so many lanes made one of others, where they differ."""
    if lanes == lanes_out:
        return Counter()
    gathered = (
        max(lanes, lanes_out) if max(lanes, lanes_out) % min(lanes, lanes_out) == 0 else lanes * lanes_out
    )
    return _count(converted=gathered * lane_bits, converters=1)


def of_output(bits: int) -> Features:
    """The register at the output of a design that ends with a map."""
    return _count(output_register=2 * bits, outputs=1)
