"""Simulate an emitted engine with a DRAM image, whole frames, and compare every write with golden.

The two sides: the RTL, which reads the image from the folder; and golden.trace of the network, laid out in
memory by the schedule. That the schedule's own machine agrees with golden is checked first, write by write.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from repvgg_hw import golden
from repvgg_hw.design import Design
from repvgg_hw.design.results import SimulationResult
from repvgg_hw.plan.engine.plan import EnginePlan
from repvgg_hw.targets.target import Progress
from repvgg_hw.targets.verdict import share_correct
from repvgg_hw.targets.verilog.engine import judge
from repvgg_hw.targets.verilog.engine.bench import FRAMES
from repvgg_hw.targets.verilog.engine.emit import IMAGE, differing_image
from repvgg_hw.targets.verilog.engine.job import Job
from repvgg_hw.targets.verilog.engine.run import Run, build, run
from repvgg_hw.targets.verilog.simulator.promises import broken_promise

LONG_FRAME = 100_000  # cycles: from there on, a simulator that is compiled well is worth its time


def optimization(plan: EnginePlan) -> str:
    """Of the simulator's compilation."""
    return "-O2" if plan.frame_interval > LONG_FRAME else "-O0"


def simulate(
    design: Design[EnginePlan],
    images: NDArray[np.int8],
    *,
    labels: NDArray[np.int64] | None = None,
    stalls: int = 0,
    progress: Progress,
) -> SimulationResult:
    """Run images (N, C, H, W) int8 through the engine, up to FRAMES of them back to back.

    stalls: seed of the memory's latencies and pauses, 0 for a memory of 8 cycles without pauses
    Raises InputError for a missing tool or file. Differences are in the result, not raised.
    """
    work = design.directory.resolve() / "build"
    work.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    progress(0.0, "building the simulator")
    differing = differing_image(design)
    job = Job(design.plan.schedule, (design.directory / IMAGE).read_bytes())
    simulator = build(design.directory, optimization(design.plan))
    built = time.monotonic()
    runs, problems = [], [f"{layer}: {message}" for layer, message in differing]
    for first in range(0, len(images), FRAMES):
        progress(first / len(images), f"image {first} of {len(images)}")
        runs.append(run(simulator, job, images[first : first + FRAMES], work, first=first, stalls=stalls))
        problems += _problems(runs[-1], work)
    layers = tuple(judge.layers(runs, design.plan.layers, len(images)))
    problems += [layer.problem for layer in layers if layer.problem]
    bad = {image for layer in layers for image in layer.bad_frames}
    done = runs[0].words("done")
    expected = np.concatenate([golden.forward(one[None], design.network) for one in images])
    top1 = share_correct(expected, labels) if design.network.linear is not None else None
    return SimulationResult(
        target=design.target,
        mode="network",
        images=len(images),
        bit_exact=0 if problems and not bad else len(images) - len(bad),
        stalls=stalls,
        layers=layers,
        problems=tuple(problems),
        planned_interval=design.plan.frame_interval,
        frame_interval=None if done is None else int(done[1]) // min(len(images), FRAMES),
        build_seconds=built - started,
        run_seconds=time.monotonic() - built,
        top1_golden=top1,
        top1_simulated=None if problems else top1,
        notes=tuple(judge.notes(runs)),
    )


def _problems(done: Run, work: Path) -> list[str]:
    """What is wrong with a run beside its values."""
    broken = broken_promise(work / "check.out", {})
    return [*([broken] if broken else []), *judge.ends_badly(done)]
