"""Tables as bytes: the same words as the text has, in rvg_rom.sv too, and ends where they are not there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from quick import some
from units import Trials, simulate

from repvgg_hw.files import sim_dir
from repvgg_hw.targets.verilog.binary_tables import BINARY_TABLES, SUFFIX, to_bytes, write_tables
from repvgg_hw.targets.verilog.emit import library_sources
from repvgg_hw.targets.verilog.netlist import Bank, Rom

WIDTHS = {1: 3, 5: 12, 16: 70, 3: 8, 4: 576}  # by depth


@given(st.data())
def test_bytes_are_the_words_of_the_text(data: st.DataObject) -> None:
    width = data.draw(st.integers(1, 200))
    words = data.draw(st.lists(st.integers(0, (1 << width) - 1), min_size=1, max_size=9))
    digits = -(-width // 4)
    found = to_bytes("".join(f"{word:0{digits}x}\n" for word in words), width)
    each = -(-width // 8)
    chunks = [found[each * i : each * (i + 1)] for i in range(len(words))]
    assert [int.from_bytes(chunk, "big") for chunk in chunks] == words
    assert len(found) == each * len(words)


@pytest.mark.parametrize(("text", "width"), [("0g\n", 8), ("1ff\n", 8), ("8\n", 3), ("-1\n", 8)])
def test_other_text_is_refused(text: str, width: int) -> None:
    with pytest.raises(ValueError, match=r"hexadecimal|more than"):
        to_bytes(text, width)


def text(depth: int) -> str:
    """A table's text, its words long and unlike each other."""
    words = [(i + 1) * 0x9E3779B97F4A7C15F39CC0605CEDC835**5 % (1 << WIDTHS[depth]) for i in range(depth)]
    return "".join(f"{word:x}\n" for word in words)


def roms_fail(folder: Path, change: Callable[[Path], object] = lambda path: None) -> bool:
    """Whether rvg_rom's bench fails on tables that are read as bytes; `change` is done to one of them."""
    names = {depth: f"table{depth}.mem" for depth in WIDTHS}
    for depth, name in names.items():
        (folder / name).write_text(text(depth))  # which the bench reads
        rom = Rom("", WIDTHS[depth], depth, (Bank("", name, 0, WIDTHS[depth]),))
        write_tables(folder, [rom], lambda name: (folder / name).read_text())
    change(folder / f"{names[16]}{SUFFIX}")
    cases: dict[str, dict[str, int | bool | str]] = {
        f"d{depth}": {"WIDTH": WIDTHS[depth], "DEPTH": depth, "FILE": name} for depth, name in names.items()
    }
    instances = [(f"rvg_rom_{case}", "rvg_rom", parameters) for case, parameters in cases.items()]
    checks = [sim_dir() / "rvg_assert.sv", sim_dir() / "rvg_assert_stream.sv"]
    sources = [*library_sources({"rvg_rom"}), *checks]
    try:
        failed, _ = simulate(folder, {"rvg_rom": Trials(cases)}, instances, sources, arguments=BINARY_TABLES)
    except AssertionError as error:  # the simulator ended before the bench began
        return "rvg_rom: table16.mem.bin" in str(error)
    return any(failed.values())


def test_a_rom_reads_its_bytes(tmp_path: Path) -> None:
    assert not roms_fail(tmp_path)


FAULTS: dict[str, Callable[[Path], object]] = {
    "lowest byte first": lambda path: path.write_bytes(path.read_bytes()[::-1]),
    "a byte short": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "missing": lambda path: path.unlink(),
}


@pytest.mark.parametrize("fault", some(FAULTS, 1))
def test_bytes_that_are_not_the_table_are_found(tmp_path: Path, fault: str) -> None:
    assert roms_fail(tmp_path, FAULTS[fault])
