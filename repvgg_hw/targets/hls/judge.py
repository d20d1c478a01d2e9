"""Judge a layer of an HLS design by what the bench wrote: its values, and its loop's initiations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from repvgg_hw.design.results import Divergence, LayerResult
from repvgg_hw.plan.stream.plan import Plan
from repvgg_hw.targets.hls.emit import raster

Ints = NDArray[np.integer]


def read_trace(path: Path) -> Ints:
    """The numbers of one trace file; none where the bench did not come that far."""
    if not path.is_file():
        return np.zeros(0, dtype=np.int64)
    return np.array(path.read_bytes().split(), dtype=np.int64)


def read_loops(path: Path) -> tuple[str, tuple[int, ...]]:
    """The slowest loop of a layer in any call of the bench, and the last two of its frame ends there."""
    lines = [line.split() for line in path.read_text().splitlines()] if path.is_file() else []
    calls = [(loop, (int(before), int(end))) for loop, before, end in lines]
    return max(calls, key=lambda call: call[1][1] - call[1][0], default=("", ()))


def judge(
    name: str, trace: Ints, expected: Ints, planned: int, *, first_image: int = 0, ended: str = ""
) -> LayerResult:
    """Compare one layer with golden.

    trace     what it sent, flat, in the stream's order
    expected  (N, C, H, W) or (N, C), of the images from first_image on
    ended     why the bench stopped, where it did
    """
    ordered = raster(expected) if expected.ndim == 4 else expected
    flat, frame = ordered.ravel(), ordered[0].size
    common = min(flat.size, trace.size)
    wrong = np.flatnonzero(flat[:common] != trace[:common])
    divergence = problem = None
    if wrong.size:
        image, *pixel, channel = (int(i) for i in np.unravel_index(int(wrong[0]), ordered.shape))
        row, column = pixel or (None, None)
        values = int(flat[wrong[0]]), int(trace[wrong[0]])
        divergence = Divergence(name, first_image + image, channel, row, column, *values)
        problem = str(divergence)
    elif trace.size != flat.size:
        reason = f": {ended}" if ended else ""
        problem = f"{name}: {flat.size} values expected, got {trace.size}{reason}"
    bad = tuple(first_image + int(at) for at in np.unique(wrong // frame))
    return LayerResult(name, common, planned, problem, divergence, bad_frames=bad)


def slower(before: LayerResult, now: LayerResult) -> LayerResult:
    """A layer's later result, with the values of both and the frame ends of the slower loop."""
    cycles = max(before.cycles, now.cycles, key=lambda ends: ends[-1] - ends[0] if ends else 0)
    return replace(now, values=before.values + now.values, cycles=cycles)


def wrong_intervals(layers: Sequence[LayerResult], loops: Mapping[str, str], plan: Plan) -> list[str]:
    """Layers whose slowest loop (layer -> its name) is not initiated as often per frame as it must be.

    More often than the plan's frame interval breaks the plan; less often than there is work skips some.
    """
    fewest = {conv.name: conv.initiations for conv in plan.convs}
    if plan.linear is not None:
        fewest |= {"pool": plan.linear.pool_cycles, "linear": plan.linear.compute_cycles}
    problems = []
    for layer in layers:
        if layer.interval is None:
            continue
        counted = f"{layer.name}: {loops[layer.name]} is initiated {layer.interval} times per frame"
        if layer.interval > plan.frame_interval:
            problems.append(f"{counted}, planned {plan.frame_interval}")
        elif layer.interval < fewest[layer.name]:
            problems.append(f"{counted}, its work needs {fewest[layer.name]}")
    return problems
