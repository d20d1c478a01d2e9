"""The HLS target: a project for the vendor's HLS tool, proven in C simulation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from repvgg_hw.design import Design
from repvgg_hw.design.results import SimulationResult
from repvgg_hw.extremes.frames import with_extremes, with_reach
from repvgg_hw.plan.stream.plan import Plan
from repvgg_hw.targets.hls import emit
from repvgg_hw.targets.hls.simulate import simulate_project
from repvgg_hw.targets.target import ProofOptions, Target

NOT_ALONE = "these frames are the whole network's; inputs of a layer's own are driven in Verilog designs"


class HlsTarget:
    """See `Target`. C simulation has no clock: it counts initiations of the slowest pipelined loop."""

    name = "hls"
    architectures = frozenset({"stream"})
    counts = "loop initiations"
    takes = frozenset({"extremes", "fresh"})

    def emit(self, design: Design[Plan]) -> None:
        emit.emit(design)

    def prove(
        self, design: Design[Plan], images: NDArray[np.int8], options: ProofOptions
    ) -> SimulationResult:
        """C simulation of the whole network or of one layer; extremes are the network's in both."""
        o, given = options, len(images)
        if o.extremes:
            images = with_extremes(design.network, design.plan, images)
        result = simulate_project(
            design,
            images,
            labels=o.labels,
            layer=o.layer,
            state=o.state,
            fresh=o.fresh,
            progress=o.progress,
        )
        if not o.extremes:
            return result
        result = with_reach(result, design.network, design.plan, images, given)
        return result if o.layer is None else replace(result, notes=(*result.notes, NOT_ALONE))

    def differing_tables(self, design: Design[Plan]) -> list[tuple[str, str]]:
        return emit.differing_tables(design)


TARGET: Target = HlsTarget()
