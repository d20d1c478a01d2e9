"""The notebook of the example: whole and without outputs; `make test-long` runs it."""

from __future__ import annotations

import ast
from pathlib import Path

import nbformat
import pytest

from examples.digits import waveform
from repvgg_hw.targets.verilog.simulator import fst

NOTEBOOK = Path(__file__).resolve().parents[1] / "examples/digits/from_training_to_waveform.ipynb"
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
