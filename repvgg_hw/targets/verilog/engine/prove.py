"""What `simulate` does with an engine's design."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from repvgg_hw.design import Design
from repvgg_hw.design.results import SimulationResult
from repvgg_hw.errors import InputError
from repvgg_hw.plan.engine.plan import EnginePlan
from repvgg_hw.targets.target import ProofOptions
from repvgg_hw.targets.verilog.engine.simulate import simulate
from repvgg_hw.targets.verilog.simulator.time_limit import patience, time_limit

NOT_YET = ("layer", "layers", "scheduler", "jobs", "extremes", "waves")


def prove(design: Design[EnginePlan], images: NDArray[np.int8], options: ProofOptions) -> SimulationResult:
    """Whole frames, every write and every pooled sum compared.

    Raises InputError for an option that is for streaming designs alone.
    """
    foreign = [f"--{name}" for name in NOT_YET if getattr(options, name)]
    if foreign:
        raise InputError(f"{', '.join(foreign)}: not for engines yet, which are simulated whole")
    cycles = design.plan.frame_interval * len(images) * (4 if options.stalls else 2)
    with time_limit(options.timeout or patience(cycles)):
        return simulate(
            design,
            images,
            hardware=options.hardware,
            labels=options.labels,
            stalls=options.stalls,
            state=options.state,
            fresh=options.fresh,
            progress=options.progress,
        )
