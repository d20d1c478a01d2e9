"""`simulate --layer` and `--layers` of an engine: each alone, by an image of its own, on one simulator."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from concurrent.futures import Future, as_completed
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from repvgg_hw.design import Design
from repvgg_hw.design.results import SimulationResult
from repvgg_hw.errors import CheckFailed, InputError, RepVGGHWError
from repvgg_hw.executor import executor
from repvgg_hw.plan.engine.plan import EnginePlan
from repvgg_hw.targets.target import ProofOptions
from repvgg_hw.targets.verilog.engine.emit import differing_image
from repvgg_hw.targets.verilog.engine.layers import Part, Proof, layer_frames, parts, prove
from repvgg_hw.targets.verilog.engine.run import Waves
from repvgg_hw.targets.verilog.engine.simulate import simulator_of
from repvgg_hw.targets.verilog.simulator import recording


def chosen(design: Design[EnginePlan], names: Sequence[str] | None) -> list[Part]:
    """The parts with these layers, all where None. Raises InputError for a layer that is not there."""
    plan = design.plan
    known = [layer.name for layer in plan.layers]
    for name in names or ():
        if name not in known:
            raise InputError(f"there is no layer {name!r}: the design has {', '.join(known)}")
    found = parts(plan.schedule, plan.layers, plan.memory_bytes)
    return [part for part in found if names is None or {one.name for one in part.planned} & set(names)]


def simulate_layers(
    design: Design[EnginePlan], images: NDArray[np.int8], options: ProofOptions
) -> SimulationResult:
    """Prove layers, all or options.layer, on golden's inputs for images (N, C, H, W).

    Of options: layer, jobs, stalls, extremes, waves, timeout, hardware, progress. The result's seconds of
    running are those of all processes together. Differences are in the result, not raised. Raises InputError
    for an unknown layer, a missing tool or file, CheckFailed where a process dies.
    """
    o, started = options, time.monotonic()
    hardware = o.hardware or design
    todo = chosen(design, None if o.layer is None else [o.layer])
    jobs = [part.job() for part in todo]
    simulator = simulator_of(hardware, jobs, progress=o.progress)
    recorder = None if o.waves is None else simulator_of(hardware, jobs, trace=True)
    built = time.monotonic()
    work = design.directory.resolve() / "build" / "layers"
    inputs = dict(layer_frames(design.network, images))
    proofs, dumps = dict[str, Proof](), list[Waves]()
    with executor(None, min(o.jobs or os.cpu_count() or 1, len(todo))) as pool:
        waiting: dict[Future[Proof], Part] = {}
        for part in todo:
            waves = None
            if recorder is not None and o.waves is not None:
                window = recording.limited(o.waves, recording.INSIDE_CYCLES)
                dumps.append(Waves(vcd(work, part.name), window))
                dumps[-1].file.unlink(missing_ok=True)
                waves = (recorder, dumps[-1])
            future = pool.submit(
                prove, simulator, part, inputs[part.name], work, stalls=o.stalls, extremes=o.extremes,
                timeout=o.timeout, waves=waves,
            )  # fmt: skip
            waiting[future] = part
        for future in as_completed(waiting):
            name = waiting[future].name
            try:
                proofs[name] = future.result()
            except RepVGGHWError:
                raise
            except Exception as error:  # its process was killed, say for want of memory
                raise CheckFailed(
                    f"{name}: its process ended badly ({type(error).__name__}: {error})"
                ) from None
            o.progress(len(proofs) / len(todo), f"{len(proofs)}/{len(todo)} layers finished, {name}")
    in_order = [proofs[part.name] for part in todo]
    layers = tuple(layer for proof in in_order for layer in proof.layers)
    wanted = {layer.name for layer in layers} | {"image"}
    problems = [f"{name}: {message}" for name, message in differing_image(design) if name in wanted]
    problems += [
        f"{part.name}: {text}" for part, proof in zip(todo, in_order, strict=True) for text in proof.problems
    ]
    problems += [layer.problem for layer in layers if layer.problem]
    bad = {image for layer in layers for image in layer.bad_frames if image < len(images)}  # no extremes'
    return SimulationResult(
        target=design.target,
        mode="layers",
        images=len(images),
        bit_exact=0 if any(proof.problems for proof in in_order) else len(images) - len(bad),
        stalls=o.stalls,
        layers=layers,
        problems=tuple(problems),
        planned_interval=design.plan.frame_interval,
        build_seconds=round(built - started, 3),
        run_seconds=round(sum(proof.seconds for proof in in_order), 3),
        notes=tuple(recording.finish(one.file, one.window) for one in dumps),
    )


def vcd(work: Path, name: str) -> Path:
    """Where a layer's waves lie."""
    return work / name.replace(".", "_") / "layer.vcd"
