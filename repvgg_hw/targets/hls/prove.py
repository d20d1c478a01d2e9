"""`repvgg-hw simulate` for HLS designs: C simulation in place of RTL."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from repvgg_hw import golden
from repvgg_hw.design.results import LayerResult, SimulationResult
from repvgg_hw.errors import CheckFailed
from repvgg_hw.targets.hls import simulate as simulate_hls
from repvgg_hw.targets.verilog.simulate import planned_cycles, share_correct

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from repvgg_hw.design import Design


def run(
    design: Design,
    images: NDArray[np.int8],
    labels: NDArray[np.int64] | None,
    layer: str | None,
    update: Callable[[float, str], None],
) -> SimulationResult:
    """Compile the project with g++, run images (N, C, H, W) int8, compare every layer with golden.

    Intervals are initiations of the slowest pipelined loop per frame: cycles at II = 1.
    """
    planned = planned_cycles(design.plan)
    update(0.0, "compiling")
    layers: tuple[LayerResult, ...] = ()
    problems: tuple[str, ...] = ()
    simulated, golden_logits, seconds, interval = None, None, (0.0, 0.0), None
    bit_exact = len(images)
    try:
        done = simulate_hls.simulate(
            design.directory,
            design.network,
            design.plan,
            images,
            layer=layer,
            progress=lambda at, of: update(at / of, f"{at} of {of} images"),
        )
        layers = tuple(
            LayerResult(check.name, check.values, planned[check.name], cycles=check.frame_ends)
            for check in done.layers
        )
        seconds, interval, problems = (done.compile_seconds, done.run_seconds), done.interval, done.problems
        if layer is None:
            simulated, golden_logits = done.logits, golden.logits(images, design.network)
    except CheckFailed as error:
        problems, bit_exact = (str(error),), 0
    return SimulationResult(
        target=design.target,
        mode="network" if layer is None else "layers",
        images=len(images),
        bit_exact=bit_exact,
        stalls=0,
        layers=layers,
        problems=problems,
        planned_interval=design.plan.frame_interval,
        frame_interval=interval,
        build_seconds=round(seconds[0], 3),
        run_seconds=round(seconds[1], 3),
        top1_golden=share_correct(golden_logits, labels),
        top1_simulated=share_correct(simulated, labels),
    )
