"""The Verilog target: sources for synthesis, proven in RTL simulation."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from repvgg_hw.design import Design
from repvgg_hw.design.results import SimulationResult
from repvgg_hw.errors import InputError
from repvgg_hw.extremes.frames import with_extremes, with_reach
from repvgg_hw.plan.engine.plan import EnginePlan
from repvgg_hw.targets.target import ProofOptions, Target
from repvgg_hw.targets.verilog import emit
from repvgg_hw.targets.verilog.engine import emit as engine_emit
from repvgg_hw.targets.verilog.engine import prove as engine_prove
from repvgg_hw.targets.verilog.layers import layerwise
from repvgg_hw.targets.verilog.simulate import Circuit, expected_cycles, simulate_network
from repvgg_hw.targets.verilog.simulator.time_limit import patience, time_limit


class VerilogTarget:
    """See `Target`. Designs of one unit for all layers are the package `engine`'s."""

    name = "verilog"
    architectures = frozenset({"stream", "engine"})
    counts = "cycles"
    takes = frozenset(
        {
            "layers",
            "jobs",
            "scheduler",
            "stalls",
            "extremes",
            "waves",
            "timeout",
            "fresh",
            "clock_gating",
            "hardware",
        }
    )

    def emit(self, design: Design[Any]) -> None:
        if isinstance(design.plan, EnginePlan):
            engine_emit.emit(design)
        else:
            emit.emit(design)

    def prove(
        self,
        design: Design[Any],
        images: NDArray[np.int8],
        options: ProofOptions,
        circuit: Circuit | None = None,
    ) -> SimulationResult:
        """The whole network in one simulation, or each layer in one of its own.

        circuit  what is simulated in the place of the RTL, whole
        """
        o = options
        alone = o.layer is not None or o.layers or o.scheduler is not None
        if o.clock_gating and (isinstance(design.plan, EnginePlan) or circuit or alone or o.stalls):
            raise InputError(
                "--clock-gating: only where the RTL of a streaming design is simulated whole, without pauses"
            )
        if isinstance(design.plan, EnginePlan):
            if circuit is not None:
                raise InputError("netlists of engines cannot be proven yet: only streaming designs' are")
            return engine_prove.prove(design, images, options)
        if alone:
            return layerwise.prove_layers(
                design,
                images,
                names=None if o.layer is None else [o.layer],
                stalls=o.stalls,
                extremes=o.extremes,
                jobs=o.jobs,
                scheduler=o.scheduler,
                waves_window=o.waves,
                timeout=o.timeout,
                fresh=o.fresh,
                progress=o.progress,
            )
        given = len(images)
        if o.extremes:
            images = with_extremes(design.network, design.plan, images)
        cycles = expected_cycles(design.plan, len(images), o.stalls)
        with time_limit(o.timeout or patience(cycles)):
            result = simulate_network(
                design,
                images,
                labels=o.labels,
                stalls=o.stalls,
                waves=None if o.waves is None else design.directory / "build" / "streams.vcd",
                waves_window=o.waves or (0, None),
                state=o.state,
                fresh=o.fresh,
                clock_gating=o.clock_gating,
                circuit=circuit,
                progress=o.progress,
            )
        return with_reach(result, design.network, design.plan, images, given) if o.extremes else result

    def is_source(self, name: str) -> bool:
        return engine_emit.is_source(name)

    def program(self, design: Design[EnginePlan]) -> None:
        engine_emit.write_image(design)

    def differing_tables(self, design: Design[Any]) -> list[tuple[str, str]]:
        if isinstance(design.plan, EnginePlan):
            return engine_emit.differing_image(design)
        return emit.differing_tables(design)


TARGET: Target = VerilogTarget()
