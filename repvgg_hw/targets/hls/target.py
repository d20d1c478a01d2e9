"""The HLS target: a project for the vendor's HLS tool, proven in C simulation."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from repvgg_hw.design import Design
from repvgg_hw.design.results import SimulationResult
from repvgg_hw.plan.stream.plan import Plan
from repvgg_hw.targets.hls import emit
from repvgg_hw.targets.hls.simulate import simulate_project
from repvgg_hw.targets.target import ProofOptions, Target


class HlsTarget:
    """See `Target`. C simulation has no clock: it counts initiations of the slowest pipelined loop."""

    name = "hls"
    architectures = frozenset({"stream"})
    counts = "loop initiations"
    takes: frozenset[str] = frozenset()

    def emit(self, design: Design[Plan]) -> None:
        emit.emit(design)

    def prove(
        self, design: Design[Plan], images: NDArray[np.int8], options: ProofOptions
    ) -> SimulationResult:
        return simulate_project(
            design, images, labels=options.labels, layer=options.layer, progress=options.progress
        )

    def differing_tables(self, design: Design[Plan]) -> list[tuple[str, str]]:
        return emit.differing_tables(design)


TARGET: Target = HlsTarget()
