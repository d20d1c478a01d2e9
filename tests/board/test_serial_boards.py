"""A small network on a ULX3S and an OrangeCrab, pin to pin, by the driver that ships; their files."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest
import serial_board_bench
from board_network import backbone, wrapper
from lint_sources import lint

from repvgg_hw.board import emit
from repvgg_hw.board.boards import BOARDS, OrangeCrab, Pll, Serial, Ulx3s
from repvgg_hw.errors import InputError
from repvgg_hw.files import sim_dir

IMAGES = np.random.default_rng(3).integers(0, 256, (3, 7, 6, 3), dtype=np.uint8)
# The line of the board, but for its patience and its speed: a simulation need not wait 50 ms.
BOARD = Ulx3s(clocks_per_bit=16, silence_ms=0.2)
OTHER = OrangeCrab(clocks_per_bit=16, silence_ms=0.2)


@pytest.mark.parametrize("board", [BOARD, OTHER], ids=lambda board: board.suffix)
def test_pin_to_pin(tmp_path: Path, board: Serial) -> None:
    made = wrapper(tmp_path, board, 2)
    serial_board_bench.build(made, tmp_path)
    passed, log = serial_board_bench.run(made, tmp_path, IMAGES)
    assert passed, log[-4000:]
    assert "broken promise" not in log


@pytest.mark.slow
def test_maps_pin_to_pin(tmp_path: Path) -> None:
    made = backbone(tmp_path, BOARD)
    serial_board_bench.build(made, tmp_path)
    passed, log = serial_board_bench.run(made, tmp_path, IMAGES)
    assert passed, log[-4000:]
    assert "broken promise" not in log


@pytest.mark.parametrize("name", ["ulx3s-85f", "orangecrab-85f"])
def test_files_are_whole(tmp_path: Path, name: str) -> None:
    """No warning in the sources; constraints and top name the same pins; every file that is named exists."""
    board = BOARDS[name]
    assert isinstance(board, Serial)
    made = wrapper(tmp_path, board)
    emit.write(emit.files(made), tmp_path / "board", force=False)
    folder = tmp_path / "board"
    sources = [folder / name for name in (folder / "files.f").read_text().split()]
    assert lint([sim_dir() / "cells/EHXPLLL.sv", *sources], made.module) == ""
    top = sources[-1].read_text().split("module ")[1].split(");")[0]
    ports = set()
    for width, name in re.findall(r"(?:input|output) +wire +(?:\[(\d+):0\])? *(\w+)", top):
        ports |= {f"{name}[{i}]" for i in range(int(width) + 1)} if width else {name}
    constraints = (folder / board.constraints).read_text()
    sites = re.findall(r'LOCATE COMP "([^"]+)" SITE "(\w+)"', constraints)
    assert {name for name, _ in sites} == ports
    assert len({site for _, site in sites}) == len(sites)
    assert set(re.findall(r'IOBUF PORT "([^"]+)"', constraints)) == ports
    for name in re.findall(
        r"`((?:driver|rtl)/[\w./]*|files\.f|\w+\.lpf)`", (folder / "README.md").read_text()
    ):
        assert (folder / name).exists(), name


def test_a_design_slower_than_its_line_is_refused(tmp_path: Path) -> None:
    board = dataclasses.replace(BOARD, clocks_per_bit=8)
    made = wrapper(tmp_path, board)
    interval = 8 * 10 * made.frame_bytes
    assert board.context(made.frame_bytes, interval)
    with pytest.raises(InputError, match="generate it with more multipliers"):
        board.context(made.frame_bytes, interval + 1)


@pytest.mark.parametrize(("feedback", "reference", "output"), [(2, 1, 12), (3, 1, 8), (8, 5, 15)])
def test_plls_are_legal(feedback: int, reference: int, output: int) -> None:
    """The oscillator within 400 to 800 MHz, the phase detector at 10 MHz or more would be 3.125 at least."""
    pll = Pll(feedback, reference, output)
    assert 400 <= pll.oscillator_mhz <= 800
    assert pll.mhz * reference == 25 * feedback
