"""Simulate an emitted Verilog design whole and compare every layer with the golden model.

Frames are driven and compared inside the simulation (sim/bench.sv.j2); Python prepares what golden
expects, watches, and judges by the log that the bench's checks write.
"""

from __future__ import annotations

import json
import re
import shutil
import threading
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from repvgg_hw import golden
from repvgg_hw.design import Design
from repvgg_hw.design.folder import read_table
from repvgg_hw.design.results import LayerResult, SimulationResult
from repvgg_hw.errors import CheckFailed, InputError
from repvgg_hw.files import sim_dir
from repvgg_hw.plan.stream.plan import Plan
from repvgg_hw.targets.target import Progress
from repvgg_hw.targets.verdict import share_correct
from repvgg_hw.targets.verilog.emit import BENCH_SOURCES, differing_tables
from repvgg_hw.targets.verilog.netlist import Probe, build
from repvgg_hw.targets.verilog.simulator import verilator
from repvgg_hw.targets.verilog.simulator.promises import ASSERTIONS, broken_promise
from repvgg_hw.targets.verilog.vectors import beat_values, locate, write_stream

STEADY_FRAMES = 3  # from so many back-to-back frames on, the last interval must be the planned one

# Without these two, alike layers cannot share their code (see sim/network.vlt): the first names wires of a
# particular instance, the second numbers its look-up tables through the whole design.
SHARED_LAYERS = ("-fno-dfg", "-fno-table")
ARGUMENTS = (*SHARED_LAYERS, *ASSERTIONS)


SOURCE_NAME = re.compile(r"rtl/[A-Za-z_][A-Za-z0-9_]*\.sv")  # of what files.f lists


def layer_shapes(plan: Plan) -> dict[str, tuple[int, ...]]:
    """Each layer's output shape."""
    shapes: dict[str, tuple[int, ...]] = {c.name: (c.c_out, c.out_height, c.out_width) for c in plan.convs}
    if plan.linear is not None:
        shapes |= {"pool": (plan.linear.c_in,), "linear": (plan.linear.c_out,)}
    return shapes


def planned_cycles(plan: Plan) -> dict[str, int]:
    """Each layer's own cycles per frame."""
    cycles = {layer.name: layer.cycles for layer in plan.layers}
    return cycles if plan.linear is None else cycles | {"pool": plan.linear.pool_cycles}


def sources(design: Design[Plan]) -> list[Path]:
    """Everything that Verilator compiles for the whole-network bench."""
    directory = design.directory
    listed = read_table(directory, "files.f").split()
    for name in listed:
        if not (SOURCE_NAME.fullmatch(name)):
            raise InputError(f"{directory}/files.f: {name!r} is no source of a design: generate it again")
    if not listed:
        raise InputError(f"{directory}/files.f is missing or empty: generate the design again")
    bench = [f"sim/{name}" for name in (*BENCH_SOURCES, "bench.sv")]
    paths = [directory / name for name in (*listed, *bench)]
    for path in paths:
        if not path.is_file():
            raise InputError(f"{path} is missing: generate the design again")
    return [sim_dir() / "network.vlt", *paths]


def simulate_network(
    design: Design[Plan],
    images: NDArray[np.int8],
    *,
    labels: NDArray[np.int64] | None = None,
    stalls: int = 0,
    waves: Path | None = None,
    waves_window: tuple[int, int | None] = (0, None),
    progress: Progress | None = None,
) -> SimulationResult:
    """Run images through the whole network in one simulation, back to back.

    images (N, C, H, W) int8, the network's input; stalls: seed of random pauses on both ends, 0 for none;
    waves: a VCD file for the streams between layers, within waves_window cycles; a second run records it.

    Raises InputError for a missing tool or file. Differences are in the result, not raised.
    """
    report = progress or (lambda share, what: None)
    plan, directory = design.plan, design.directory.resolve()
    work = directory / "build"
    work.mkdir(parents=True, exist_ok=True)
    report(0.0, "building the simulator")
    started = time.monotonic()
    files, differing = sources(design), differing_tables(design)
    verilator.build(files, "bench", work / "sim", arguments=ARGUMENTS)
    built = time.monotonic()
    report(0.0, "golden model")
    data = work / "data"
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir()
    probes = build(plan).probes
    expected = write_vectors(design, images, probes, data)
    log = work / "check.log"
    expected_cycles = plan.latency_estimate + (len(images) - 1) * plan.frame_interval
    with Watch(log.with_suffix(".progress"), expected_cycles, len(probes), report):
        finished = verilator.run_frames(
            work / "sim", work=directory, data=data, log=log, frames=len(images), stalls=stalls
        )
    ran = time.monotonic()
    lines = log.read_text().splitlines() if log.is_file() else []
    layers = judge(lines, probes, layer_shapes(plan), planned_cycles(plan), len(images))
    if waves is not None:
        report(0.999, "recording waves")
        verilator.build(files, "bench", work / "sim_waves", arguments=ARGUMENTS, trace=True)
        verilator.run_frames(
            work / "sim_waves",
            work=directory,
            data=data,
            log=work / "waves.log",
            frames=len(images),
            stalls=stalls,
            waves=waves.resolve(),
            window=waves_window,
        )
    problems = [f"{layer}: {message}" for layer, message in differing]
    broken = broken_promise(log.with_suffix(".out"), {layer.ident: layer.name for layer in plan.layers})
    problems += [broken] if broken else []
    problems += [layer.problem for layer in layers if layer.problem]
    last = layers[-1]
    if not stalls and len(images) >= STEADY_FRAMES and not problems:
        problems += wrong_intervals(layers, plan)
    if not finished and not problems:
        problems.append(f"the simulation ended badly, see {log.with_suffix('.out')}")
    simulated = read_logits(lines, plan, len(images))
    bad = {frame for layer in layers for frame in layer.bad_frames}
    return SimulationResult(
        target=design.target,
        mode="network",
        images=len(images),
        bit_exact=min(len(layer.cycles) for layer in layers) - len(bad) if layers else 0,
        stalls=stalls,
        layers=tuple(layers),
        problems=tuple(problems),
        planned_interval=plan.frame_interval,
        frame_interval=last.interval,
        latency_cycles=last.cycles[0] if last.cycles else None,
        build_seconds=round(built - started, 3),
        run_seconds=round(ran - built, 3),
        top1_golden=share_correct(expected, labels),
        top1_simulated=share_correct(simulated, labels),
    )


def write_vectors(
    design: Design[Plan], images: NDArray[np.int8], probes: Sequence[Probe], folder: Path
) -> NDArray[np.int64]:
    """Write the input's and every layer's stream file; returns golden's outputs (logits, or last maps).

    One image at a time, so that memory stays that of one image.
    """
    streams = {probe.layer: probe.stream for probe in probes}
    write_stream(folder / "input.bin", images, design.plan.in_bits)
    outputs = []
    for image in images:
        for name, value in golden.trace(image[None], design.network):
            part = folder / "part"
            write_stream(part, value, streams[name].lane_bits)
            with (folder / f"{name}.bin").open("ab") as file:
                file.write(part.read_bytes())
            part.unlink()
        outputs.append(value[0].astype(np.int64))
    return np.array(outputs)


def judge(
    lines: Iterable[str],
    probes: Sequence[Probe],
    shapes: dict[str, tuple[int, ...]],
    planned: dict[str, int],
    frames: int,
) -> list[LayerResult]:
    """Judge every layer by what its check wrote into the log; silence is a failure."""
    cycles: dict[str, list[int]] = {probe.layer: [] for probe in probes}
    bad: dict[str, list[int]] = {probe.layer: [] for probe in probes}
    first: dict[str, list[str]] = {}
    ends: dict[str, tuple[int, int]] = {}
    for line in lines:
        kind, *words = line.split()
        if kind == "frame":
            cycles[words[0]].append(int(words[2]))
            if int(words[3]):
                bad[words[0]].append(int(words[1]))
        elif kind in ("mismatch", "surplus", "tlast"):
            first.setdefault(words[0], [kind, *words[1:]])
        elif kind == "end":
            ends[words[0]] = (int(words[1]), int(words[2]))
    results = []
    for probe in probes:
        name, divergence, problem = probe.layer, None, None
        done, beat = ends.get(name, (len(cycles[name]), 0))
        if name in first and first[name][0] == "mismatch":
            _, frame, at, *words = first[name]
            signed = name == "linear"
            lanes, bits = probe.stream.lanes, probe.stream.lane_bits
            expected, got = (beat_values(word, lanes, bits, signed) for word in words)
            divergence = locate(name, int(frame), int(at), shapes[name], expected, got)
            problem = str(divergence)
        elif name in first and first[name][0] == "tlast":
            problem = f"{name}: tlast is wrong at beat {first[name][1]} of a frame"
        elif name in first:
            problem = f"{name}: sends more than {frames} frames of {probe.beats} beats"
        elif done < frames:
            problem = f"{name}: stops in image {done} after {beat} of {probe.beats} beats"
        values = len(cycles[name]) * probe.beats * probe.stream.lanes
        results.append(
            LayerResult(
                name, values, planned[name], problem, divergence, tuple(cycles[name]), tuple(bad[name])
            )
        )
    return results


def read_logits(lines: Iterable[str], plan: Plan, frames: int) -> NDArray[np.int64] | None:
    """The logits that the RTL sent (N, classes), or None if frames are missing or the design has none."""
    if plan.linear is None:
        return None
    words = [line.split()[1] for line in lines if line.startswith("logit ")]
    if len(words) < frames * plan.linear.c_out:
        return None
    values = [beat_values(word, 1, plan.linear.acc_bits, True)[0] for word in words]
    return np.array(values[: frames * plan.linear.c_out]).reshape(frames, -1)


def wrong_intervals(layers: Sequence[LayerResult], plan: Plan) -> list[str]:
    """Layers whose last frame interval, input never pausing, contradicts the plan.

    None may be longer, and from the slowest one on each keeps it to the cycle. Those before it may still run
    ahead while the buffers between fill: on the smallest maps these hold whole frames.
    """
    planned = plan.frame_interval
    slow = (i for i, layer in enumerate(layers) if planned in (plan.in_cycles, layer.planned_cycles))
    slowest = next(slow, len(layers) - 1)
    return [
        f"{layer.name}: frame interval {layer.interval} cycles, planned {planned}"
        for i, layer in enumerate(layers)
        if layer.interval is None or layer.interval > planned or (i >= slowest and layer.interval < planned)
    ]


class Watch:
    """Reads the bench's progress file from a thread, while the simulator runs."""

    def __init__(self, path: Path, cycles: int, layers: int, report: Progress) -> None:
        self.path, self.cycles, self.layers, self.report = path, cycles, layers, report
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> None:
        self.path.unlink(missing_ok=True)
        self.thread.start()

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self.thread.join()

    def _run(self) -> None:
        while not self.stop.wait(0.5):
            try:
                state = json.loads(self.path.read_text())
            except (OSError, ValueError):  # not there yet, or being written
                continue
            share = min(0.999, state["cycle"] / self.cycles)
            self.report(
                share, f"cycle {state['cycle']:,}, {state['layers_done']}/{self.layers} layers finished"
            )


def require(result: SimulationResult) -> None:
    """Raise CheckFailed with the first problem, if there is one."""
    if result.problems:
        raise CheckFailed(result.problems[0])
