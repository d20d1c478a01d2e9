"""Copies of a register stay apart in a netlist, where alike registers of RTL become one."""

from __future__ import annotations

from pathlib import Path

import pytest

from repvgg_hw.files import templates_dir
from repvgg_hw.synth import yosys
from repvgg_hw.synth.family import FAMILIES
from repvgg_hw.synth.netlist import multipliers, write_netlist

pytest.importorskip("pyosys", reason="pyosys is not installed: pip install repvgg-hw[synth]")

VERILOG = templates_dir() / "verilog"
SOURCES = [VERILOG / "common" / name for name in ("rvg_pkg.sv", "rvg_copies.sv")]


def registers(folder: Path, family: str, cells: Path | None) -> int:
    """Flip-flops in the family's netlist of four copies."""
    write_netlist(folder, FAMILIES[family], SOURCES, "rvg_copies", {"N": 4}, "net", cells=cells)
    return yosys.counts(FAMILIES[family], folder / "net.stat.json")["ff"]


AMD = [pytest.param(family, marks=pytest.mark.slow) for family in FAMILIES if family != "ecp5"]


@pytest.mark.parametrize("family", ["ecp5", *AMD])
def test_copies_stay_apart(tmp_path: Path, family: str) -> None:
    assert registers(tmp_path, family, multipliers(FAMILIES[family])) == 4


def test_alike_registers_of_rtl_become_one(tmp_path: Path) -> None:
    """Where this is gone, the cells can go, too."""
    assert registers(tmp_path, "ecp5", None) == 1
