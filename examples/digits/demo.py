"""The whole path on a really trained network: fuse, quantize, Verilog, RTL simulation, one table.

    make demo                                   or, in the environment:
    python -m examples.digits.demo [--images N] [--multipliers N] [--output DIR]

Every step is a command that can be typed; this script types them, then sets side by side what they found.
Last the same integers run on an engine, the other architecture, on a few of the images.
Exit codes are the commands': 0 proven, 1 a check failed, 2 wrong usage or input.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from examples.digits import data
from repvgg_hw import design
from repvgg_hw.design import results

CHECKPOINT = Path(os.path.relpath(Path(__file__).with_name("digits.safetensors")))
MIN_IMAGES = 3
ENGINE_MULTIPLIERS = 100  # budget of the engine, which is the smaller of the two
ENGINE_IMAGES = 8  # at most: it takes longer for each
PREPROCESSING = ("--mean", data.MEAN, "--std", data.STD)


@dataclass(frozen=True)
class Outcome:
    """What the demo's table says. Top-1 is a share of `images`, which are the same in every row."""

    images: int
    float_top1: float
    golden_top1: float
    rtl_top1: float
    bit_exact: int
    planned_cycles: int
    simulated_cycles: int
    multipliers: int
    utilization: float


@dataclass(frozen=True)
class EngineOutcome:
    """What the table says of the engine, on the first of the same images."""

    images: int
    bit_exact: int
    planned_cycles: int
    simulated_cycles: int
    multipliers: int


def repvgg_hw(*arguments: object, output: Path | None = None) -> None:
    """Run one command, shown as a user would type it, its output to a file if given; end if it fails."""
    words = [str(argument) for argument in arguments]
    print(f"\n$ repvgg-hw {' '.join(words)}" + (f" > {output}" if output else ""), flush=True)
    done = subprocess.run(
        [sys.executable, "-m", "repvgg_hw", *words], stdout=subprocess.PIPE if output else None, check=False
    )
    if done.returncode:
        sys.exit(done.returncode)
    if output:
        output.write_bytes(done.stdout)


def run(folder: Path, images: int | None, multipliers: int) -> Outcome:
    """The whole path into folder, on so many test images, all where None."""
    paths = data.write(folder)
    test, calibration = paths["test"], ("--calibration", paths["calibration"])
    evaluation, built = folder / "evaluation.json", folder / "design"
    limit = () if images is None else ("--limit", images)
    repvgg_hw("fuse", CHECKPOINT, "-o", folder / "fused.safetensors")
    repvgg_hw(
        "evaluate", CHECKPOINT, "--data", test, *limit, *calibration, *PREPROCESSING, "--json",
        output=evaluation,
    )  # fmt: skip
    repvgg_hw(
        "generate", "--weights", CHECKPOINT, "--target", "verilog", "-o", built, "--force",
        "--input-size", data.SIZE, *calibration, *PREPROCESSING, "--multipliers", multipliers,
    )  # fmt: skip
    repvgg_hw("simulate", built, "--images", test, *limit)
    return outcome(evaluation, built)


def run_engine(folder: Path, images: int | None) -> EngineOutcome:
    """The same integers on the other architecture: one array for all layers, weights and maps in DRAM."""
    built, limit = folder / "engine", min(ENGINE_IMAGES, images or ENGINE_IMAGES)
    repvgg_hw(
        "generate", "--integers", folder / "design" / "network.npz", "--architecture", "engine",
        "--multipliers", ENGINE_MULTIPLIERS, "-o", built, "--force",
    )  # fmt: skip
    repvgg_hw("simulate", built, "--images", folder / "test.npz", "--limit", limit)
    plan, simulated = design.load(built).plan, results.load(built)
    assert simulated is not None
    assert simulated.frame_interval is not None
    return EngineOutcome(
        simulated.images, simulated.bit_exact, plan.frame_interval, simulated.frame_interval, plan.multipliers
    )


def outcome(evaluation: Path, built: Path) -> Outcome:
    """Read what `evaluate` and `simulate` wrote; both must have seen the same integer model."""
    (method,) = json.loads(evaluation.read_text())["methods"]
    plan, simulated = design.load(built).plan, results.load(built)
    assert simulated is not None
    assert simulated.top1_golden is not None
    assert simulated.top1_simulated is not None
    assert simulated.frame_interval is not None
    integer = method["integer"]
    if integer["images"] != simulated.images or integer["correct"] != round(
        simulated.top1_golden * simulated.images
    ):
        sys.exit(f"error: {evaluation} and {built / results.FILE} are of different images or networks")
    return Outcome(
        images=simulated.images,
        float_top1=method["float"]["correct"] / method["float"]["images"],
        golden_top1=simulated.top1_golden,
        rtl_top1=simulated.top1_simulated,
        bit_exact=simulated.bit_exact,
        planned_cycles=plan.frame_interval,
        simulated_cycles=simulated.frame_interval,
        multipliers=plan.multipliers,
        utilization=plan.utilization,
    )


def table(outcome: Outcome, engine: EngineOutcome) -> Table:
    """The demo's result."""
    o, e = outcome, engine
    result = Table(title=f"RepVGG on {o.images} handwritten digits that it never saw", show_header=False)
    result.add_column()
    result.add_column(justify="right")
    result.add_row("top-1, float32 network as trained", f"{o.float_top1:.2%}")
    result.add_row("top-1, golden integer model", f"{o.golden_top1:.2%}")
    result.add_row("top-1, RTL", f"{o.rtl_top1:.2%}", end_section=True)
    result.add_row("images bit-exact, every layer", f"{o.bit_exact} of {o.images}", end_section=True)
    result.add_row("cycles per frame, planned", f"{o.planned_cycles:,}")
    result.add_row("cycles per frame, simulated", f"{o.simulated_cycles:,}", end_section=True)
    result.add_row("multipliers", f"{o.multipliers:,}")
    result.add_row("their use", f"{o.utilization:.1%}", end_section=True)
    result.add_row("on an engine: images bit-exact", f"{e.bit_exact} of {e.images}")
    result.add_row("cycles per frame, planned", f"{e.planned_cycles:,}")
    result.add_row("cycles per frame, simulated", f"{e.simulated_cycles:,}")
    result.add_row("multipliers", f"{e.multipliers:,}")
    return result


def main(arguments: list[str] | None = None) -> None:
    """Parse the options, run, print the table."""
    parser = argparse.ArgumentParser(
        description="From a trained RepVGG to its proven RTL, on handwritten digits."
    )
    parser.add_argument("--images", type=int, help="test images to simulate [default: all 356]")
    parser.add_argument("--multipliers", type=int, default=640, help="budget [default: 640]")
    parser.add_argument(
        "--output", type=Path, default=Path("build") / "digits", help="folder [default: build/digits]"
    )
    options = parser.parse_args(arguments)
    if options.images is not None and options.images < MIN_IMAGES:
        parser.error(f"--images must be at least {MIN_IMAGES}: fewer show no steady frame interval")
    found = run(options.output, options.images, options.multipliers)
    engine = run_engine(options.output, options.images)
    print()
    Console().print(table(found, engine))


if __name__ == "__main__":
    main()
