"""What Yosys only warns of, and a netlist must not have."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from repvgg_hw.errors import CheckFailed
from repvgg_hw.synth import tools, yosys
from repvgg_hw.synth.family import FAMILIES

WARNING = (
    "Warning: Driver-driver conflict for $o1 between cell $lut.Y and constant 1'x: Resolved using constant.\n"
)


def test_a_conflict_of_drivers_is_no_netlist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = ""

    def run(tool: str, arguments: list[str], folder: Path, name: str, progress: object = None) -> tools.Run:
        (folder / f"{name}.log").write_text(said)
        return tools.Run(0.0, 0)

    monkeypatch.setattr(tools, "run", run)
    yosys.run(["stat"], tmp_path)
    said = WARNING
    with pytest.raises(CheckFailed, match="conflict of drivers"):
        yosys.run(["stat"], tmp_path)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_way_around_is_in_every_script(family: str) -> None:
    """YosysHQ/yosys issue 6237: the switch is set before anything is made."""
    assert FAMILIES[family].script("top")[0] == "scratchpad -set abc9.xaiger 1"


def test_modules_are_counted_by_the_library_s_names(tmp_path: Path) -> None:
    """As Yosys 0.70 writes them: a digest, parameters, or neither; in `design` without the backslash."""
    digest, typed = "$paramod$175e5eef57fe\\rvg_fetch", "$paramod\\rvg_route\\WIDTH=s32'0001"
    modules = {digest: 3, typed: 5, "\\rvg_control": 7, "\\top": 2}
    found = {name: {"num_cells_by_type": {"LUT6": count}} for name, count in modules.items()}
    times = {digest: 1, typed: 2, "rvg_control": 3}
    path = tmp_path / "stat.json"
    path.write_text(json.dumps({"modules": found, "design": {"num_cells_by_type": times}}))
    counts = yosys.counts_of_modules(FAMILIES["xc7"], path)
    luts = {name: one["lut"] for name, one in counts.items()}
    assert luts == {"rvg_fetch": 3, "rvg_route": 10, "rvg_control": 21, "top": 2}
