"""Simulate an emitted engine with a DRAM image, whole frames, and compare every write with golden.

The two sides: the RTL, which reads the image from the folder; and golden.trace of the network, laid out in
memory by the schedule. That the schedule's own machine agrees with golden is checked first, write by write.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from repvgg_hw import golden
from repvgg_hw.design import Design
from repvgg_hw.design.proven import Proven
from repvgg_hw.design.results import SimulationResult
from repvgg_hw.errors import CheckFailed
from repvgg_hw.plan.engine.image import parse
from repvgg_hw.plan.engine.plan import EnginePlan
from repvgg_hw.progress import Progress, silent
from repvgg_hw.targets.verdict import share_correct
from repvgg_hw.targets.verilog.engine import judge
from repvgg_hw.targets.verilog.engine.bench import FRAMES, memory_bytes
from repvgg_hw.targets.verilog.engine.emit import differences, found_image
from repvgg_hw.targets.verilog.engine.job import Job
from repvgg_hw.targets.verilog.engine.memory import places
from repvgg_hw.targets.verilog.engine.run import Run, Waves, build, run
from repvgg_hw.targets.verilog.engine.watch import Watch
from repvgg_hw.targets.verilog.simulator import recording
from repvgg_hw.targets.verilog.simulator.promises import broken_promise
from repvgg_hw.targets.verilog.watch import lead_in

LONG_FRAME = 100_000  # cycles: from there on, a simulator that is compiled well is worth its time


def optimization(plan: EnginePlan) -> str:
    """Of the simulator's compilation."""
    return "-O2" if plan.frame_interval > LONG_FRAME else "-O0"


def simulator_of(
    hardware: Design[EnginePlan], jobs: Sequence[Job], *, trace: bool = False, progress: Progress = silent
) -> Path:
    """Built where it is not there yet; with the memory that the jobs take, where its own is less."""
    own = memory_bytes(hardware.plan.schedule)
    needed = max(places(job.schedule, FRAMES).size for job in jobs)
    size = needed if needed > own else None
    return build(hardware.directory, optimization(hardware.plan), size, trace=trace, progress=progress)


def simulate(
    design: Design[EnginePlan],
    images: NDArray[np.int8],
    *,
    hardware: Design[EnginePlan] | None = None,
    labels: NDArray[np.int64] | None = None,
    stalls: int = 0,
    state: str | None = None,
    fresh: bool = False,
    waves: tuple[int, int | None] | None = None,
    progress: Progress,
) -> SimulationResult:
    """Run images (N, C, H, W) int8 through the engine, up to FRAMES of them back to back.

    hardware: whose sources are simulated, those of the design itself where None; its simulator is kept there
    stalls: seed of the memory's latencies and pauses, 0 for a memory of 8 cycles without pauses
    state, fresh: see `ProofOptions`; the images that an interrupted run has proven are not run again, but for
    the last of them, behind which the others come
    waves: a window of cycles, in which all is recorded; a second run of the first FRAMES images does
    Raises InputError for a missing tool or file, CheckFailed for an image whose program is not the network's.
    Differences are in the result, not raised.
    """
    work = design.directory.resolve() / "build"
    work.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    job, differing = _job(design)
    simulator = simulator_of(hardware or design, [job], progress=progress)
    built = time.monotonic()
    proven = Proven(work, images, state, ("engine", stalls), fresh=fresh or waves is not None)
    runs, problems = list[Run](), [f"{layer}: {message}" for layer, message in differing]
    for first in range(lead_in(proven.images, len(images), 1), len(images), FRAMES):
        batch = images[first : first + FRAMES]
        with Watch(work / "check.log", job, proven, first, len(batch), progress) as watch:
            runs.append(run(simulator, job, batch, work, first=first, stalls=stalls))
        problems += (wrong := _problems(runs[-1], watch, work))
        if wrong or judge.exact(runs[-1]) < len(batch):
            break
    noted = list(proven.note)
    if waves is not None:
        progress(0.999, "recording waves")
        recorder = simulator_of(hardware or design, [job], trace=True)
        wanted = Waves(work / "engine.vcd", recording.limited(waves, recording.INSIDE_CYCLES))
        wanted.file.unlink(missing_ok=True)
        run(recorder, job, images[:FRAMES], work, stalls=stalls, waves=wanted)
        noted.append(recording.finish(wanted.file, wanted.window))
    layers = tuple(judge.layers(runs, design.plan.layers))
    differ = [layer.problem for layer in layers if layer.problem]
    if not watch.ended_from_outside:  # else what was proven is kept
        proven.forget()
    interval, alone = _cycles(runs[0])
    if alone is not None:
        noted.append(f"one frame alone: {alone:,} cycles, planned {design.plan.latency_estimate:,}")
    expected = np.concatenate([golden.forward(one[None], design.network) for one in images])
    top1 = share_correct(expected, labels) if design.network.linear is not None else None
    return SimulationResult(
        target=design.target,
        mode="network",
        images=len(images),
        bit_exact=0 if problems and not differ else runs[0].first + sum(map(judge.exact, runs)),
        stalls=stalls,
        layers=layers,
        problems=(*problems, *differ),
        planned_interval=design.plan.frame_interval,
        frame_interval=interval,
        latency_cycles=alone,
        build_seconds=built - started,
        run_seconds=time.monotonic() - built,
        top1_golden=top1,
        top1_simulated=None if problems or differ else top1,
        notes=(*noted, *judge.notes(runs)),
    )


def _job(design: Design[EnginePlan]) -> tuple[Job, list[tuple[str, str]]]:
    """What is to run, with the bytes of the folder's image, and where these are not the network's."""
    job = Job.of(design.plan.schedule, memory_bytes=design.plan.memory_bytes)
    found = found_image(design.directory, job.image)
    parse(found, design.plan.array)
    weights = design.plan.schedule.weight_addresses[0]
    if found[:weights] != job.image[:weights]:  # it may do anything, and for ever
        _, message = differences(design.plan, found, job.image)[0]
        raise CheckFailed(f"{message}, nor is its program: not simulated; generate the design again")
    return replace(job, loaded=found), differences(design.plan, found, job.image)


def _cycles(done: Run) -> tuple[int | None, int | None]:
    """(from frame to frame, of a frame alone): of a run of several frames the first, else the second.

    From frame to frame, since a frame's linear layer is beside the next one's first layers, and the last
    frame's beside none.
    """
    if not done.ended:
        return None, None
    stored = done.cycles("stored")
    if len(stored) > 1:
        return (stored[-1] - stored[0]) // (len(stored) - 1), None
    return None, next(iter(done.cycles("frame")), None)


def _problems(done: Run, watch: Watch, work: Path) -> list[str]:
    """What is wrong with a run, its values aside."""
    if watch.ended_from_outside:
        return ["the simulator was ended from outside, run again to go on: see build/check.out"]
    broken = broken_promise(work / "check.out", {})
    return [*([broken] if broken else []), *judge.ends_badly(done)]
