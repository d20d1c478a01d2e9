"""One unit's netlist per FPGA family under the unit's own bench, with faults in RTL and in the cells."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import test_arithmetic_units
from netlists import CELLS, check_netlists
from quick import slow
from units import Fault, Trials

from repvgg_hw.synth.family import FAMILIES
from repvgg_hw.synth.yosys import counts

pytest.importorskip("pyosys", reason="pyosys is not installed: pip install repvgg-hw[synth]")


ARRAY = test_arithmetic_units.mac_array()
# Signed operands and one product beside eight others: what Yosys' own inference gets wrong (test_cells.py).
SMALL = {
    "N": 9,
    "PO": 1,
    "WORDS": 2,
    "ADDRS": 3,
    "OUT_LANES": 1,
    "X_W": 8,
    "X_SIGNED": True,
    "W_W": 8,
    "ACC_W": 24,
}


@pytest.mark.parametrize("family", ["xc7", slow("xcup")])
def test_array_for_amd(tmp_path: Path, family: str) -> None:
    faults = {"no_register": Fault("small", ".MREG(1)", ".MREG(0)", module=CELLS)}
    check_netlists(tmp_path, [FAMILIES[family]], {"rvg_mac_array": Trials({"small": SMALL}, faults)})


@pytest.mark.slow
def test_two_products_in_a_slice(tmp_path: Path) -> None:
    """Three outputs of nine products: 18 slices, where 27 would make a product each."""
    faults = {"starts_at_zero": Fault("paired", ".C(c)", ".C(48'b0)", module=CELLS)}
    paired = SMALL | {"X_SIGNED": False, "PO": 3, "WORDS": 3, "PACKED": True}
    xcup = FAMILIES["xcup"]
    check_netlists(tmp_path, [xcup], {"rvg_mac_array": Trials({"paired": paired}, faults)})
    assert counts(xcup, tmp_path / "net_rvg_mac_array_paired_xcup.stat.json")["dsp"] == 18


def test_array_for_ecp5(tmp_path: Path) -> None:
    faults = {
        "no_register": Fault("small", '.REG_OUTPUT_CLK("CLK0")', '.REG_OUTPUT_CLK("NONE")', module=CELLS),
        "not_cleared": replace(ARRAY.faults["not_cleared"], case="small"),
    }
    check_netlists(tmp_path, [FAMILIES["ecp5"]], {"rvg_mac_array": Trials({"small": SMALL}, faults)})
