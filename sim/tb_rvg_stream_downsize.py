# SPDX-License-Identifier: Apache-2.0
"""rvg_stream_downsize: one beat becomes RATIO, low bits first."""

from __future__ import annotations

from streams import Bench, over_cases, unpack

WORDS = 80


@over_cases
async def splits(bench: Bench) -> None:
    width, ratio = bench.parameters["OUT_W"], bench.parameters["RATIO"]
    beats = bench.words(WORDS, width * ratio)
    await bench.reset_streams()
    cycles = await bench.equal(beats, [part for beat in beats for part in unpack(beat, ratio, width)])
    if bench.stalls == "flowing":
        assert cycles[-1] - cycles[0] == WORDS * ratio - 1
