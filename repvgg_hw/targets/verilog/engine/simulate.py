"""Simulate an emitted engine with its DRAM image, whole frames, and compare every write with golden.

The two sides: the RTL, which reads engine.bin from the folder; and golden.trace of the network, laid out in
memory by the schedule. That the schedule's own machine agrees with golden is checked first, write by write.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from repvgg_hw import golden
from repvgg_hw.design import Design
from repvgg_hw.design.folder import read_table
from repvgg_hw.design.results import Divergence, LayerResult, SimulationResult
from repvgg_hw.errors import CheckFailed, InputError
from repvgg_hw.files import sim_dir
from repvgg_hw.network import IntegerNetwork
from repvgg_hw.plan.engine import codes
from repvgg_hw.plan.engine.machine import Machine, Write
from repvgg_hw.plan.engine.plan import EnginePlan
from repvgg_hw.targets.target import Progress
from repvgg_hw.targets.verdict import share_correct
from repvgg_hw.targets.verilog.engine import memory
from repvgg_hw.targets.verilog.engine.bench import FRAMES
from repvgg_hw.targets.verilog.engine.emit import BENCH_SOURCES, IMAGE, differing_image
from repvgg_hw.targets.verilog.simulator import verilator
from repvgg_hw.targets.verilog.simulator.promises import ASSERTIONS, broken_promise

LATENCY = (20, 200)  # cycles of the memory, under stalls
LONG_FRAME = 100_000  # cycles: from there on, a simulator that is compiled well is worth its time
BACK_PRESSURE = 20  # per cent of cycles in which a channel begins to pause, under stalls


@dataclass(frozen=True)
class Run:
    """What one run of the bench left: its log, and what it was to write."""

    lines: tuple[str, ...]
    ended: bool
    writes: Sequence[tuple[int, Write]]
    first: int  # of its images

    def words(self, name: str) -> list[str] | None:
        """The first line of that name, its words behind the name."""
        return next((line.split()[1:] for line in self.lines if line.split()[:1] == [name]), None)


def sources(design: Design[EnginePlan]) -> list[Path]:
    """What Verilator compiles. Raises InputError where a file is missing."""
    directory = design.directory
    listed = read_table(directory, "files.f").split()
    names = [*listed, *(f"sim/{name}" for name in (*BENCH_SOURCES, "bench.sv"))]
    for name in names:
        if not name.startswith(("rtl/", "sim/")) or ".." in name or not (directory / name).is_file():
            raise InputError(f"{directory / name} is missing or no source of a design: generate it again")
    return [sim_dir() / "engine.vlt", *(directory / name for name in names)]


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
    optimize = "-O2" if design.plan.frame_interval > LONG_FRAME else "-O0"
    verilator.build(sources(design), "bench", work / "sim", arguments=ASSERTIONS, optimize=optimize)
    built = time.monotonic()
    image = (design.directory / IMAGE).read_bytes()
    machine = Machine(design.plan.array, image)
    runs, problems = [], [f"{layer}: {message}" for layer, message in differing]
    for first in range(0, len(images), FRAMES):
        progress(first / len(images), f"image {first} of {len(images)}")
        batch = images[first : first + FRAMES]
        runs.append(_run(design, machine, batch, first, work, stalls))
        broken = broken_promise(work / "check.out", {})
        problems += [broken] if broken else []
        problems += list(_ends_badly(runs[-1]))
    layers = tuple(_layers(design, runs, len(images)))
    problems += [layer.problem for layer in layers if layer.problem]
    bad = {image for layer in layers for image in layer.bad_frames}
    done = runs[0].words("done") if runs else None
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
        notes=tuple(_notes(design, runs, stalls)),
    )


def _run(
    design: Design[EnginePlan],
    machine: Machine,
    images: NDArray[np.int8],
    first: int,
    work: Path,
    stalls: int,
) -> Run:
    """One run of the bench over a batch of images."""
    data, log = work / "data", work / "check.log"
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir()
    log.unlink(missing_ok=True)
    where = memory.places(machine, FRAMES)
    writes, sums = memory.expected(machine, images)
    expected_from_golden(design, writes, sums, images)
    (data / "memory.bin").write_bytes(memory.memory(machine, images, where))
    memory.save_writes(data / "writes.bin", writes, machine, where)
    channels = design.plan.schedule.layers[-1].shape.c_out
    memory.save_sums(data / "sums.bin", [frame[:channels] for frame in sums])
    plusargs = [
        f"+data={data}",
        f"+log={log}",
        f"+frames={len(images)}",
        f"+dram_load0={data / 'memory.bin'}",
    ]
    if stalls:
        plusargs += [f"+seed={stalls}", f"+latency_min={LATENCY[0]}", f"+latency_max={LATENCY[1]}"]
        plusargs += [f"+back_pressure={BACK_PRESSURE}"]
    ended = verilator.run(
        work / "sim", "bench", "tb_engine", modules_path=sim_dir(), work=work, plusargs=plusargs,
        environment={"REPVGG_HW_PROGRESS": str(work / "check.progress")},
        results=log.with_suffix(".xml"), log=log.with_suffix(".out"),
    )  # fmt: skip
    lines = tuple(log.read_text().splitlines()) if log.is_file() else ()
    return Run(lines, ended, writes, first)


def expected_from_golden(
    design: Design[EnginePlan],
    writes: Sequence[tuple[int, Write]],
    sums: Sequence[NDArray[np.int64]],
    images: NDArray[np.int8],
) -> None:
    """Put golden's values into what is expected, wherever a byte means something: it alone defines them.

    Raises CheckFailed where the program does not write every value of every map once.
    """
    plan, network = design.plan.schedule, design.network
    layers = {layer.shape.name: layer for layer in plan.layers}
    for frame, image in enumerate(images):
        outputs = dict(golden.trace(image[None], network))
        left = {name: out.size for name, out in outputs.items() if name in layers and layers[name].stored}
        for write in (one for number, one in writes if number == frame):
            name, strip = plan.place(write.instruction)
            if strip is None:
                _put_logits(write, outputs[name][0])
                continue
            m, count = layers[name].kind.m, int(write.mask.sum())
            row, column = strip.y * m + write.row, strip.x * m
            write.data[write.mask] = outputs[name][0, write.channel, row, column : column + count]
            left[name] -= count
        for name, missing in left.items():
            if missing:
                raise CheckFailed(f"{name}: the program leaves {missing} values of its map unwritten")
        if network.linear is not None:
            sums[frame][: outputs["pool"].shape[1]] = outputs["pool"][0]


def _put_logits(write: Write, logits: NDArray[np.integer]) -> None:
    """A block of classes: its int32 logits; what fills the last block beyond them is the machine's."""
    size = write.data.size // 4
    values = logits[write.channel * size : (write.channel + 1) * size].astype("<i4").view(np.uint8)
    write.data[: values.size] = values


def _ends_badly(run: Run) -> Iterator[str]:
    """What ended a run, beside a wrong value."""
    done = run.words("done")
    if done is not None and int(done[0]):
        meaning = dict(codes.ERRORS.values())[int(done[0])]
        yield f"the engine ended with error {done[0]}: {meaning}"
    elif surplus := run.words("surplus"):
        yield f"a write after the last one, at {surplus[-1]}"
    elif not run.ended and not run.words("write") and not run.words("sum"):
        yield "the simulation ended badly: see build/check.out"


def _layers(design: Design[EnginePlan], runs: Sequence[Run], images: int) -> Iterator[LayerResult]:
    """Each layer's comparison; what differs first is with the layer that it is of."""
    found: dict[str, tuple[str, Divergence | None, int]] = {}
    for run in runs:
        if wrong := run.words("write"):
            name, divergence, text = _written(design, run, wrong)
            found.setdefault(name, (text, divergence, divergence.image if divergence else run.first))
        if wrong := run.words("sum"):
            frame, channel, expected, got = map(int, wrong)
            name = design.plan.schedule.layers[-1].shape.name
            text = (
                f"{name}: image {run.first + frame}, channel {channel}: its sum is {got}, expected {expected}"
            )
            found.setdefault(name, (text, None, run.first + frame))
    for planned, count in zip(design.plan.layers, _values(design.network), strict=True):
        problem, divergence, image = found.get(planned.name, (None, None, 0))
        bad = () if problem is None else (image,)
        yield LayerResult(planned.name, count * images, planned.cycles, problem, divergence, bad_frames=bad)


def _values(network: IntegerNetwork) -> Iterator[int]:
    """Numbers compared for each layer and image: of a pooled map its sums."""
    maps = list(network.map_shapes())
    for index, (conv, _, (height, width)) in enumerate(maps):
        pooled = network.linear is not None and index == len(maps) - 1
        yield conv.weight.shape[0] * (1 if pooled else height * width)
    if network.linear is not None:
        yield network.num_classes


def _written(design: Design[EnginePlan], run: Run, words: list[str]) -> tuple[str, Divergence | None, str]:
    """(layer, divergence, message) of a write that differs: the line of dram_write_check."""
    size = design.plan.array.bd
    record = memory.find(run.writes, int(words[1]), size)
    name, strip = design.plan.schedule.place(record.write.instruction)
    if words[2] != words[3]:
        return name, None, f"{name}: a write to {words[3]} where {words[2]} was expected"
    mask, expected, strobes, got = (int(word, 16) for word in words[4:8])
    wrong = (lane for lane in range(size) if mask >> lane & 1)
    lane = next(
        lane for lane in wrong
        if not strobes >> lane & 1 or (expected ^ got) >> 8 * lane & 255
    )  # fmt: skip
    image = run.first + record.frame
    if strip is None:
        at = (record.write.channel * record.write.data.size + record.beat * size + lane) // 4
        values = ((word >> 32 * (lane // 4)) & 0xFFFF_FFFF for word in (expected, got))
        low, high = (value - (value >> 31 << 32) for value in values)
        logit = Divergence(name, image, at, None, None, low, high)
        return name, logit, str(logit)
    layer = next(one for one in design.plan.schedule.layers if one.shape.name == name)
    row = strip.y * layer.kind.m + record.write.row
    column = strip.x * layer.kind.m + record.beat * size + lane
    right, wrong_one = expected >> 8 * lane & 255, got >> 8 * lane & 255
    pixel = Divergence(name, image, record.write.channel, row, column, right, wrong_one)
    return name, pixel, str(pixel)


def _notes(design: Design[EnginePlan], runs: Sequence[Run], stalls: int) -> Iterator[str]:
    """What the run's counters say."""
    done = runs[0].words("done") if runs else None
    if done is None:
        return
    _, cycles, words, weights, reads, writes = map(int, done)
    array = design.plan.array
    frames = len({frame for frame, _ in runs[0].writes})
    mega = [count / frames / 1e6 for count in (weights * array.bw, reads * array.bd, writes * array.bd)]
    yield (
        f"{words / cycles:.1%} of cycles multiply; DRAM {sum(mega):.2f} MB a frame: weights {mega[0]:.2f}, "
        f"maps read {mega[1]:.2f} and written {mega[2]:.2f}"
    )
    if design.network.linear is not None:
        name = design.plan.schedule.layers[-1].shape.name
        yield f"{name} is compared by its pooled sums: its map is never written"
