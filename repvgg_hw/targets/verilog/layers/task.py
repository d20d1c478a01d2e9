"""One layer's proof as a task that is complete in itself, so that any process of any machine can do it.

`make_tasks` cuts a design into them, `prove_layer` does one; see layerwise.py for who hands them out.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from repvgg_hw import golden
from repvgg_hw.design import Design
from repvgg_hw.design.folder import read_table
from repvgg_hw.design.results import LayerResult, Reach
from repvgg_hw.errors import CheckFailed, InputError
from repvgg_hw.extremes.patterns import layer_inputs
from repvgg_hw.extremes.reach import layer_reach
from repvgg_hw.files import environment, lock, sim_dir, write_if_changed
from repvgg_hw.plan.stream.plan import Plan
from repvgg_hw.targets.verilog.binary_tables import write_tables
from repvgg_hw.targets.verilog.emit import WATCHDOG_CYCLES
from repvgg_hw.targets.verilog.judge import judge
from repvgg_hw.targets.verilog.layers.state import LayerProof
from repvgg_hw.targets.verilog.limits import (
    Limit,
    most_frames,
    read,
    settle_cycles,
    unit_limits,
    unreported,
    usual_frames,
)
from repvgg_hw.targets.verilog.netlist import Probe, Stream, Unit, build
from repvgg_hw.targets.verilog.simulate import (
    ARGUMENTS,
    STEADY_FRAMES,
    layer_shapes,
    sources,
)
from repvgg_hw.targets.verilog.simulator import recording, verilator
from repvgg_hw.targets.verilog.simulator.promises import broken_promise
from repvgg_hw.targets.verilog.simulator.time_limit import patience, time_limit
from repvgg_hw.targets.verilog.vectors import write_stream

WAVES = "layer.vcd"  # in a layer's folder


@dataclass(frozen=True)
class LayerTask:
    """One layer's proof, complete in itself.

    inputs, expected  (N, C, H, W) or (N, C); sources: file name -> text; tables: file name -> text
    reach             how far the inputs drive the layer; empty where nobody asked
    most, settle      frames and cycles: see `limits.most_frames` and `settle_cycles`
    folder            where to build and run; a temporary folder where None (on another machine)
    seconds           of wall clock, after which its simulation counts as hung
    """

    name: str
    unit: Unit
    inputs: NDArray[np.integer]
    expected: NDArray[np.integer]
    shape: tuple[int, ...]
    planned_cycles: int
    reach: dict[str, Reach]
    most: int
    settle: int
    sources: dict[str, str]
    tables: dict[str, str]
    stalls: int
    folder: str | None
    seconds: float
    waves_window: tuple[int, int | None] | None = None

    @property
    def cycles(self) -> int:
        """Of all frames, as planned."""
        return self.planned_cycles * len(self.inputs)

    @property
    def work(self) -> str:
        """Name of the folder in which it runs."""
        return self.name.replace(".", "_")


def make_tasks(
    design: Design[Plan],
    images: NDArray[np.int8],
    names: Sequence[str] | None,
    stalls: int,
    waves_window: tuple[int, int | None] | None,
    folder: Path | None,
    timeout: float | None = None,
    extremes: bool = False,
) -> list[LayerTask]:
    """A task for each layer, in the network's order; inputs are golden's, then its own extremes."""
    units = {unit.ident: unit for unit in build(design.plan).units}
    idents = {conv.name: conv.ident for conv in design.plan.convs}
    shapes, planned = layer_shapes(design.plan), design.plan.layer_cycles
    plans = {layer.name: layer for layer in design.plan.layers}
    if design.plan.linear is not None:
        plans["pool"] = design.plan.linear
    for name in names or ():
        if name not in shapes:
            raise InputError(f"there is no layer {name!r}: the design has {', '.join(shapes)}")
    bench = sources(design, stalls=stalls)
    texts = {path.name: path.read_text(errors="replace") for path in bench if path.name != "bench.sv"}
    tasks = []
    values: NDArray[np.integer] = images
    for name, expected in golden.trace(images, design.network):
        if names is None or name in names:
            unit = units[idents.get(name, name)]
            old_names = [bank.file for table in unit.tables for bank in table.banks]
            missing = [design.directory / old for old in old_names if not (design.directory / old).is_file()]
            if missing:
                raise InputError(f"{missing[0]} is missing: generate the design again, with --force")
            anonymous = _anonymous(unit)
            renamed = [bank.file for table in anonymous.tables for bank in table.banks]
            plan = plans[name]
            settle = settle_cycles(plan.quiet_cycles)
            inputs, outputs, reach = _driven(design, name, values, expected, extremes)
            frames = usual_frames(len(inputs), stalls, plan.frames_held)
            task = LayerTask(
                name=name,
                unit=anonymous,
                inputs=inputs,
                expected=outputs,
                reach=reach,
                shape=shapes[name],
                planned_cycles=planned[name],
                most=most_frames(plan.frames_held, settle, planned[name]),
                settle=settle,
                sources=texts,
                tables={
                    new: read_table(design.directory, old)
                    for new, old in zip(renamed, old_names, strict=True)
                },
                stalls=stalls,
                folder=None if folder is None else str(folder),
                seconds=timeout or patience(frames * planned[name]),
                waves_window=waves_window,
            )
            tasks.append(task)
        values = expected
    return tasks


def _driven(
    design: Design[Plan],
    name: str,
    inputs: NDArray[np.integer],
    outputs: NDArray[np.integer],
    extremes: bool,
) -> tuple[NDArray[np.integer], NDArray[np.integer], dict[str, Reach]]:
    """A layer's inputs and outputs, then those that drive it to its edges; and how far all of them do."""
    if not extremes:
        return inputs, outputs, {}
    network, plan = design.network, design.plan
    own = layer_inputs(network, plan, name)
    inputs = np.concatenate([inputs, own])
    outputs = np.concatenate([outputs, golden.layer_output(network, name, own)])
    return inputs, outputs, layer_reach(network, plan, name, inputs)


def _anonymous(unit: Unit) -> Unit:
    """The unit without its layer's name, so that alike layers give the same bench."""
    tables = tuple(table.renamed(table.port) for table in unit.tables)
    source = Stream("s_axis", unit.source.lanes, unit.source.lane_bits)
    sink = Stream("m_axis", unit.sink.lanes, unit.sink.lane_bits)
    return replace(unit, ident="layer", tables=tables, source=source, sink=sink, comment="")


def prove_layer(task: LayerTask) -> LayerProof:
    """Build, run and judge one layer. Runs in any process on any machine that has this package."""
    with contextlib.ExitStack() as stack:
        folder = task.folder or stack.enter_context(tempfile.TemporaryDirectory(prefix="repvgg-hw-"))
        started = time.monotonic()
        built = started
        try:
            simulator = _build(task, Path(folder))
            built = time.monotonic()
            with time_limit(task.seconds):
                result = _run(task, simulator, Path(folder) / task.work)
        except CheckFailed as error:
            result = LayerResult(task.name, 0, task.planned_cycles, f"{task.name}: {error}")
    return LayerProof(result, round(built - started, 3), round(time.monotonic() - built, 3))


def _build(task: LayerTask, root: Path) -> Path:
    """Build the simulator of all layers like this one, if it is not there yet; returns its folder."""
    in_beats = task.inputs[0].size // task.unit.source.lanes
    out_beats = task.expected[0].size // task.unit.sink.lanes
    text = (
        environment(sim_dir())
        .get_template("layer_bench.sv.j2")
        .render(
            unit=task.unit,
            in_beats=in_beats,
            out_beats=out_beats,
            settle=task.settle,
            watchdog=2 * task.planned_cycles + WATCHDOG_CYCLES,
        )
    )
    texts = {**task.sources, "bench.sv": text}
    key = hashlib.sha256(json.dumps(sorted(texts.items())).encode()).hexdigest()[:16]
    simulator = root / "simulators" / key
    with lock(simulator):
        for name, content in texts.items():
            write_if_changed(simulator / "src" / name, content)
        files = [simulator / "src" / name for name in texts]
        cycles = task.planned_cycles * (task.most if task.stalls else len(task.inputs))
        optimize = verilator.optimization(cycles)
        verilator.build(files, "bench", simulator / "obj", arguments=ARGUMENTS, optimize=optimize)
        if task.waves_window is not None:
            arguments = (*ARGUMENTS, *recording.PLAIN)
            _, last = recording.limited(task.waves_window, recording.INSIDE_CYCLES)
            optimize = verilator.optimization(min(cycles, last))
            verilator.build(
                files, "bench", simulator / "waves", arguments=arguments, trace=True, optimize=optimize
            )
    return simulator


def _run(task: LayerTask, simulator: Path, work: Path) -> LayerResult:
    """Play the layer's frames in the folder `work`, and judge."""
    images, reached = len(task.inputs), work / "check.limits"
    work.mkdir(parents=True, exist_ok=True)
    write_stream(work / "input.bin", task.inputs, task.unit.source.lane_bits)
    write_stream(work / "output.bin", task.expected, task.unit.sink.lane_bits)
    write_tables(work, task.unit.tables, task.tables.__getitem__)
    log = work / "check.log"
    finished = verilator.run_frames(
        simulator / "obj",
        work=work,
        data=work,
        log=log,
        images=images,
        most=task.most,
        stalls=task.stalls,
        limits=reached if task.stalls else None,
    )
    if task.waves_window is not None:
        dump, window = work / WAVES, recording.limited(task.waves_window, recording.INSIDE_CYCLES)
        dump.unlink(missing_ok=True)
        verilator.run_frames(
            simulator / "waves",
            work=work,
            data=work,
            log=work / "waves.log",
            images=images,
            most=task.most,
            stalls=task.stalls,
            waves=dump,
            window=window,
        )
    lines = log.read_text().splitlines() if log.is_file() else []
    probe = Probe(task.name, task.unit.sink, task.expected[0].size // task.unit.sink.lanes)
    named = [line.replace(" output ", f" {task.name} ", 1) for line in lines]
    shapes, planned = {task.name: task.shape}, {task.name: task.planned_cycles}
    result = judge(named, [probe], shapes, planned, images)[0]
    wanted = [Limit(task.name, name, path) for name, path in unit_limits(task.unit)] if task.stalls else []
    found = read(reached, wanted)
    result = replace(result, limits=found.get(task.name, {}), reach=task.reach)
    if (
        result.passed
        and not task.stalls
        and images >= STEADY_FRAMES
        and result.interval != task.planned_cycles
    ):
        late = f"{task.name}: {result.interval} cycles per frame, planned {task.planned_cycles}"
        result = replace(result, problem=late)
    if broken := broken_promise(log.with_suffix(".out"), {}, task.name):
        result = replace(result, problem=broken)
    if result.passed and not finished:
        result = replace(
            result, problem=f"{task.name}: the simulation ended badly, see {log.with_suffix('.out')}"
        )
    if result.passed and (missing := unreported(wanted, found)):
        result = replace(result, problem=missing[0])
    return result
