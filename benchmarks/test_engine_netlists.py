"""Netlists of an engine's units for all three families, under the units' own benches.

Part of `make test-long`. Its input unit and the AXI masters are in test_netlists.py.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import test_engine_compute_units as compute
import test_engine_control_units as control
import test_engine_registers as registers
import test_engine_store as store
from netlists import check_netlists, some
from units import Trials

from repvgg_hw.synth.family import FAMILIES

pytest.importorskip("pyosys", reason="pyosys is not installed: pip install repvgg-hw[synth]")

# Of each unit one case or two, and a fault that its bench finds in the netlist, too: by values, since
# netlists have no assertions.
UNITS: dict[str, Callable[[], Trials]] = {
    "rvg_engine_store": lambda: some(store.store(), ("n9", "lanes3"), ("stride",)),
    "rvg_engine_pool": lambda: some(store.pool(), ("n5", "lanes2"), ("columns",)),
    "rvg_engine_linear": lambda: some(store.linear(), ("even",), ("not_cleared",)),
    "rvg_engine_sequencer": lambda: some(control.sequencer(), ("t4", "t1"), ("one_half",)),
    "rvg_engine_control": lambda: some(control.control(), ("it",), ("no_reset",)),
    "rvg_engine_fetch": lambda: some(control.fetch(), ("b8",), ("maps",)),
    "rvg_engine_check": lambda: some(control.legality(), ("it",), ("area",)),
    "rvg_engine_registers": lambda: some(registers.registers(), ("small",), ("restarts",)),
    "rvg_engine_write_mux": lambda: some(registers.write_mux(), ("narrow",), ("mixed_up",)),
    "rvg_engine_weights": lambda: some(compute.weights_trials(5), ("narrow",), ()),
    "rvg_engine_output": lambda: some(compute.output_trials(5), ("two", "one"), ("not_limited",)),
    "rvg_engine_array": lambda: some(compute.array_trials(5), ("two",), ()),
}


@pytest.mark.parametrize("family", sorted(FAMILIES))
@pytest.mark.parametrize("module", UNITS)
def test_a_unit(module: str, family: str, tmp_path: Path) -> None:
    check_netlists(tmp_path, [FAMILIES[family]], {module: UNITS[module]()})
