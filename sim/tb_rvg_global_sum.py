# SPDX-License-Identifier: Apache-2.0
"""rvg_global_sum against golden.global_sum, extreme maps among the random ones."""

from __future__ import annotations

from streams import Bench, over_cases, pack

from repvgg_hw import golden

FRAMES = 5


@over_cases
async def equals_golden(bench: Bench) -> None:
    lanes, words, pixels, bits, sum_bits = (
        bench.parameters[name] for name in ("LANES", "WORDS", "PIXELS", "X_W", "SUM_W")
    )
    maps = bench.rng.integers(0, 1 << bits, (FRAMES, lanes * words, pixels, 1))
    maps[1], maps[3] = (1 << bits) - 1, 0
    beats = [pack(beat, bits) for beat in maps[..., 0].transpose(0, 2, 1).reshape(-1, lanes)]
    sums = golden.global_sum(maps).reshape(-1, lanes)
    await bench.reset_streams()
    await bench.equal(beats, [pack(beat, sum_bits) for beat in sums])
