"""What `simulate` does with an engine's design."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from repvgg_hw import golden
from repvgg_hw.design import Design
from repvgg_hw.design.results import SimulationResult
from repvgg_hw.errors import CheckFailed, InputError
from repvgg_hw.extremes.frames import with_extremes, with_reach
from repvgg_hw.plan.engine.plan import EnginePlan
from repvgg_hw.targets.target import ProofOptions
from repvgg_hw.targets.verilog.engine.extremes import shapes
from repvgg_hw.targets.verilog.engine.layerwise import simulate_layers
from repvgg_hw.targets.verilog.engine.simulate import simulate
from repvgg_hw.targets.verilog.simulator.time_limit import patience, time_limit


def prove(design: Design[EnginePlan], images: NDArray[np.int8], options: ProofOptions) -> SimulationResult:
    """Whole frames, every write and every pooled sum compared; or layers, each alone.

    Raises InputError for an option that is for streaming designs alone.
    """
    o, given = options, len(images)
    design, images = _folded(design, images)
    if o.scheduler:
        raise InputError("--scheduler: an engine's layers share one simulator, on this machine: give --jobs")
    if o.layer is not None or o.layers:
        if o.fresh:
            raise InputError("--fresh means nothing beside --layer or --layers of an engine: nothing is kept")
        return simulate_layers(design, images, o)
    own = shapes(design.plan.schedule)
    if o.extremes:
        images = with_extremes(design.network, own, images)
    cycles = design.plan.latency_estimate * len(images) * (4 if o.stalls else 2)
    with time_limit(o.timeout or patience(cycles)):
        result = simulate(
            design,
            images,
            hardware=o.hardware,
            labels=o.labels,
            stalls=o.stalls,
            state=o.state,
            fresh=o.fresh,
            waves=o.waves,
            progress=o.progress,
        )
    return with_reach(result, design.network, own, images, given) if o.extremes else result


def _folded(
    design: Design[EnginePlan], images: NDArray[np.int8]
) -> tuple[Design[EnginePlan], NDArray[np.int8]]:
    """The network and its frames as the engine has them: its first layer may be folded.

    Raises CheckFailed where golden's outputs are then not the network's own.
    """
    schedule = design.plan.schedule
    if schedule.folded_from is None:
        return design, images
    frames = schedule.frames(images).astype(np.int8)
    if not np.array_equal(
        golden.forward(images[:1], design.network), golden.forward(frames[:1], schedule.network)
    ):
        raise CheckFailed("with its first layer folded the network has other outputs: generate it again")
    return dataclasses.replace(design, network=schedule.network), frames
