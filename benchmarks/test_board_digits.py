"""The driver that ships, against the whole digits design in RTL: 32 images, pauses on every port."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "support"))
from board_bench import BoardBench  # noqa: E402
from click.testing import CliRunner  # noqa: E402

from examples.digits import data  # noqa: E402
from repvgg_hw import design as designs  # noqa: E402
from repvgg_hw.board.wrapper import wrap  # noqa: E402
from repvgg_hw.cli import main  # noqa: E402

IMAGES = 32


def test_driver_on_digits(tmp_path: Path) -> None:
    paths = data.write(tmp_path)
    checkpoint = ROOT / "examples" / "digits" / "digits.safetensors"
    words = [
        *("generate", "--weights", checkpoint, "-o", tmp_path / "design", "--input-size", data.SIZE),
        *("--calibration", paths["calibration"], "--mean", data.MEAN, "--std", data.STD),
        *("--multipliers", 640),
    ]
    made = CliRunner().invoke(main, [str(word) for word in words])
    assert made.exit_code == 0, made.output
    bench = BoardBench(wrap(designs.load(tmp_path / "design"), 3, True), tmp_path)
    bench.build("-O2")
    with np.load(paths["test"]) as test:
        images = test["images"][:IMAGES]
    passed, log = bench.run(images)
    assert passed, log[-4000:]
    assert "broken" not in log
