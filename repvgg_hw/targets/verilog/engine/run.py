"""Build an engine's bench once, and run it: any image, a batch of frames back to back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from repvgg_hw.errors import InputError
from repvgg_hw.files import emptied, sim_dir
from repvgg_hw.plan.engine.machine import Write
from repvgg_hw.progress import Progress, silent
from repvgg_hw.targets.verilog.emit import listed_sources
from repvgg_hw.targets.verilog.engine import memory
from repvgg_hw.targets.verilog.engine.bench import FRAMES, WATCHDOG_CYCLES
from repvgg_hw.targets.verilog.engine.emit import BENCH_SOURCES
from repvgg_hw.targets.verilog.engine.expected import golden_values
from repvgg_hw.targets.verilog.engine.job import Job
from repvgg_hw.targets.verilog.simulator import recording, verilator
from repvgg_hw.targets.verilog.simulator.promises import ASSERTIONS

LATENCY = (20, 200)  # cycles of the memory, under stalls
MEMORY_BEAT = 8  # bytes, in which the model of the memory counts its rate
BACK_PRESSURE = 20  # per cent of cycles in which a channel begins to pause, under stalls


@dataclass(frozen=True)
class Waves:
    """A VCD to record in a run that proves nothing, within a window of cycles."""

    file: Path
    window: tuple[int, int]

    @property
    def plusargs(self) -> list[str]:
        first, last = self.window
        return [f"+waves={self.file}", f"+waves_from={first}", f"+waves_to={last}"]


@dataclass(frozen=True)
class Run:
    """What one run of the bench left: its log, and what it was to write."""

    job: Job
    lines: tuple[str, ...]
    ended: bool
    writes: Mapping[str, Sequence[tuple[int, Write]]]  # of maps, and of logits
    first: int  # of its images
    images: int

    def cycles(self, name: str) -> list[int]:
        """Of the run, in which each frame's maps were stored (`stored`), or it was done (`frame`)."""
        return [int(line.split()[1]) for line in self.lines if line.startswith(f"{name} ")]

    def words(self, name: str) -> list[str] | None:
        """The first line of that name, its words behind the name."""
        return next((line.split()[1:] for line in self.lines if line.split()[:1] == [name]), None)


def sources(directory: Path) -> list[Path]:
    """What Verilator compiles. Raises InputError where a file is missing, or the list names no source."""
    names = [*listed_sources(directory), *(f"sim/{name}" for name in (*BENCH_SOURCES, "bench.sv"))]
    for name in names:
        if not (directory / name).is_file():
            raise InputError(f"{directory / name} is missing or no source of a design: generate it again")
    return [sim_dir() / "engine.vlt", *(directory / name for name in names)]


def build(
    directory: Path,
    optimize: str,
    size: int | None = None,
    *,
    trace: bool = False,
    progress: Progress = silent,
) -> Path:
    """The folder of the simulator of the engine in directory, compiled where it is not there yet.

    size  bytes of its memory, where what the bench begins with is not enough; trace: for waves
    """
    names = ["sim", *(["waves"] if trace else []), *([str(size)] if size else [])]
    place = directory.resolve() / "build" / "_".join(names)
    parameters = {} if size is None else {"SIZE": size}
    verilator.build(
        sources(directory), "bench", place, parameters=parameters, optimize=optimize,
        arguments=(*ASSERTIONS, *recording.PLAIN) if trace else ASSERTIONS, trace=trace, progress=progress,
    )  # fmt: skip
    return place


def run(
    simulator: Path,
    job: Job,
    images: NDArray[np.integer],
    work: Path,
    *,
    first: int = 0,
    stalls: int = 0,
    waves: Waves | None = None,
) -> Run:
    """One run over a batch of images (N, C, H, W), at most FRAMES, numbered from `first` on, in folder work.

    stalls  seed of the memory's latencies and pauses, 0 for a memory of 8 cycles without pauses; its rate
            is the job's
    waves   to record, by a simulator that was built with `trace`; the log is then waves.log
    Raises CheckFailed where the image's program is not one of the network.
    """
    data, log, counts = emptied(work / "data"), work / "check.log", work / "check.run"
    if waves is not None:
        log, counts = work / "waves.log", work / "waves.run"
    log.unlink(missing_ok=True)
    counts.unlink(missing_ok=True)
    where, machine = memory.places(job.schedule, FRAMES), job.machine
    writes, sums = memory.expected(machine, images)
    golden_values(job, writes, sums, images)
    (data / "memory.bin").write_bytes(memory.memory(machine, images, where, job.loaded))
    kinds = {kind: [one for one in writes if job.kind(one[1]) == kind] for kind in job.beats}
    for kind, own in kinds.items():
        memory.save_writes(data / f"{kind}.bin", own, machine, where)
    memory.save_sums(data / "sums.bin", [frame[: job.pooled] for frame in sums])
    plusargs = [f"+data={data}", f"+log={log}", f"+sums={job.pooled}", f"+outputs={where.output}"]
    plusargs += [
        f"+dram_load0={data / 'memory.bin'}",
        f"+beats_num={job.memory_bytes}",
        f"+beats_den={MEMORY_BEAT}",
    ]
    if stalls:
        plusargs += [f"+seed={stalls}", f"+latency_min={LATENCY[0]}", f"+latency_max={LATENCY[1]}"]
        plusargs += [f"+back_pressure={BACK_PRESSURE}"]
    plusargs += waves.plusargs if waves is not None else []
    ended = verilator.run(
        simulator, "bench", "tb_engine", modules_path=sim_dir(), work=work, plusargs=plusargs,
        environment={
            "REPVGG_HW_PROGRESS": str(log.with_suffix(".progress")),
            "REPVGG_HW_COUNTS": str(counts),
            "REPVGG_HW_RUN": json.dumps(registers(where, len(images))),
            **verilator.SPEAKING,
        },
        results=log.with_suffix(".xml"), log=log.with_suffix(".out"),
    )  # fmt: skip
    lines = tuple(line for path in (log, counts) if path.is_file() for line in path.read_text().splitlines())
    return Run(job, lines, ended, kinds, first, len(images))


def registers(where: memory.Places, frames: int) -> dict[str, int]:
    """What the registers of a run are written with; the image lies at address 0 of the bench's memory."""
    return {
        "IMAGE": 0,
        "MAPS": where.maps,
        "INPUT": where.input,
        "OUTPUT": where.output,
        "INPUT_STRIDE": where.input_stride,
        "OUTPUT_STRIDE": where.output_stride,
        "FRAMES": frames,
        "WATCHDOG": WATCHDOG_CYCLES,
    }
