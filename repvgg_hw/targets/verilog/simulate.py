"""Simulate an emitted Verilog design whole and compare every layer with the golden model.

Frames are driven and compared inside the simulation (sim/bench.sv.j2); Python prepares what golden
expects, watches, and judges by the log that the bench's checks write.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from repvgg_hw import golden
from repvgg_hw.design import Design
from repvgg_hw.design.folder import read_table
from repvgg_hw.design.proven import Proven
from repvgg_hw.design.results import SimulationResult
from repvgg_hw.errors import CheckFailed, InputError
from repvgg_hw.files import emptied, sim_dir
from repvgg_hw.plan.stream.plan import Plan
from repvgg_hw.progress import Progress, silent
from repvgg_hw.targets.verdict import share_correct
from repvgg_hw.targets.verilog.binary_tables import BINARY_TABLES, MACRO, write_tables
from repvgg_hw.targets.verilog.clock_gates import CLOCK_GATES
from repvgg_hw.targets.verilog.emit import BENCH_SOURCES, differing_tables, listed_sources
from repvgg_hw.targets.verilog.judge import (
    ended,
    exact_images,
    frames_played,
    judge,
    read_logits,
    wrong_intervals,
)
from repvgg_hw.targets.verilog.limits import (
    limits,
    most_frames,
    read,
    settle_cycles,
    unreported,
    usual_frames,
)
from repvgg_hw.targets.verilog.netlist import Probe, build
from repvgg_hw.targets.verilog.simulator import recording, verilator
from repvgg_hw.targets.verilog.simulator.promises import ASSERTIONS, broken_promise
from repvgg_hw.targets.verilog.vectors import write_stream
from repvgg_hw.targets.verilog.watch import Watch, lead_in

STEADY_FRAMES = 3  # from so many back-to-back frames on, the last interval must be the planned one

# Without these two, alike layers cannot share their code (see sim/network.vlt): the first names wires of a
# particular instance, the second numbers its look-up tables through the whole design.
SHARED_LAYERS = ("-fno-dfg", "-fno-table")
ARGUMENTS = (*SHARED_LAYERS, *ASSERTIONS, *BINARY_TABLES)


def layer_shapes(plan: Plan) -> dict[str, tuple[int, ...]]:
    """Each layer's output shape."""
    shapes: dict[str, tuple[int, ...]] = {c.name: (c.c_out, c.out_height, c.out_width) for c in plan.convs}
    if plan.linear is not None:
        shapes |= {"pool": (plan.linear.c_in,), "linear": (plan.linear.c_out,)}
    return shapes


def expected_cycles(plan: Plan, images: int, stalls: int) -> int:
    """About how many cycles a run of the whole network takes."""
    return plan.latency_estimate + (usual_frames(images, stalls, plan.frames_held) - 1) * plan.frame_interval


@dataclass(frozen=True)
class Circuit:
    """What stands in the whole-network bench in the place of a design's RTL.

    files      what Verilator compiles, without the bench
    work       folder, below the design's build folder, for simulator and vectors
    options    of verilator.build
    note       for the result
    """

    files: tuple[Path, ...]
    work: Path
    options: Mapping[str, Any]
    note: str


def bench_sources(directory: Path) -> list[Path]:
    """The whole-network bench of a design."""
    return [directory / "sim" / name for name in (*BENCH_SOURCES, "bench.sv")]


def sources(design: Design[Plan], *, stalls: int = 0) -> list[Path]:
    """What Verilator compiles for the whole-network bench; with stalls, the probes of limits, too."""
    directory = design.directory
    paths = [*(directory / name for name in listed_sources(directory)), *bench_sources(directory)]
    for path in paths:
        if not path.is_file():
            raise InputError(f"{path} is missing: generate the design again")
        if path.name == "rvg_rom.sv" and MACRO not in path.read_text(errors="replace"):
            raise InputError(f"{path} is of an earlier version: generate the design again")
    return [sim_dir() / "network.vlt", *paths, *([sim_dir() / "limits.sv"] if stalls else [])]


def simulate_network(
    design: Design[Plan],
    images: NDArray[np.int8],
    *,
    labels: NDArray[np.int64] | None = None,
    stalls: int = 0,
    waves: Path | None = None,
    waves_window: tuple[int, int | None] = (0, None),
    state: str | None = None,
    fresh: bool = False,
    clock_gating: bool = False,
    circuit: Circuit | None = None,
    progress: Progress | None = None,
) -> SimulationResult:
    """Run images through the whole network in one simulation, back to back.

    images (N, C, H, W) int8, the network's input
    stalls: seed of pauses on both ends, which go on, and images with them, until every buffer has been full
    and empty; 0 for none
    waves: a VCD file for the streams between layers, within waves_window cycles; a second run records it.
    state, fresh: see `ProofOptions`; the images that an interrupted run has proven are not run again, but for
    the last of them, behind which the others come
    clock_gating: layers at rest have no clock, see sim/clock_gate.sv
    circuit: what is simulated in the place of the RTL; the probes of limits are not in it

    Raises InputError for a missing tool or file. Differences are in the result, not raised.
    """
    report = progress or silent
    plan, directory = design.plan, design.directory.resolve()
    work = directory / "build" if circuit is None else circuit.work
    work.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    if circuit is None:
        files = sources(design, stalls=stalls)
        options: Mapping[str, Any] = {"arguments": (*ARGUMENTS, *(CLOCK_GATES if clock_gating else ()))}
    else:
        files, options = [*circuit.files, *bench_sources(directory)], circuit.options
    probed = bool(stalls) and circuit is None
    differing = differing_tables(design)
    proven = Proven(
        work, images, state, (stalls, clock_gating, digest(files)), fresh=fresh or waves is not None
    )
    first = lead_in(proven.images, len(images), STEADY_FRAMES)
    played = images[first:]
    simulator = work / ("sim_stalls" if stalls else "sim_gated" if clock_gating else "sim")
    cycles = expected_cycles(plan, len(played), stalls)
    optimize = verilator.optimization(cycles)
    verilator.build(files, "bench", simulator, **{"optimize": optimize, **options}, progress=report)
    built = time.monotonic()
    report(0.0, "golden model")
    data = emptied(work / "data")
    net = build(plan)
    probes, wanted = net.probes, limits(net) if probed else []
    most = most_frames(plan.frames_held, settle_cycles(plan.quiet_cycles), plan.layers[-1].cycles)
    expected = write_vectors(design, played, probes, data)
    runs_in = directory  # where a netlist's memories find mem/
    if circuit is None:
        runs_in = emptied(work / "tables")
        tables = (table for unit in net.units for table in unit.tables)
        write_tables(runs_in, tables, lambda file: read_table(directory, file))
    log = work / "check.log"
    reached = work / "check.limits"
    with Watch(log, [probe.layer for probe in probes], cycles, proven, first, report):
        finished = verilator.run_frames(
            simulator,
            work=runs_in,
            data=data,
            log=log,
            images=len(played),
            most=most,
            stalls=stalls,
            limits=reached if probed else None,
        )
    ran = time.monotonic()
    lines = log.read_text().splitlines() if log.is_file() else []
    found = read(reached, wanted)
    layers = [
        replace(layer, limits=found.get(layer.name, {}))
        for layer in judge(lines, probes, layer_shapes(plan), plan.layer_cycles, len(played), first)
    ]
    noted = list[str]()
    if waves is not None:
        waves.unlink(missing_ok=True)
        report(0.999, "recording waves")
        streams = [sim_dir() / "streams.vlt", *files]
        arguments = (*options["arguments"], *recording.PLAIN)
        window = recording.limited(waves_window, recording.STREAM_CYCLES)
        optimize = verilator.optimization(min(cycles, window[1]))
        verilator.build(
            streams, "bench", work / "sim_waves", trace=True, arguments=arguments, optimize=optimize
        )
        verilator.run_frames(
            work / "sim_waves",
            work=runs_in,
            data=data,
            log=work / "waves.log",
            images=len(images),
            most=most,
            stalls=stalls,
            waves=waves.resolve(),
            window=window,
        )
        noted.append(recording.finish(waves, window, [layer.ident for layer in plan.layers]))
    problems = [f"{layer}: {message}" for layer, message in differing]
    broken = broken_promise(log.with_suffix(".out"), {layer.ident: layer.name for layer in plan.layers})
    problems += [broken] if broken else []
    problems += [layer.problem for layer in layers if layer.problem]
    last = layers[-1]
    if not stalls and len(images) >= STEADY_FRAMES and not problems:
        problems += wrong_intervals(layers, plan)
    if finished or broken or ended(lines):
        proven.forget()
    else:  # killed, or out of memory: what it has proven is kept
        problems.insert(
            0, f"the simulator was ended from outside, run again to go on: see {log.with_suffix('.out')}"
        )
    if not finished and not problems:
        problems.append(f"the simulation ended badly, see {log.with_suffix('.out')}")
    problems += [] if problems else unreported(wanted, found)
    simulated = read_logits(lines, plan, len(played))
    if labels is not None and simulated is not None and first:
        earlier = np.concatenate([golden.forward(image[None], design.network) for image in images[:first]])
        expected, simulated = (np.concatenate([earlier, later]) for later in (expected, simulated))
    frames = frames_played(lines, len(played))
    return SimulationResult(
        target=design.target,
        mode="network",
        images=len(images),
        bit_exact=exact_images(layers, len(images)),
        stalls=stalls,
        clock_gating=clock_gating,
        layers=tuple(layers),
        problems=tuple(problems),
        planned_interval=plan.frame_interval,
        frame_interval=last.interval,
        latency_cycles=last.cycles[0] if last.cycles else None,
        build_seconds=round(built - started, 3),
        run_seconds=round(ran - built, 3),
        top1_golden=share_correct(expected, labels),
        top1_simulated=share_correct(simulated, labels),
        notes=(
            *((circuit.note,) if circuit is not None else ()),
            *proven.note,
            *noted,
            *((f"{frames} frames: the images repeated until every hold was over",) if stalls else ()),
        ),
    )


def digest(files: Iterable[Path]) -> str:
    """SHA-256 over what a simulator is made from."""
    return hashlib.sha256(b"".join(hashlib.sha256(path.read_bytes()).digest() for path in files)).hexdigest()


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


def require(result: SimulationResult) -> None:
    """Raise CheckFailed with the first problem, if there is one."""
    if result.problems:
        raise CheckFailed(result.problems[0])
