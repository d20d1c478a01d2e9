"""The example's notebook, from top to bottom in a Jupyter kernel.

It takes a minute or two; its own cells fail where something is not proven, or where a changed weight is not
noticed.
"""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).resolve().parents[1] / "examples/digits/from_training_to_waveform.ipynb"


def test_the_notebook_runs_from_top_to_bottom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTEBOOK_WORK", str(tmp_path))
    notebook = nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]
    folder = {"metadata": {"path": str(NOTEBOOK.parent)}}
    NotebookClient(notebook, timeout=900, kernel_name="python3", resources=folder).execute()
    shown = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    text = "".join(output.text for output in shown if output.output_type == "stream")
    assert "2 of 2 images bit-exact: every value of every layer is equal to golden" in text
    assert "NOT proven" in text, "of the changed weight"
    (waves,) = [o.data["image/svg+xml"] for o in shown if "image/svg+xml" in o.get("data", {})]
    assert waves.count("<rect") > 20, "beats in the waveform"
    assert (tmp_path / "design/report.html").is_file()
