"""The notebook of the example: whole, without outputs, and run from top to bottom in a Jupyter kernel."""

from __future__ import annotations

import ast
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from examples.digits import waveform
from repvgg_hw.targets.verilog.simulator import fst

NOTEBOOK = Path(__file__).resolve().parents[1] / "examples/digits/from_training_to_waveform.ipynb"
# Two epochs, and simulators that are compiled fast, as everywhere in these tests (conftest.py).
QUICK = """
import functools
from repvgg_hw.targets.verilog.simulator import verilator
verilator.build = functools.partial(verilator.build, optimize="-O0")
"""
EPOCHS = "2"
VCD = """$scope module bench $end
 $var wire 1 ! clk $end
 $scope module u_dut $end
  $var wire 1 a in_tvalid $end
  $var wire 1 b in_tready $end
 $upscope $end
$upscope $end
$enddefinitions $end
#0
0!
0a
1b
#1
1!
1a
#2
0!
#3
1!
0b
#4
0!
#5
1!
"""


def test_it_is_a_notebook_without_outputs_whose_cells_are_python() -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]
    nbformat.validate(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None
            ast.parse(cell.source)


def test_it_runs_from_top_to_bottom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own cells fail where something is not proven, and where a changed weight is not noticed."""
    monkeypatch.setenv("NOTEBOOK_WORK", str(tmp_path))
    monkeypatch.setenv("NOTEBOOK_EPOCHS", EPOCHS)
    notebook = nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]
    notebook.cells.insert(0, nbformat.v4.new_code_cell(QUICK))  # type: ignore[no-untyped-call]
    folder = {"metadata": {"path": str(NOTEBOOK.parent)}}
    NotebookClient(notebook, timeout=900, kernel_name="python3", resources=folder).execute()
    shown = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    text = "".join(output.text for output in shown if output.output_type == "stream")
    assert "2 of 2 images bit-exact: every value of every layer is equal to golden" in text
    assert "NOT proven" in text, "of the changed weight"
    (waves,) = [o.data["image/svg+xml"] for o in shown if "image/svg+xml" in o.get("data", {})]
    assert waves.count("<rect") > 20, "beats in the waveform"
    assert (tmp_path / "design/report.html").is_file()


@pytest.mark.parametrize("suffix", ["vcd", "fst"])
def test_waveform_reads_a_dump(tmp_path: Path, suffix: str) -> None:
    dump = tmp_path / "streams.vcd"
    dump.write_text(VCD)
    if suffix == "fst":
        dump = fst.compressed(dump)
    assert dump.suffix == f".{suffix}"
    assert waveform.read(dump, ["bench.u_dut.in_tvalid", "bench.u_dut.in_tready"]) == {
        "bench.u_dut.in_tvalid": [0, 1, 1],  # as a register sees it: what was there before the edge
        "bench.u_dut.in_tready": [1, 1, 0],
    }
    moved = waveform.moves(dump, ["in"])
    assert moved == {"in": [False, True, False]}
    assert waveform.svg(moved).count("<rect") == 2, "the ground, and one beat"
    with pytest.raises(LookupError, match=r"no bench\.u_dut\.out_tvalid"):
        waveform.moves(dump, ["out"])
