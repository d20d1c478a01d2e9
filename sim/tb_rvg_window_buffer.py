# SPDX-License-Identifier: Apache-2.0
"""rvg_window_buffer against NumPy windows of the padded map; frames back to back at the documented rate."""

from __future__ import annotations

import itertools

import numpy as np
from streams import Bench, over_cases, pack

from repvgg_hw.plan.stream.timing import HANDOVER_CYCLES

FRAMES = 4


def windows(frame: np.ndarray, p: dict[str, int]) -> list[int]:
    """The expected output beats of one frame (HEIGHT, WIDTH, WORDS)."""
    kernel, step = p["KERNEL"], p["STEP"]
    covered = [(p[f"TILES_{axis}"] - 1) * step + kernel for axis in "YX"]
    padded = np.zeros((*(max(n, m + 2) for n, m in zip(covered, frame.shape, strict=False)), p["WORDS"]), int)
    padded[1 : p["HEIGHT"] + 1, 1 : p["WIDTH"] + 1] = frame
    return [
        pack(padded[y * step : y * step + kernel, x * step : x * step + kernel, word].flat, p["BEAT_W"])
        for y in range(p["TILES_Y"])
        for x in range(p["TILES_X"])
        for word in range(p["WORDS"])
    ]


def parts(p: dict[str, int]) -> int:
    """Cycles per column."""
    return p["KERNEL"] // p["READ_ROWS"]


def interval(p: dict[str, int]) -> int:
    """Cycles per frame: parts of columns read or beats written, whichever are more."""
    slide = p["STEP"] * (p["TILES_X"] - 1) + p["KERNEL"]
    columns = slide if p["WORDS"] == 1 else p["TILES_X"] * p["KERNEL"] * p["WORDS"]
    return max(p["TILES_Y"] * columns * parts(p), p["HEIGHT"] * p["WIDTH"] * p["WORDS"])


@over_cases
async def equals_padded_windows(bench: Bench) -> None:
    p = bench.parameters
    frames = bench.rng.integers(0, 1 << p["BEAT_W"], (FRAMES, p["HEIGHT"], p["WIDTH"], p["WORDS"]))
    expected = [windows(frame, p) for frame in frames]
    await bench.reset_streams()
    cycles = await bench.equal(frames.flatten().tolist(), [beat for beats in expected for beat in beats])
    if bench.stalls == "flowing":
        rows = p["KERNEL"] * p["WIDTH"] * p["WORDS"]  # beats of as many rows as a window needs
        due = max(p["KERNEL"] * parts(p), rows)
        waits = [later - earlier - due for earlier, later in itertools.pairwise(cycles)]
        assert max(waits, default=0) <= HANDOVER_CYCLES
        ends = cycles[len(expected[0]) - 1 :: len(expected[0])]
        measured = [later - earlier for earlier, later in itertools.pairwise(ends)]
        assert measured[-1] == interval(p), f"planned {interval(p)} cycles per frame, measured {measured}"


@over_cases
async def reset_in_the_middle_of_a_frame(bench: Bench) -> None:
    p = bench.parameters
    frame = bench.rng.integers(0, 1 << p["BEAT_W"], (p["HEIGHT"], p["WIDTH"], p["WORDS"]))
    await bench.reset_streams()
    bench.unit.m_axis_tready.value = 1
    await bench.send(frame.flatten().tolist()[: frame.size // 2 + 1])
    await bench.reset_streams()
    await bench.equal(frame.flatten().tolist(), windows(frame, p))
