"""Prove a design layer by layer: each alone, on golden's input, in parallel.

Tasks go through Python's `concurrent.futures` executor interface, so the same code runs on local processes
and on a Dask cluster. What has passed is remembered: a run that was broken off resumes at the first layer
that has not passed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, wait
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from repvgg_hw.design import Design
from repvgg_hw.design.results import SimulationResult
from repvgg_hw.errors import CheckFailed, RepVGGHWError
from repvgg_hw.executor import executor
from repvgg_hw.plan.stream.plan import Plan
from repvgg_hw.progress import Progress
from repvgg_hw.targets.verilog.emit import differing_tables
from repvgg_hw.targets.verilog.judge import exact_images
from repvgg_hw.targets.verilog.layers.state import LayerProof, State
from repvgg_hw.targets.verilog.layers.task import WAVES, LayerTask, make_tasks, prove_layer
from repvgg_hw.targets.verilog.simulator import recording
from repvgg_hw.targets.verilog.simulator.tools import check_tools

POLL_SECONDS = 0.5


def prove_layers(
    design: Design[Plan],
    images: NDArray[np.int8],
    *,
    names: Sequence[str] | None = None,
    stalls: int = 0,
    extremes: bool = False,
    jobs: int | None = None,
    scheduler: str | None = None,
    waves_window: tuple[int, int | None] | None = None,
    timeout: float | None = None,
    fresh: bool = False,
    progress: Progress | None = None,
) -> SimulationResult:
    """Prove layers, all or those named, on images (N, C, H, W) int8.

    extremes      beside golden's inputs, those that drive each layer to the edges of its widths
    scheduler     address of a Dask scheduler; else `jobs` local processes, one per core where None
    waves_window  record each layer's inside as a VCD within these cycles
    timeout       seconds of wall clock for one layer's simulation; by its planned cycles where None
    fresh         forget what has passed before
    Layers that have passed before are not proven again, unless they are named or their waves are wanted.
    The result's seconds are those of all processes together.
    Differences are in the result, not raised. Raises InputError for an unknown layer or a missing tool,
    CheckFailed where a process dies.
    """
    report = progress or (lambda share, what: None)
    if scheduler is None:
        check_tools()
    local = None if scheduler else design.directory.resolve() / "build" / "layers"
    tasks = make_tasks(design, images, names, stalls, waves_window, local, timeout, extremes)
    state = State(design, images, stalls, extremes, fresh=fresh)
    again = names is not None or waves_window is not None
    known = {} if again else state.passed
    todo = [task for task in tasks if task.name not in known]
    resumed = len(tasks) - len(todo)
    if todo:
        with executor(scheduler, min(jobs or os.cpu_count() or 1, len(todo))) as pool:
            for proof in proofs(pool, todo, resumed, report):
                state.record(proof)
    known_proofs = [state.proofs[task.name] for task in tasks]
    layers = tuple(proof.layer for proof in known_proofs)
    wanted = {task.name for task in tasks}
    problems = [f"{name}: {message}" for name, message in differing_tables(design) if name in wanted]
    problems += [layer.problem for layer in layers if layer.problem]
    return SimulationResult(
        target=design.target,
        mode="layers",
        images=len(images),
        bit_exact=exact_images(layers, len(images)),
        stalls=stalls,
        layers=layers,
        problems=tuple(problems),
        planned_interval=design.plan.frame_interval,
        build_seconds=round(sum(state.proofs[task.name].build_seconds for task in todo), 3),
        run_seconds=round(sum(state.proofs[task.name].run_seconds for task in todo), 3),
        notes=(
            *((f"{resumed} layers had passed in an earlier run",) if resumed else ()),
            *(() if local is None or waves_window is None else _laid_out(local, todo, waves_window)),
        ),
    )


def _laid_out(local: Path, tasks: Sequence[LayerTask], window: recording.Window) -> list[str]:
    """A line on each layer's waves, which are laid out."""
    cycles = recording.limited(window, recording.INSIDE_CYCLES)
    return [recording.finish(local / task.work / WAVES, cycles) for task in tasks]


def proofs(
    pool: Executor, tasks: Sequence[LayerTask], resumed: int, report: Progress
) -> Iterator[LayerProof]:
    """Every task's proof, in the order in which they end; `resumed` more layers count as done before.

    Raises CheckFailed where a process dies; what has ended by then has been yielded.
    """
    layers, total = resumed + len(tasks), sum(task.cycles for task in tasks)
    waiting = {pool.submit(prove_layer, task): task for task in tasks}
    last = "building simulators"
    try:
        while waiting:
            done, _ = wait(waiting, timeout=POLL_SECONDS, return_when=FIRST_COMPLETED)
            # First those that ended well: whoever reads them can keep them before an error ends this.
            ended = [future for future in waiting if future in done]
            for future in sorted(ended, key=lambda one: one.exception() is not None):
                task = waiting.pop(future)
                try:
                    proof = future.result()
                except RepVGGHWError:
                    raise
                except Exception as error:  # its process was killed, say for want of memory
                    raise CheckFailed(
                        f"{task.name}: its process ended badly ({type(error).__name__}: {error}); "
                        "layers that have passed are kept, run again to go on"
                    ) from None
                last = f"{task.name} {'passed' if proof.layer.passed else 'FAILED'}"
                yield proof
            cycles = total - sum(task.cycles - cycles_done(task) for task in waiting.values())
            finished = f"{layers - len(waiting)}/{layers} layers finished"
            report(min(0.999, cycles / total), f"cycle {cycles:,} of {total:,}, {finished}, {last}")
    finally:
        for future in waiting:
            future.cancel()


def cycles_done(task: LayerTask) -> int:
    """How far its simulation has come; 0 where it runs on another machine."""
    if task.folder is None:
        return 0
    try:
        state = json.loads((Path(task.folder) / task.work / "check.progress").read_text())
    except (OSError, ValueError):  # not there yet, or being written
        return 0
    return min(task.cycles, int(state["cycle"]))
