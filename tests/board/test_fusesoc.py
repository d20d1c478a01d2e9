"""FuseSoC and edalize take the .core of a board folder: they find its files, and Verilator lints them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import board_network
import pytest

from repvgg_hw.board import boards, emit
from repvgg_hw.targets.verilog.simulator.tools import tool_environment

CORE = "repvgg-hw:designs:random"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a streaming design: it has tables, too."""
    made = tmp_path_factory.mktemp("fusesoc")
    emit.write(emit.files(board_network.wrapper(made, boards.get("pynq-z2"))), made / "board", force=False)
    return made


def lint(folder: Path, work: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from fusesoc.main import main; main()", "--cores-root", "board"]
    command += ["run", "--target", "lint", "--build-root", work, CORE]
    with tool_environment():
        return subprocess.run(
            command,
            cwd=folder,
            env=dict(os.environ),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )


def test_fusesoc_lints_the_core(folder: Path) -> None:
    done = lint(folder, "sound")
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert "verilator -f" in said
    assert "WARNING: " not in said, said
    copied = {path.name for path in (folder / "sound").rglob("*.mem")}
    assert copied == {path.name for path in (folder / "board" / "rtl").glob("*.mem")}


def test_a_source_that_is_wrong_is_found(folder: Path) -> None:
    source = folder / "board" / "rtl" / "rvg_fifo.sv"
    source.write_text(source.read_text().replace("assign ", "asign "))
    assert lint(folder, "wrong").returncode != 0
