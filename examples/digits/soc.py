"""A whole system on the trained network, simulated: RISC-V CPU, DRAM, accelerator, firmware in C.

    make soc                                    or, in the environment with the extra `soc`:
    python -m examples.digits.soc [--architecture engine] [--images N] [--multipliers N] [--output DIR]

The firmware copies each image to DRAM, runs the accelerator by its driver and prints classes and logits; each
must be golden's. Exit codes: 0 all are, 1 one is not or a tool failed, 2 a package is missing or wrong usage.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from examples.digits import data
from examples.digits.demo import CHECKPOINT, PREPROCESSING, repvgg_hw
from repvgg_hw import design as designs
from repvgg_hw.board import boards
from repvgg_hw.board.soc import simulate
from repvgg_hw.board.soc.console import Outcome
from repvgg_hw.board.wrap import wrap
from repvgg_hw.errors import RepVGGHWError

IMAGES = 16


def run(folder: Path, architecture: str, images: int, multipliers: int) -> tuple[Outcome, NDArray[np.int64]]:
    """The first test images through the SoC, all built below the folder: the outcome, and what they show."""
    simulate.check_packages()
    paths = data.write(folder)
    repvgg_hw(
        "generate", "--weights", CHECKPOINT, "--target", "verilog", "-o", folder / "design", "--force",
        "--input-size", data.SIZE, "--calibration", paths["calibration"], *PREPROCESSING,
        "--multipliers", multipliers, "--architecture", architecture,
    )  # fmt: skip
    with np.load(paths["test"]) as test:
        pixels, labels = test["images"][:images], test["labels"][:images]
    wrapped = wrap(designs.load(folder / "design"), boards.get("litex"), 1)
    assert isinstance(wrapped, simulate.Board)
    print(f"\nbuilding the SoC below {folder}: LiteX, firmware, simulator", flush=True)
    simulate.build(wrapped, pixels, folder)
    print("running it", flush=True)
    return simulate.run(wrapped, pixels, folder), labels.astype(np.int64)


def table(outcome: Outcome, labels: NDArray[np.int64]) -> Table:
    """What came of it."""
    count = len(labels)
    result = Table(title="LiteX, VexRiscv, LiteDRAM, accelerator: simulated", show_header=False)
    result.add_column()
    result.add_column(justify="right")
    result.add_row("digits", " ".join(map(str, labels)))
    result.add_row("classes that the firmware printed", " ".join(map(str, outcome.classes)), end_section=True)
    result.add_row("images whose class and logits are golden's", f"{count} of {count}")
    result.add_row("cycles of an image, a run of its own", f"{outcome.cycles.max():,}")
    result.add_row(f"cycles of all {count} in one run", f"{outcome.batch:,}")
    result.add_row("cycles of the system, copying and printing too", f"{outcome.uptime:,}")
    return result


def main(arguments: list[str] | None = None) -> None:
    """Parse the options, run, print the table."""
    parser = argparse.ArgumentParser(description="Handwritten digits on a simulated system.")
    parser.add_argument(
        "--architecture", choices=("stream", "engine"), default="stream", help="[default: stream]"
    )
    parser.add_argument("--images", type=int, default=IMAGES, help=f"how many [default: {IMAGES}]")
    parser.add_argument("--multipliers", type=int, default=128, help="budget [default: 128]")
    parser.add_argument(
        "--output", type=Path, default=Path("build") / "soc", help="folder [default: build/soc]"
    )
    options = parser.parse_args(arguments)
    if options.images < 1:
        parser.error("--images must be at least 1")
    start = time.monotonic()
    try:
        outcome, labels = run(options.output, options.architecture, options.images, options.multipliers)
    except RepVGGHWError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    print()
    Console().print(table(outcome, labels))
    print(f"{time.monotonic() - start:.0f} s in all")


if __name__ == "__main__":
    main()
