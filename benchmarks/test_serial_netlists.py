"""The netlist of a whole top behind a serial line, pin to pin: PLL, line, network, as nextpnr gets it."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "support"))
import serial_board_bench  # noqa: E402
from board_network import wrapper  # noqa: E402
from digits_design import digits  # noqa: E402

from repvgg_hw.board.boards import OrangeCrab, Serial, Ulx3s  # noqa: E402
from repvgg_hw.board.wrapper import wrap  # noqa: E402

pytest.importorskip("pyosys", reason="pyosys is not installed: pip install repvgg-hw[synth]")
IMAGES = np.random.default_rng(3).integers(0, 256, (2, 7, 6, 3), dtype=np.uint8)
BOARDS = [Ulx3s(clocks_per_bit=16, silence_ms=0.2), OrangeCrab(clocks_per_bit=16, silence_ms=0.2)]


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.suffix)
def test_netlist_pin_to_pin(tmp_path: Path, board: Serial) -> None:
    """A small network: everything that the RTL's bench does, noise and a reset within a frame included."""
    made = wrapper(tmp_path, board, 2)
    serial_board_bench.build_netlist(made, tmp_path)
    passed, log = serial_board_bench.run(made, tmp_path, IMAGES)
    assert passed, log[-4000:]


def test_a_fault_is_found(tmp_path: Path) -> None:
    """One multiplier whose lowest output bit is stuck."""

    def stuck(text: str) -> str:
        faulty, count = re.subn(r"(MULT18X18D #\([^;]*?\.P0\()[^)]+\)", r"\1)", text, count=1)
        assert count == 1
        return faulty

    made = wrapper(tmp_path, BOARDS[0], 2)
    serial_board_bench.build_netlist(made, tmp_path, fault=stuck)
    passed, _ = serial_board_bench.run(made, tmp_path, IMAGES, only="images_over_the_line")
    assert not passed


def test_digits_netlist(tmp_path: Path) -> None:
    """The netlist of `make ulx3s` whole: a digit at its pins at the line's real speed, 636,000 cycles."""
    design, images = digits(tmp_path, 128, 1)
    made = wrap(design, Ulx3s(), 1, True)
    serial_board_bench.build_netlist(made, tmp_path, "-O1")
    passed, log = serial_board_bench.run(made, tmp_path, images, only="images_over_the_line")
    assert passed, log[-4000:]
