"""Every file that a design is made of says its licence itself: it travels without the repository."""

from __future__ import annotations

from pathlib import Path

import pytest

from repvgg_hw.files import sim_dir, templates_dir

LINE = "SPDX-License-Identifier: Apache-2.0"
FOLDERS = (templates_dir() / "verilog", templates_dir() / "hls", sim_dir())


def without_licence(folder: Path) -> list[Path]:
    """Files below the folder that do not name it in their first two lines."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    return [path for path in files if LINE not in "".join(path.read_text().splitlines(keepends=True)[:2])]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_file_names_its_licence(folder: Path) -> None:
    assert without_licence(folder) == []


def test_a_file_without_it_is_found(tmp_path: Path) -> None:
    (tmp_path / "rvg_new.sv").write_text(f"module rvg_new;\n\n// {LINE}\nendmodule\n")
    assert [path.name for path in without_licence(tmp_path)] == ["rvg_new.sv"]
