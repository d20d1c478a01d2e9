"""Every assertion of the library is broken by a fault of some bench: else it would say nothing."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from repvgg_hw.targets.verilog.emit import library
from repvgg_hw.targets.verilog.simulator.promises import broken_promise


def test_every_promise_is_broken_once() -> None:
    named = set()
    for path in Path(__file__).parent.glob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) > 12:
                named.add(node.value)
    for module, path in library().items():
        for text in re.findall(r'\.TEXT\("([^"]*)"\)', path.read_text()):
            assert text.startswith(f"{module}: "), text
            assert any(words in text for words in named), f"no fault breaks {text!r}"


@pytest.mark.parametrize(
    ("scope", "layer"),
    [("TOP.bench.u_dut.u_stage1_0", "stage1.0: "), ("TOP", ""), ("TOP.bench.u_dut.u_pool", "")],
)
def test_names_the_layer(tmp_path: Path, scope: str, layer: str) -> None:
    output = tmp_path / "check.out"
    promise = "rvg_fifo: a beat left that had not come"
    output.write_text(
        f"INFO of cocotb\nbroken promise in {scope}: {promise}\n%Error: x.sv:9: Verilog $stop\n"
    )
    assert broken_promise(output, {"stage1_0": "stage1.0"}) == f"{layer}{promise}"


def test_no_promise_broken(tmp_path: Path) -> None:
    output = tmp_path / "check.out"
    assert broken_promise(output, {}) is None
    output.write_text("rvg_fifo: nothing\n")
    assert broken_promise(output, {}, "stage0.0") is None
