"""Memories as the estimates map them, against what Yosys made of the same shapes."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from repvgg_hw.plan.memory_map import CELLS, map_memory, urams

MEASURED = Path(__file__).parents[2] / "benchmarks" / "data" / "memories.csv"  # benchmarks/memories.py


def rows(family: str) -> list[dict[str, str]]:
    with MEASURED.open() as file:
        return [row for row in csv.DictReader(file) if row["family"] == family]


@pytest.mark.parametrize("family", CELLS)
def test_every_memory_that_was_synthesised(family: str) -> None:
    measured = rows(family)
    assert len(measured) >= 100
    assert {row["kind"] for row in measured} == {"ram", "rom"}
    assert any(int(row["bram"]) for row in measured)
    assert any(int(row["lut"]) for row in measured)
    wrong = []
    for row in measured:
        found = map_memory(family, int(row["words"]), int(row["bits"]), rom=row["kind"] == "rom")
        if (found.bram, found.lut) != (int(row["bram"]), int(row["lut"])):
            wrong.append((row, found))
    assert not wrong


def test_a_table_from_512_words_of_576_bits_fills_its_blocks() -> None:
    """The issue's figure: 8 RAMB36 exactly, for xc7."""
    assert map_memory("xc7", 512, 576, rom=True).bram == 2 * 8


def test_what_is_not_in_a_cell_is_in_logic_or_registers() -> None:
    rom = map_memory("xc7", 16, 72, rom=True)
    assert (rom.bram, rom.lut, rom.logic, rom.register) == (0, 0, 16 * 72, 72)
    assert map_memory("ecp5", 1024, 36, rom=False).register == 0


def test_urams_are_counted_by_depth_and_width() -> None:
    assert [urams(4096, 72), urams(4097, 72), urams(1, 73)] == [1, 2, 2]
