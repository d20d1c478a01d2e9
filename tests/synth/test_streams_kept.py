"""A stream between layers has its driver in the netlist, also where a register follows a queue in LUT RAM."""

from __future__ import annotations

from pathlib import Path

import pytest

from repvgg_hw.synth import netlist, yosys
from repvgg_hw.synth.family import FAMILIES

pytest.importorskip("pyosys", reason="pyosys is not installed: pip install repvgg-hw[synth]")

SOURCE = Path(__file__).with_name("queue_and_register.v")


def driven(folder: Path, family: str, script: list[str]) -> bool:
    """Whether the netlist of this script drives the stream between; its ports must be the source's."""
    yosys.run([yosys.reading([SOURCE], None), *script], folder)
    text = (folder / "net.v").read_text()
    assert "module top(clk, push, take, write, read, s_axis_tdata, m_axis_tdata);" in text
    wires, undriven = text.count("between_tdata"), "between_tdata = 8'hxx" in text.replace("  ", " ")
    return wires > 1 and not undriven


@pytest.mark.parametrize("family", ["ecp5", "xc7"])
def test_a_stream_keeps_its_driver(tmp_path: Path, family: str) -> None:
    script = netlist.of_design(FAMILIES[family], "top", "net")
    assert driven(tmp_path, family, script)


def test_keep_alone_is_not_enough(tmp_path: Path) -> None:
    """What the test above guards against, as long as Yosys does it."""
    script = netlist.of_design(FAMILIES["ecp5"], "top", "net")
    assert not driven(tmp_path, "ecp5", [line for line in script if "@inner" not in line])
