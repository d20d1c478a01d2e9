"""Prove a design layer by layer: each alone, on golden's input, in parallel.

Tasks go through Python's `concurrent.futures` executor interface, and each carries all it needs, so the
same code runs on local processes and on a Dask cluster. What has passed is remembered: a run that was
broken off resumes at the first layer that has not passed.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import importlib
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from repvgg_hw import golden, results, verilator
from repvgg_hw.design import Design, write_if_changed
from repvgg_hw.emit import WATCHDOG_CYCLES, differing_tables, environment
from repvgg_hw.errors import CheckFailed, InputError
from repvgg_hw.netlist import Probe, Stream, Unit, build
from repvgg_hw.paths import sim_dir
from repvgg_hw.results import LayerResult, SimulationResult
from repvgg_hw.simulate import SHARED_LAYERS, STEADY_FRAMES, judge, layer_shapes, planned_cycles, sources
from repvgg_hw.vectors import write_stream

SCHEDULER_TIMEOUT = "10s"

Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class LayerTask:
    """One layer's proof, complete in itself.

    inputs, expected  (N, C, H, W) or (N, C); sources: file name -> text; tables: file name -> text
    folder            where to build and run; a temporary folder where None (on another machine)
    """

    name: str
    unit: Unit
    inputs: NDArray[np.integer]
    expected: NDArray[np.integer]
    shape: tuple[int, ...]
    planned_cycles: int
    sources: dict[str, str]
    tables: dict[str, str]
    stalls: int
    folder: str | None
    waves_window: tuple[int, int | None] | None = None


def simulate(
    design: Design,
    images: NDArray[np.int8],
    *,
    names: Sequence[str] | None = None,
    stalls: int = 0,
    jobs: int | None = None,
    scheduler: str | None = None,
    waves_window: tuple[int, int | None] | None = None,
    progress: Progress | None = None,
) -> SimulationResult:
    """Prove layers, all or those named, on images (N, C, H, W) int8.

    scheduler     address of a Dask scheduler; else `jobs` local processes, one per core where None
    waves_window  record each layer's inside as a VCD within these cycles
    Differences are in the result, not raised. Raises InputError for an unknown layer or a missing tool.
    """
    report = progress or (lambda share, what: None)
    if scheduler is None:
        verilator.check_tools()
    local = None if scheduler else design.directory.resolve() / "build" / "layers"
    tasks = make_tasks(design, images, names, stalls, waves_window, local)
    state = State(design, images, stalls)
    todo = tasks if names is not None else [task for task in tasks if task.name not in state.passed]
    found = {name: state.passed[name] for name in (t.name for t in tasks) if name in state.passed}
    started = time.monotonic()
    if todo:
        with executor(scheduler, min(jobs or os.cpu_count() or 1, len(todo))) as pool:
            futures = {pool.submit(prove, task): task.name for task in todo}
            for future in as_completed(futures):
                result = future.result()
                found[result.name] = result
                state.record(result)
                share = 1 - (len(tasks) - len(found)) / len(tasks)
                report(share, f"{result.name} done, {len(found)} of {len(tasks)} layers")
    layers = tuple(found[task.name] for task in tasks)
    wanted = {task.name for task in tasks}
    problems = [f"{name}: {message}" for name, message in differing_tables(design) if name in wanted]
    problems += [layer.problem for layer in layers if layer.problem]
    bad = {frame for layer in layers for frame in layer.bad_frames}
    complete = min((len(layer.cycles) for layer in layers), default=0)
    resumed = len(tasks) - len(todo)
    return SimulationResult(
        target=design.target,
        mode="layers",
        images=len(images),
        bit_exact=max(0, complete - len(bad)),
        stalls=stalls,
        layers=layers,
        problems=tuple(problems),
        planned_interval=design.plan.frame_interval,
        run_seconds=round(time.monotonic() - started, 3),
        notes=(f"{resumed} layers had passed in an earlier run",) if resumed else (),
    )


@contextlib.contextmanager
def executor(scheduler: str | None, jobs: int) -> Iterator[Executor]:
    """Local processes, or a Dask cluster behind the same interface."""
    if scheduler is None:
        with ProcessPoolExecutor(max_workers=jobs) as local:
            yield local
        return
    try:
        client_class = importlib.import_module("distributed").Client
    except ImportError:
        raise InputError("--scheduler needs Dask: pip install 'repvgg-hw[dask]'") from None
    try:
        client = client_class(scheduler, timeout=SCHEDULER_TIMEOUT)
    except (OSError, ValueError) as error:
        raise InputError(f"no Dask scheduler answers at {scheduler}: {error}") from None
    with client, client.get_executor() as pool:
        yield pool


def make_tasks(
    design: Design,
    images: NDArray[np.int8],
    names: Sequence[str] | None,
    stalls: int,
    waves_window: tuple[int, int | None] | None,
    folder: Path | None,
) -> list[LayerTask]:
    """A task for each layer, in the network's order; inputs are golden's."""
    units = {unit.ident: unit for unit in build(design.plan).units}
    idents = {conv.name: conv.ident for conv in design.plan.convs}
    shapes, planned = layer_shapes(design.plan), planned_cycles(design.plan)
    for name in names or ():
        if name not in shapes:
            raise InputError(f"there is no layer {name!r}: the design has {', '.join(shapes)}")
    texts = {path.name: path.read_text() for path in sources(design) if path.name != "bench.sv"}
    tasks = []
    values: NDArray[np.integer] = images
    for name, expected in golden.trace(images, design.network):
        if names is None or name in names:
            unit = units[idents.get(name, name)]
            files = [design.directory / bank.file for table in unit.tables for bank in table.banks]
            anonymous = _anonymous(unit)
            renamed = [bank.file for table in anonymous.tables for bank in table.banks]
            task = LayerTask(
                name=name,
                unit=anonymous,
                inputs=values,
                expected=expected,
                shape=shapes[name],
                planned_cycles=planned[name],
                sources=texts,
                tables={file: path.read_text() for file, path in zip(renamed, files, strict=True)},
                stalls=stalls,
                folder=None if folder is None else str(folder),
                waves_window=waves_window,
            )
            tasks.append(task)
        values = expected
    return tasks


def _anonymous(unit: Unit) -> Unit:
    """The unit without its layer's name, so that alike layers give the same bench."""
    tables = tuple(table.renamed(table.port) for table in unit.tables)
    source = Stream("s_axis", unit.source.lanes, unit.source.lane_bits)
    sink = Stream("m_axis", unit.sink.lanes, unit.sink.lane_bits)
    return replace(unit, ident="layer", tables=tables, source=source, sink=sink, comment="")


def prove(task: LayerTask) -> LayerResult:
    """Build, run and judge one layer. Runs in any process on any machine that has this package."""
    if task.folder is not None:
        return _prove_in(task, Path(task.folder))
    with tempfile.TemporaryDirectory(prefix="repvgg-hw-") as folder:
        return _prove_in(task, Path(folder))


def _prove_in(task: LayerTask, root: Path) -> LayerResult:
    frames = len(task.inputs)
    in_beats = task.inputs[0].size // task.unit.source.lanes
    out_beats = task.expected[0].size // task.unit.sink.lanes
    text = (
        environment(sim_dir())
        .get_template("layer_bench.sv.j2")
        .render(
            unit=task.unit,
            in_beats=in_beats,
            out_beats=out_beats,
            watchdog=2 * task.planned_cycles + WATCHDOG_CYCLES,
        )
    )
    texts = {**task.sources, "bench.sv": text}
    key = hashlib.sha256(json.dumps(sorted(texts.items())).encode()).hexdigest()[:16]
    simulator = root / "simulators" / key
    with verilator.lock(simulator):
        for name, content in texts.items():
            write_if_changed(simulator / "src" / name, content)
        files = [simulator / "src" / "network.vlt", *sorted((simulator / "src").glob("*.sv"))]
        try:
            verilator.build(files, "bench", simulator / "obj", arguments=SHARED_LAYERS)
            if task.waves_window is not None:
                verilator.build(files, "bench", simulator / "waves", arguments=SHARED_LAYERS, trace=True)
        except CheckFailed as error:
            return LayerResult(task.name, 0, task.planned_cycles, f"{task.name}: {error}")
    work = root / task.name.replace(".", "_")
    work.mkdir(parents=True, exist_ok=True)
    write_stream(work / "input.bin", task.inputs, task.unit.source.lane_bits)
    write_stream(work / "output.bin", task.expected, task.unit.sink.lane_bits)
    for name, content in task.tables.items():
        (work / name).write_text(content)
    log = work / "check.log"
    finished = verilator.run_frames(
        simulator / "obj", work=work, data=work, log=log, frames=frames, stalls=task.stalls
    )
    if task.waves_window is not None:
        verilator.run_frames(
            simulator / "waves",
            work=work,
            data=work,
            log=work / "waves.log",
            frames=frames,
            stalls=task.stalls,
            waves=work / "layer.vcd",
            window=task.waves_window,
        )
    lines = log.read_text().splitlines() if log.is_file() else []
    probe = Probe(task.name, task.unit.sink, out_beats)
    named = [line.replace(" output ", f" {task.name} ", 1) for line in lines]
    result = judge(named, [probe], {task.name: task.shape}, {task.name: task.planned_cycles}, frames)[0]
    if (
        result.passed
        and not task.stalls
        and frames >= STEADY_FRAMES
        and result.interval != task.planned_cycles
    ):
        late = f"{task.name}: {result.interval} cycles per frame, planned {task.planned_cycles}"
        result = replace(result, problem=late)
    if result.passed and not finished:
        result = replace(
            result, problem=f"{task.name}: the simulation ended badly, see {work / 'tb_top.log'}"
        )
    return result


class State:
    """Which layers have passed, for one design, one set of images and one seed of stalls."""

    def __init__(self, design: Design, images: NDArray[np.int8], stalls: int) -> None:
        self.path = design.directory / "build" / "layers" / "state.json"
        digest = hashlib.sha256(f"{stalls} {images.shape}".encode() + images.tobytes())
        for path in sorted(p for d in ("rtl", "mem", "sim") for p in (design.directory / d).glob("*")):
            digest.update(path.name.encode() + path.read_bytes())
        self.fingerprint = digest.hexdigest()
        self.passed: dict[str, LayerResult] = {}
        try:
            content = json.loads(self.path.read_text())
        except (OSError, ValueError):  # none yet, or broken off while writing an old version
            return
        if content.get("fingerprint") == self.fingerprint:
            self.passed = {layer["name"]: results.layer_from_json(layer) for layer in content["passed"]}

    def record(self, result: LayerResult) -> None:
        """Remember a layer that passed."""
        if result.passed:
            self.passed[result.name] = result
            passed = [dataclasses.asdict(layer) for layer in self.passed.values()]
            content = {"fingerprint": self.fingerprint, "passed": passed}
            write_if_changed(self.path, json.dumps(content, indent=1) + "\n")
