"""What Yosys only warns of, and a netlist must not have."""

from __future__ import annotations

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
