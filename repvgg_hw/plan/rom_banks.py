"""How the wide word of a table is spread over memories."""

from __future__ import annotations

# A ROM's word is spread over memories of at most this width: eight ports of 72 bits, the widest of block RAM.
# Narrow ones load faster, too: Verilator's `$readmemh` shifts the whole word for each digit.
BANK_BITS = 576


def banks(lanes: int, bits: int) -> list[tuple[int, int]]:
    """The runs of lanes, (first, last + 1), that a ROM's word of `lanes` times `bits` bits is spread over."""
    step = max(1, BANK_BITS // bits)
    return [(first, min(first + step, lanes)) for first in range(0, lanes, step)]
