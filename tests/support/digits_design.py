"""The digits design of the example, as a user generates it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from click.testing import CliRunner
from numpy.typing import NDArray

from examples.digits import data
from repvgg_hw import design as designs
from repvgg_hw.cli import main
from repvgg_hw.design import Design

ROOT = Path(__file__).resolve().parents[2]


def digits(folder: Path, multipliers: int, count: int) -> tuple[Design[Any], NDArray[np.uint8]]:
    """The digits design at a budget of multipliers, and so many test images."""
    paths = data.write(folder)
    checkpoint = ROOT / "examples" / "digits" / "digits.safetensors"
    words = [
        *("generate", "--weights", checkpoint, "-o", folder / "design", "--input-size", data.SIZE),
        *("--calibration", paths["calibration"], "--mean", data.MEAN, "--std", data.STD),
        *("--multipliers", multipliers),
    ]
    made = CliRunner().invoke(main, [str(word) for word in words])
    assert made.exit_code == 0, made.output
    with np.load(paths["test"]) as test:
        return designs.load(folder / "design"), test["images"][:count]
