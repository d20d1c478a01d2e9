"""What an engine takes of an FPGA: an estimate from its structure, term by term; not fitted to synthesis.

DSPs and memories are counted as the library instantiates them. LUTs are one for each bit of an adder, a third
of one for each input bit of a multiplexer, RAM in LUTs as `memory_map` maps it, and FIXED for everything
that does not grow with the array; flip-flops one for each bit of a register between these.
Beside Yosys 0.70 for xc7 at n = 9: rvg_engine_output, one lane of 28 bits, is 10,526 LUT and 5,943 FF (here,
without its control, 9,625 and 5,460), rvg_engine_weights, two kernels, 2,613 and 4,091 (2,544 and 3,960),
rvg_engine_array at n = 5, PO 2, PI 1 and sums of 30 bits 2,455 and 1,469 (2,500 and 1,450): products are
added to each other and to their sums in the multipliers.
"""

from __future__ import annotations

from collections.abc import Iterator

from repvgg_hw.network import LOGIT_BITS, MULTIPLIER_BITS
from repvgg_hw.plan.engine.array import Array
from repvgg_hw.plan.engine.networks import choices
from repvgg_hw.plan.memory_map import map_memory, urams
from repvgg_hw.plan.parts import FAMILIES
from repvgg_hw.plan.resources import Resources, total
from repvgg_hw.winograd.matrices import KERNEL

# What does not grow with the array, as synthesis for xc7 counted it in an engine of 9 multipliers; of input,
# output and linear layer what an engine at n = 9 takes beside the terms below.
FIXED = {
    "input": Resources(lut=1750, ff=350),
    "output": Resources(lut=1050, ff=480),
    "linear": Resources(lut=900),
    "fetch": Resources(lut=1975, ff=2659),
    "check": Resources(lut=126),
    "route": Resources(lut=91, ff=34),
    "sequencer": Resources(lut=198, ff=148),
    "control": Resources(lut=168, ff=93),
    "registers": Resources(lut=663, ff=653),
    "ports": Resources(lut=1226, ff=975),
    "store": Resources(lut=940, ff=679),
    "pool": Resources(lut=152, ff=91),
    "queues": Resources(lut=683, ff=43),
}
MUX = 3  # input bits of a wide multiplexer for each LUT
BLOCK_BYTES, BLOCK_WORDS = 4, 512  # of a block RAM of 18 kbit at its widest
HALVES = 2  # of the accumulators: one is drained while the other is filled
ADDEND = 2  # products with an addend at the first one's port: its loop is short enough
SMALL_PORTS = (18, 18)  # of multipliers without an adder of their own
CLIENTS = 3  # FIFOs of the ports: program, weights, maps


def dsps(a: int, b: int, ports: tuple[int, int]) -> int:
    """DSPs of one product of signed a by b bits, in whole partial products of one port each."""

    def parts(bits: int, port: int) -> int:
        return 1 if bits <= port else 1 + -(-(bits - port) // (port - 1))

    wide, narrow = max(ports), min(ports)
    return min(parts(a, wide) * parts(b, narrow), parts(a, narrow) * parts(b, wide))


def by_unit(array: Array, family: str, *, uram: bool = False) -> dict[str, Resources]:
    """What each unit takes, as `targets.verilog.engine.units` names them."""
    found = dict(FIXED)
    for unit, taken in (*_arithmetic(array, family), *_memories(array, family, uram=uram)):
        found[unit] = found.get(unit, Resources()) + taken
    return found


def estimate(array: Array, family: str, *, uram: bool = False) -> tuple[Resources, int]:
    """(resources, UltraRAMs): the data memory in UltraRAM where it may be."""
    found = total(by_unit(array, family, uram=uram).values())
    bits = array.pi * array.n**2 * array.widths.data
    return found, urams(array.word_depth, bits) if uram else 0


def _adders(array: Array, role: str) -> int:
    """Of both strides' networks, which stand side by side."""
    choice = next(one for one in choices(array.n) if one.role == role)
    return choice.stride1.graph.cost + choice.stride2.graph.cost


def _arithmetic(array: Array, family: str) -> Iterator[tuple[str, Resources]]:
    widths, ports = array.widths, FAMILIES[family].dsp_ports
    n, m, lanes = array.n, array.n - 2, array.lanes
    data, weight, output, divide = (_adders(array, role) for role in ("data", "weight", "output", "divide"))

    # products, their sums over PI, added to an accumulator or to zero; a row of sums of all to drain
    sums = n * n * array.po * widths.sum
    one = dsps(widths.data, widths.weight, ports)
    chained = one == 1 and ports != SMALL_PORTS  # products are added in the multipliers, operands delayed
    delays = array.pi * (array.pi - 1) // 2 if chained else 0
    if not chained:
        adders, registers = array.pi, array.pi + 1
    else:  # beyond two products 7 series adds to the sum in logic, in front of the last one's port
        adders = registers = int(family == "xc7" and array.pi > ADDEND)
    yield (
        "array",
        Resources(
            dsp=array.multipliers * one,
            lut=sums * adders + sums // MUX,
            ff=array.multipliers * widths.weight
            + delays * n * n * (array.po * widths.weight + widths.data)
            + sums * registers
            + sums // 2,
        ),
    )
    # B^T along columns and rows; a byte of a beat for each row bank
    window = n * (widths.middle + widths.data)
    yield (
        "input",
        Resources(
            lut=array.pi * (data * (widths.middle + widths.data) + window + n * 8 * array.bd // MUX),
            ff=array.pi * n * n * (widths.middle + widths.data),
        ),
    )
    # G along columns, and along a third of the rows at once; a block of kernels as they came
    thirds, block = -(-n // 3), 8 * array.bw * array.block[1]
    columns, rows = widths.weight_middle, widths.weight
    yield (
        "weights",
        Resources(
            lut=array.pi * array.po * (weight * (columns + thirds * rows) + n * rows) + block,
            ff=array.pi * array.po * (n * 3 * columns + n * n * rows + 8 * KERNEL**2) + block,
        ),
    )
    # A^T twice, division, requantization
    middle = array.acc_w + max(widths.shift1, widths.shift2)
    product = array.acc_w + MULTIPLIER_BITS + 1
    yield (
        "output",
        Resources(
            dsp=lanes * m * dsps(array.acc_w, MULTIPLIER_BITS + 1, ports),
            lut=lanes
            * (
                output * (widths.sum + middle)
                + m * divide * array.acc_w
                + n * m * middle // MUX
                + m * (array.acc_w + 3 * product)
            ),
            ff=lanes * (n * m * middle * 2 + m * (3 * array.acc_w + 3 * product)),
        ),
    )
    # the linear layer
    yield (
        "linear",
        Resources(
            dsp=array.bw * dsps(8, array.pool_w + 1, ports),
            lut=array.bw * LOGIT_BITS,
            ff=array.bw * 3 * LOGIT_BITS,
        ),
    )


def _memories(array: Array, family: str, *, uram: bool) -> Iterator[tuple[str, Resources]]:
    """(unit, copies, words, bits) of every memory, mapped."""
    n, widths = array.n, array.widths
    shapes = [
        ("input", n * array.pi, array.line_depth, 8 * array.bd),  # rows of the input
        ("pool", 1, array.c_max, array.pool_w),  # the pool's sums
        ("ports", CLIENTS, 2 * array.max_burst, 8 * max(array.bw, array.bd)),
    ]
    if not uram:
        shapes.append(("words", 1, array.word_depth, array.pi * n * n * widths.data))
    # rows of the output, with a write enable for each byte: block RAM alone has that
    blocks = -(-array.bd // BLOCK_BYTES) * -(-array.slots * array.out_words // BLOCK_WORDS)
    yield "store", Resources(bram=array.lanes * (n - 2) * blocks)
    # accumulators are read without a register: those that grow, and those that are complete
    for depth in (array.t_max, HALVES * array.t_max):
        sums = map_memory(family, depth, widths.sum, rom=False)
        copies, lutram = n * n * array.po, int(n * n * array.po * sums.lut)
        lut = lutram + copies * (sums.mux_bits // MUX)
        yield "array", Resources(bram=copies * sums.bram, lut=lut, lutram=lutram)
    for unit, copies, words, bits in shapes:
        mapped = map_memory(family, words, bits, rom=False)
        lutram = int(copies * mapped.lut)
        logic = copies * (mapped.mux_bits // MUX + mapped.bypass)
        yield (
            unit,
            Resources(
                bram=copies * mapped.bram,
                lut=lutram + logic,
                ff=copies * (mapped.register + mapped.bypass),
                lutram=lutram,
            ),
        )
