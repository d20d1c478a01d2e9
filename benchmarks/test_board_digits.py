"""The drivers that ship, against the whole digits design in RTL, on a PYNQ-Z2 and on a ULX3S."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "support"))
import serial_board_bench  # noqa: E402
from board_bench import BoardBench  # noqa: E402
from digits_design import digits  # noqa: E402

from repvgg_hw.board import boards  # noqa: E402
from repvgg_hw.board.wrapper import wrap  # noqa: E402

ULX3S = boards.Ulx3s(silence_ms=0.5)


def test_driver_on_digits(tmp_path: Path) -> None:
    """PYNQ-Z2: 32 images by registers and DMA, random pauses on every port, every error, abort and reset."""
    design, images = digits(tmp_path, 640, 32)
    bench = BoardBench(wrap(design, boards.get("pynq-z2"), 3, True), tmp_path)
    bench.build("-O2")
    passed, log = bench.run(images)
    assert passed, log[-4000:]
    assert "broken" not in log


def test_digits_on_ulx3s(tmp_path: Path) -> None:
    """ULX3S: 16 images at the pins, at the line's real speed: 50 cycles a bit, 8 million cycles."""
    design, images = digits(tmp_path, 128, 16)
    made = wrap(design, ULX3S, 1, True)
    serial_board_bench.build(made, tmp_path, "-O2")
    passed, log = serial_board_bench.run(made, tmp_path, images)
    assert passed, log[-4000:]
    assert "broken" not in log
