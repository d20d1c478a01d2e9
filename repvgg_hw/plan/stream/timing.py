"""What decides how fast a unit's results leave: sums of products, output lanes, FIFO depths."""

from __future__ import annotations

from repvgg_hw.plan.folding import divisors
from repvgg_hw.winograd.networks import networks

# Register stages of the RTL units, each measured by its unit's bench (sim/tb_rvg_*.py).
MULTIPLY_CYCLES = 3  # rvg_multiply: operands, product, result
CHAIN = 9  # rvg_pkg: products that are summed from multiplier to multiplier, at most
PAIR_BITS = 27  # rvg_pkg: the operand that holds two weights, where a multiplier makes two products
ARRAY_CYCLES = 2  # rvg_mac_array: a set's last word -> its first beat, beside the accumulators'
REQUANT_CYCLES = 5 + MULTIPLY_CYCLES  # rvg_requant_relu: accumulator -> activation
BIAS_CYCLES = 2  # rvg_linear: accumulator -> logit
CREDIT_CYCLES = 2  # rvg_credit_fifo: a beat that is taken at once -> its room is offered again
WINOGRAD_MAC_CYCLES = 1  # rvg_winograd_mac: a set's last word -> its sums, beside the accumulators'
OUTPUT_CYCLES = 6  # rvg_winograd_output_transform: sums -> first beat, beside a tile's rows and its networks
RASTER_CYCLES = 4  # rvg_tile_to_raster: a tile row's last beat -> its first beat out
DRAIN_CYCLES = 32  # upper bound of the last three with requantization, and accumulators of up to 64 products
WINDOWS_HELD = 32  # upper bound of the windows between a line buffer and its accumulators
HANDOVER_CYCLES = 16  # upper bound of a row's release -> free -> written -> readable round trip


def tree_stages(inputs: int) -> int:
    """Register stages that sum so many terms by pairs."""
    return (inputs - 1).bit_length()


def dot_cycles(terms: int, most: int = CHAIN) -> int:
    """rvg_dot_product: operands -> their sum. Chains of at most so many products, summed by pairs."""
    chains = -(-terms // most)
    length = -(-terms // chains)
    return MULTIPLY_CYCLES + length - 1 + tree_stages(chains)


def accumulate_cycles(terms: int, most: int = CHAIN) -> int:
    """rvg_dot_accumulate: operands -> their sum over words; one product is accumulated where it is made."""
    return MULTIPLY_CYCLES + 1 if terms == 1 else 1 + dot_cycles(terms, most) + 1


def output_cycles(m: int, stride: int) -> int:
    """rvg_winograd_output_transform: sums -> first beat, beside a tile's rows."""
    _, output, divide = networks(m, stride)
    return OUTPUT_CYCLES + 2 * output.pipeline.cycles + divide.pipeline.cycles


def pair_chain(x_bits: int, x_signed: bool, weight_bits: int) -> int:
    """rvg_pair_accumulate: products that a chain may sum before the lower sum reaches the upper one."""
    largest = (1 << x_bits - 1 if x_signed else (1 << x_bits) - 1) * ((1 << weight_bits - 1) - 1)
    return min(CHAIN, ((1 << PAIR_BITS - weight_bits - 1) - 1) // largest)


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
