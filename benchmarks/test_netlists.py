"""Netlists of units for all three families under the units' own benches; and the digits network's, whole.

Part of `make test-long`: every case is a run of Yosys, every network a simulator of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
import test_arithmetic_units as arithmetic
import test_stream_units as streams
import test_window_buffer as window
import test_winograd_units as winograd
from netlists import check_netlists
from units import Trials

from repvgg_hw.synth.family import FAMILIES

pytest.importorskip("pyosys", reason="pyosys is not installed: pip install repvgg-hw[synth]")


def some(trials: Trials, cases: Iterable[str], faults: Iterable[str]) -> Trials:
    """These cases and faults of a unit's."""
    return Trials(
        {name: trials.cases[name] for name in cases}, {name: trials.faults[name] for name in faults}
    )


def array(n: int) -> dict[str, int | bool]:
    """One lane of an array with n products a cycle."""
    widths = {"X_W": 8, "X_SIGNED": n % 2 == 0, "W_W": 8, "ACC_W": 26}
    return {"N": n, "PO": 1, "WORDS": 2, "ADDRS": 2, "OUT_LANES": 1, **widths}


# Of each unit several parameters, and a fault that its bench finds in the netlist, too.
UNITS = {
    "arrays": {
        "rvg_mac_array": Trials({f"n{n}": array(n) for n in (1, 2, 9, 18, 27, 72)}),
        "rvg_multiply": some(arithmetic.multiply(), ("a9b8p16", "a16b18p30", "a25b18p43"), ()),
    },
    "requantization": {
        "rvg_requant_relu": some(
            arithmetic.requant_relu(), ("one", "lanes", "wide", "nibble"), ("ties_go_down",)
        ),
    },
    "windows": {
        "rvg_window_buffer": some(
            window.of_3x3(), ("s1_5x7", "s1_4x5_w2", "s1_1x1", "s2_5x6_w3"), ("twice",)
        ),
        "rvg_replay": some(streams.replay(), ("w1r3", "w3r2"), ("lost",)),
    },
    "head": {
        "rvg_global_sum": some(arithmetic.global_sum(), ("l1w5p4", "l3w2p49"), ("twice",)),
        "rvg_linear": some(arithmetic.linear(), ("c8k10pi1po1", "c6k10pi6po2"), ("wrong_last",)),
    },
    "tiles": {
        "rvg_winograd_input_transform": some(winograd.input_transform(), ("m2",), ("narrow_rows",)),
        "rvg_winograd_mac": some(winograd.mac_array(), ("m2", "spaced"), ("not_cleared",)),
        "rvg_winograd_output_transform": some(winograd.output_transform(), ("m2", "one"), ("lost",)),
        "rvg_tile_to_raster": some(winograd.tile_to_raster(), ("m4", "two"), ("lost",)),
    },
}


@pytest.mark.parametrize("family", sorted(FAMILIES))
@pytest.mark.parametrize("units", UNITS)
def test_units(units: str, family: str, tmp_path: Path) -> None:
    check_netlists(tmp_path, [FAMILIES[family]], UNITS[units])
