"""What a bench's log says of the layers: equal to golden or not, in time or not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from repvgg_hw.design.results import LayerResult
from repvgg_hw.plan.stream.plan import Plan
from repvgg_hw.targets.verilog.netlist import Probe
from repvgg_hw.targets.verilog.vectors import beat_values, locate


def frames_played(lines: Iterable[str], images: int) -> int:
    """Frames that the source began, as the bench says at its end; the images where it did not come so far."""
    return max([images, *(int(line.split()[1]) for line in lines if line.startswith("frames "))])


def ended(lines: Iterable[str]) -> bool:
    """Whether the bench came to an end, good or bad: a simulator that was killed says nothing of it."""
    return any(line.startswith("frames ") for line in lines)


def judge(
    lines: Sequence[str],
    probes: Sequence[Probe],
    shapes: dict[str, tuple[int, ...]],
    planned: dict[str, int],
    images: int,
    first_image: int = 0,
) -> list[LayerResult]:
    """Judge every layer by what its check wrote into the log; silence is a failure.

    The `images` were played once, or over and over: see `frames_played`. Before them, first_image others had
    been proven.
    """
    frames = frames_played(lines, images)
    cycles: dict[str, list[int]] = {probe.layer: [] for probe in probes}
    bad: dict[str, list[int]] = {probe.layer: [] for probe in probes}
    first: dict[str, list[str]] = {}
    ends: dict[str, tuple[int, int]] = {}
    for line in lines:
        kind, *words = line.split()
        if kind == "frame":
            cycles[words[0]].append(int(words[2]))
            if int(words[3]):
                bad[words[0]].append(int(words[1]))
        elif kind in ("mismatch", "surplus", "tlast"):
            first.setdefault(words[0], [kind, *words[1:]])
        elif kind == "end":
            ends[words[0]] = (int(words[1]), int(words[2]))
    results = []
    for probe in probes:
        name, divergence, problem = probe.layer, None, None
        done, beat = ends.get(name, (len(cycles[name]), 0))
        done = min(done, len(cycles[name]))  # each that is done has said so itself
        if name in first and first[name][0] == "mismatch":
            _, frame, at, *words = first[name]
            signed = name == "linear"
            lanes, bits = probe.stream.lanes, probe.stream.lane_bits
            expected, got = (beat_values(word, lanes, bits, signed) for word in words)
            divergence = locate(name, first_image + int(frame) % images, int(at), shapes[name], expected, got)
            problem = str(divergence)
        elif name in first and first[name][0] == "tlast":
            problem = f"{name}: tlast is wrong at beat {first[name][1]} of a frame"
        elif name in first:
            problem = f"{name}: sends more than {frames} frames of {probe.beats} beats"
        elif bad[name]:
            image = first_image + bad[name][0] % images
            problem = f"{name}: image {image} differs, and the bench does not say where"
        elif done < frames:
            image = first_image + done % images
            problem = f"{name}: stops in image {image} after {beat} of {probe.beats} beats"
        bad[name] += range(done, frames)
        values = (first_image + len(cycles[name])) * probe.beats * probe.stream.lanes
        results.append(
            LayerResult(
                name,
                values,
                planned[name],
                problem,
                divergence,
                tuple(cycles[name]),
                tuple(sorted({first_image + frame % images for frame in bad[name]})),
            )
        )
    return results


def read_logits(lines: Iterable[str], plan: Plan, frames: int) -> NDArray[np.int64] | None:
    """The logits that the RTL sent (N, classes), or None if frames are missing or the design has none."""
    if plan.linear is None:
        return None
    words = [line.split()[1] for line in lines if line.startswith("logit ")]
    if len(words) < frames * plan.linear.c_out:
        return None
    values = [beat_values(word, 1, plan.linear.acc_bits, True)[0] for word in words]
    return np.array(values[: frames * plan.linear.c_out]).reshape(frames, -1)


def wrong_intervals(layers: Sequence[LayerResult], plan: Plan) -> list[str]:
    """Layers whose last frame interval, input never pausing, contradicts the plan.

    None may be longer, and from the slowest one on each keeps it to the cycle. Those before it may still run
    ahead while the buffers between fill: on the smallest maps these hold whole frames.
    """
    planned = plan.frame_interval
    slow = (i for i, layer in enumerate(layers) if planned in (plan.in_cycles, layer.planned_cycles))
    slowest = next(slow, len(layers) - 1)
    return [
        f"{layer.name}: frame interval {layer.interval} cycles, planned {planned}"
        for i, layer in enumerate(layers)
        if layer.interval is None or layer.interval > planned or (i >= slowest and layer.interval < planned)
    ]


def exact_images(layers: Sequence[LayerResult], images: int) -> int:
    """Of the first `images` that were played, those of which every frame was equal in every layer."""
    if not layers or not all(layer.cycles for layer in layers):
        return 0
    return images - len({image for layer in layers for image in layer.bad_frames if image < images})
