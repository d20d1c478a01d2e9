"""Which memory a synthesis tool makes of so many words of so many bits: block RAM, RAM in LUTs, or logic.

The rule is that of Yosys 0.70 (`memory_libmap`), by its own prices: every kind of cell that a family has is
priced at each of its shapes, with the multiplexers that a memory deeper than the cell needs, and the
cheapest is taken. A memory without a write port is a ROM: never RAM in LUTs, but constants in logic where
it is small.

Price of r cells of w bits that hold a stack of s memories of W bits: (price - scaled) r + scaled s W / w,
half a point for each bit of a multiplexer, and two for the port. Yosys compares each shape with the whole
points of the best one. What is read of a word that is written in the same cycle may be anything, as the
library's memories say (`no_rw_check`): no logic is around a block RAM for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

PORT_PRICE = 2.0
MUX_PRICE = 0.5  # a bit of a multiplexer, and a write enable that is decoded
LOGIC_PRICE_ROM = {"xc7": 1 / 64, "xcup": 1 / 64, "ecp5": 1 / 16}  # a bit of a ROM: a share of a LUT
BYTE = 9  # bits that one write enable of a block RAM covers
URAM_WORDS, URAM_BITS = 4096, 72
# ROMs of more words than these, where they lack fewer than DEEP_ROM_LACKS of a power of two that one block
# holds, have each bit in one block and no multiplexer behind it: `synth` has Yosys do so.
DEEP_ROMS = {"xc7": 4096, "xcup": 4096, "ecp5": 2048}
DEEP_ROM_LACKS = 2048


@dataclass(frozen=True)
class Cell:
    """A memory cell as a family's library prices it.

    widths   data bits, narrowest first; each halves the words of the one before it
    scaled   the part of the price that counts only bits in use
    bram     block RAMs of 18 kbit that it is; lut look-up tables that it is
    """

    address_bits: int
    widths: tuple[int, ...]
    price: float
    scaled: float = 0.0
    bram: int = 0
    lut: float = 0.0


_BLOCKS = (
    Cell(14, (1, 2, 4, 9, 18, 36), 129, bram=1),
    Cell(15, (1, 2, 4, 9, 18, 36, 72), 257, bram=2),
)
# For each family RAM in LUTs (one write port, one read port), then block RAM.
CELLS: dict[str, tuple[Cell, ...]] = {
    "xc7": (
        Cell(5, (6,), 8, 7, lut=4),  # RAM32M
        Cell(6, (3,), 8, 7, lut=4),  # RAM64M
        Cell(7, (1,), 8, 8, lut=4),  # RAM128X1D
        *_BLOCKS,
    ),
    "xcup": (
        Cell(5, (14,), 16, 16, lut=8),  # RAM32M16
        Cell(6, (7,), 16, 16, lut=8),  # RAM64M8
        Cell(7, (2,), 16, 16, lut=8),  # RAM128X1D, twice
        Cell(8, (1,), 16, 16, lut=8),  # RAM256X1D
        *_BLOCKS,
    ),
    "ecp5": (
        Cell(4, (4,), 4, lut=4),  # DPR16X4
        Cell(14, (1, 2, 4, 9, 18, 36), 128, bram=1),
    ),
}


@dataclass(frozen=True)
class Mapped:
    """What a memory becomes.

    bram       block RAMs of 18 kbit
    lut        look-up tables that are memory
    logic      bits of a ROM that is logic
    mux_bits   two-input multiplexers between cells that are stacked
    register   bits of the read register outside of the cell; block RAM has its own
    """

    bram: int = 0
    lut: float = 0.0
    logic: int = 0
    mux_bits: int = 0
    register: int = 0


@cache
def deep_roms(family: str) -> tuple[range, ...]:
    """The numbers of words of those ROMs whose bits have a block each."""
    least, most = DEEP_ROMS[family], 1 << CELLS[family][-1].address_bits
    depths = (1 << n for n in range(least.bit_length(), most.bit_length()))
    return tuple(range(max(least, words - DEEP_ROM_LACKS) + 1, words + 1) for words in depths)


@cache
def map_memory(
    family: str, words: int, bits: int, *, rom: bool, enabled: int = 0, read_at_once: bool = False
) -> Mapped:
    """The cheapest memory of one read port and, unless it is a ROM, one write port.

    enabled       bits that one enable of the write port covers; 0: the whole word
    read_at_once  read without a register, as only RAM in LUTs can be
    """
    best, chosen = float("inf"), Mapped()
    deep = rom and any(words in sizes for sizes in deep_roms(family))
    for cell in CELLS[family]:
        if (rom and not cell.bram) or (read_at_once and cell.bram):
            continue
        price, count, stacked = _cheapest_shape(cell, words, bits, rom=rom, enabled=enabled, deep=deep)
        if price < best:
            mux = (stacked - 1) * bits
            register = 0 if cell.bram or read_at_once else bits
            best, chosen = price, Mapped(cell.bram * count, cell.lut * count, 0, mux, register)
    if rom and words * bits * LOGIC_PRICE_ROM[family] < best:
        return Mapped(logic=words * bits, register=bits)
    return chosen


def _cheapest_shape(
    cell: Cell, words: int, bits: int, *, rom: bool, enabled: int, deep: bool
) -> tuple[float, int, int]:
    """(price, cells, cells that are stacked for depth) of the cheapest of a cell's shapes.

    deep  none is stacked; the price is infinite where one cell has too few words
    """
    best: tuple[float, int, int] | None = None
    for narrowed, width in enumerate(cell.widths):
        unit = 1 if rom else min(BYTE, width) if cell.bram else width
        if enabled and not rom:  # each part with an enable of its own is in whole units
            whole = bits // enabled * (-(-enabled // unit) * unit)
        else:
            whole = -(-bits // unit) * unit  # a word ends where a write enable does
        stacked = -(-words // (1 << (cell.address_bits - narrowed)))
        if deep and stacked > 1:
            continue
        count = -(-stacked * whole // width)
        price = (cell.price - cell.scaled) * count + cell.scaled * stacked * bits / width
        price += MUX_PRICE * (stacked - 1) * bits + PORT_PRICE
        if not rom:
            price += MUX_PRICE * stacked if stacked > 1 else 0
        if best is None or price < int(best[0]):
            best = price, count, stacked
    return best or (float("inf"), 0, 0)


def urams(words: int, bits: int) -> int:
    """UltraRAMs for so many words: no initial contents, one write and one read port."""
    return -(-words // URAM_WORDS) * -(-bits // URAM_BITS)
