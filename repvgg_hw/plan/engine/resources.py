"""What an engine takes of an FPGA, unit by unit: an estimate from its structure.

DSPs and memories are counted as the library instantiates them, flip-flops one for each bit of a register,
LUTs one for each bit of an adder or of a choice, RAM in LUTs as `memory_map` maps it. What is left, control,
is FIXED: what synthesis counted beyond the terms in an engine of nine multipliers (n 3, PI 1, PO 1); how
control grows is taken from that one and one for A0 (n 9, PI 1, PO 2; of ECP5's: n 7, PI 1, PO 2). xcup is
taken for xc7. How near this comes on other engines is in docs/engine.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from repvgg_hw.network import LOGIT_BITS, MULTIPLIER_BITS
from repvgg_hw.plan.engine.array import READ_DEPTH, Array
from repvgg_hw.plan.engine.networks import choices
from repvgg_hw.plan.memory_map import Mapped, map_memory, urams
from repvgg_hw.plan.parts import FAMILIES
from repvgg_hw.plan.resources import Resources, total
from repvgg_hw.winograd.matrices import KERNEL

FIXED = {
    "xc7": {
        "input": Resources(lut=695, ff=437),
        "output": Resources(lut=270, ff=448),
        "weights": Resources(ff=239),
        "store": Resources(lut=955, ff=768),
        "pool": Resources(lut=126, ff=69),
        "linear": Resources(lut=305, ff=197),
        "fetch": Resources(lut=1434, ff=2654),
        "check": Resources(lut=139, ff=13),
        "sequencer": Resources(lut=194, ff=127),
        "control": Resources(lut=170, ff=94),
        "registers": Resources(lut=663, ff=653),
        "ports": Resources(lut=1430, ff=1092),
        "queues": Resources(lut=697, ff=62),
    },
    "ecp5": {
        "input": Resources(lut=1072, ff=443),
        "output": Resources(lut=393, ff=850),
        "weights": Resources(ff=239),
        "store": Resources(lut=1109, ff=730),
        "pool": Resources(lut=169, ff=61),
        "linear": Resources(lut=576, ff=210),
        "fetch": Resources(lut=1648, ff=2590),
        "check": Resources(lut=197, ff=13),
        "sequencer": Resources(lut=342, ff=127),
        "control": Resources(lut=642, ff=94),
        "registers": Resources(lut=1559, ff=653),
        "ports": Resources(lut=2424, ff=1092),
        "queues": Resources(lut=928, ff=62),
    },
}


@dataclass(frozen=True)
class Rates:
    """What control takes for each of something, in a family's cells: (LUTs, flip-flops).

    pixel    of a column that leaves the output transform, beyond the terms there; on ECP5 a requantization
             of two multipliers, whose products are added
    place    for a pixel in a column of the store; mask of one in the pool
    address  bit of a word's address
    weights, input  beyond LUTs of six inputs, of these units' terms
    """

    pixel: tuple[int, int]
    place: tuple[int, int]
    mask: tuple[int, int]
    address: tuple[int, int]
    weights: float = 1.0
    input: float = 1.0


SIX = Rates(pixel=(0, 0), place=(33, 9), mask=(17, 24), address=(7, 5))
RATES = {
    "xc7": SIX,
    "xcup": SIX,
    "ecp5": Rates((186, 0), (193, 47), (34, 32), (11, 5), weights=1.65, input=1.13),
}
RESULT = 8  # bits of a requantized value
NARROW = 0.8  # of a network's adders' bits: the first ones in a chain have fewer than the last
CHAIN = 9  # products in a chain of multipliers; from the third on operands wait outside of the multiplier
HALVES = 2  # of complete sums: one is drained while the other is filled
ADDEND = 2  # products with an addend at the first one's port: its loop is short enough
SMALL_PORTS = (18, 18)  # of multipliers without an adder of their own
READERS = 4  # memories of the ports: program, weights of both kinds of layer, maps


def dsps(a: int, b: int, ports: tuple[int, int]) -> int:
    """DSPs of one product of signed a by b bits, in whole partial products of one port each."""

    def parts(bits: int, port: int) -> int:
        return 1 if bits <= port else 1 + -(-(bits - port) // (port - 1))

    wide, narrow = max(ports), min(ports)
    return min(parts(a, wide) * parts(b, narrow), parts(a, narrow) * parts(b, wide))


def by_unit(array: Array, family: str) -> dict[str, Resources]:
    """What each unit takes, as `targets.verilog.engine.units` names them."""
    found = dict(FIXED["ecp5" if family == "ecp5" else "xc7"])
    for unit, taken in (*_arithmetic(array, family), *_memories(array, family)):
        found[unit] = found.get(unit, Resources()) + taken
    return found


def estimate(array: Array, family: str) -> Resources:
    """Of the whole engine."""
    return total(by_unit(array, family).values())


def _adders(array: Array, role: str) -> int:
    """Of both strides' networks, which stand side by side."""
    choice = next(one for one in choices(array.n) if one.role == role)
    return choice.stride1.graph.cost + choice.stride2.graph.cost


def _arithmetic(array: Array, family: str) -> Iterator[tuple[str, Resources]]:
    """Of each unit that calculates, in turn."""
    rates, lanes, m = RATES[family], array.lanes, array.n - 2
    yield "array", _array(array, family)
    yield "input", _input(array, family)
    yield "weights", _weights(array, family)
    yield "output", _output(array, family)
    yield (
        "linear",
        Resources(
            dsp=array.bw * dsps(8, array.pool_w + 1, FAMILIES[family].dsp_ports),
            lut=array.bw * int(3.4 * LOGIT_BITS),
            ff=array.bw * 3 * LOGIT_BITS,
        ),
    )
    yield "queues", Resources(lut=8 * array.bw, ff=2 * 8 * array.bw)  # a register slice of weights
    yield "words", Resources(ff=array.pi * array.n**2 * array.widths.data + 1)
    address = (array.word_depth - 1).bit_length()
    for unit, (lut, ff), times in (
        ("output", rates.pixel, lanes * m),
        ("store", rates.place, lanes * m),
        ("pool", rates.mask, lanes * m),
        ("sequencer", rates.address, address),
    ):
        yield unit, Resources(lut=lut * times, ff=ff * times)


def _array(array: Array, family: str) -> Resources:
    """Products, added to each other and to a tile's sum; to drain, a row of sums of all."""
    n, pi, po, widths, ports = array.n, array.pi, array.po, array.widths, FAMILIES[family].dsp_ports
    one = dsps(widths.data, widths.weight, ports)
    chained = one == 1 and ports != SMALL_PORTS  # added in the multipliers, operands delayed
    length = -(-pi // -(-pi // CHAIN))
    delays = -(-pi // length) * (length - 1) * (length - 2) // 2 if chained else 0
    if not chained:
        adders, registers = pi, pi + 1
    else:  # beyond two products 7 series adds to the sum in logic, in front of the last one's port
        adders = registers = int(family == "xc7" and pi > ADDEND)
    # one of four rows is chosen, then one of these fours
    line, quads, batches = array.lanes * n * widths.sum, -(-n // 4), po // array.lanes
    rows = batches * sum(_choice(min(4, n - 4 * quad), family) for quad in range(quads))
    sums = n * n * po * widths.sum
    return Resources(
        dsp=array.multipliers * one,
        lut=sums * adders + line * (rows + _choice(batches * quads, family)),
        ff=array.multipliers * widths.weight
        + delays * n * n * (po * widths.weight + widths.data)
        + sums * registers
        + line * (batches * quads + 1),
    )


def _input(array: Array, family: str) -> Resources:
    """A byte of a beat, columns through B^T, an array that turns them into rows, rows through B^T."""
    n, middle, data = array.n, array.widths.middle, array.widths.data
    adders = int(NARROW * _adders(array, "data") * (middle + data))
    choices_of_bytes = n * (8 * _choice(array.bd, family) + 9)
    strides = n * (middle + data) if n > KERNEL else 0  # networks of both, and a choice between them
    logic = adders + choices_of_bytes + n * (n + 1) * middle + strides
    return Resources(
        lut=int(RATES[family].input * array.pi * logic),
        ff=array.pi * n * (9 + 2 * middle + n * (middle + data)),
    )


def _weights(array: Array, family: str) -> Resources:
    """G along columns, and along a third of the rows at once; a block of kernels as they came."""
    n, thirds, block = array.n, -(-array.n // 3), 8 * array.bw * array.block[1]
    columns, rows = array.widths.weight_middle, array.widths.weight
    kernel = _adders(array, "weight") * (columns + thirds * rows) + n * rows
    return Resources(
        lut=int(RATES[family].weights * (array.pi * array.po * kernel + block)),
        ff=array.pi * array.po * (n * 5 * columns + n * n * rows) + block,
    )


def _output(array: Array, family: str) -> Resources:
    """A^T twice, division, requantization, of LANES channels."""
    n, m, acc, widths = array.n, array.n - 2, array.acc_w, array.widths
    middle = acc + max(widths.shift1, widths.shift2)
    product = acc + MULTIPLIER_BITS + 1
    adders = _adders(array, "output") * (widths.sum + middle) + m * _adders(array, "divide") * acc
    strides = m * (widths.sum + 2 * middle + 2 * acc) if n > KERNEL else 0
    lane = adders + n * middle * _choice(m, family) + m * (acc + 2 * product + RESULT) + strides
    return Resources(
        dsp=array.lanes * m * dsps(acc, MULTIPLIER_BITS + 1, FAMILIES[family].dsp_ports),
        lut=array.lanes * lane,
        ff=array.lanes * (n * m * middle * 2 + m * (3 * acc + 2 * product + RESULT)),
    )


def _choice(inputs: int, family: str) -> int:
    """LUTs of one bit of a choice between so many: of 6 inputs they have room for four, of 4 for two."""
    return -(-(inputs - 1) // (3 if FAMILIES[family].lut_inputs == 6 else 1))


def _sums(array: Array, family: str, depth: int) -> Mapped:
    """The sums of one position and output channel."""
    return map_memory(family, depth, array.widths.sum, rom=False, read_at_once=True)


def _memories(array: Array, family: str) -> Iterator[tuple[str, Resources]]:
    """Of every unit that has memories, mapped."""
    n, widths = array.n, array.widths
    # read without a register
    lines = map_memory(family, array.line_depth, 8 * array.bd, rom=False, read_at_once=True)
    for unit, copies, mapped in (
        # sums of tiles that grow, and those that are complete, of both halves
        ("array", n * n * array.po, _sums(array, family, array.t_max)),
        ("array", n * n * array.po, _sums(array, family, HALVES * array.t_max)),
        ("input", n * array.pi, lines),
    ):
        lutram = int(copies * mapped.lut)
        yield unit, Resources(lut=lutram + _choice(2, family) * copies * mapped.mux_bits, lutram=lutram)
    # rows of the output: an enable for each byte
    rows = map_memory(family, array.slots * array.out_words, 8 * array.bd, rom=False, enabled=8)
    found = [
        ("pool", 1, map_memory(family, array.c_max, array.pool_w, rom=False)),
        ("ports", READERS, map_memory(family, READ_DEPTH, 8 * max(array.bw, array.bd), rom=False)),
        ("store", array.lanes * (n - 2), rows),
    ]
    bits = array.pi * n * n * widths.data
    if array.word_uram:
        yield "words", Resources(uram=urams(array.word_depth, bits))
    else:
        found.append(("words", 1, map_memory(family, array.word_depth, bits, rom=False)))
    for unit, copies, mapped in found:
        lutram = int(copies * mapped.lut)
        yield (
            unit,
            Resources(
                bram=copies * mapped.bram,
                lut=lutram + copies * _choice(2, family) * mapped.mux_bits,
                ff=copies * mapped.register,
                lutram=lutram,
            ),
        )
