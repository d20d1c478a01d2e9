# SPDX-License-Identifier: Apache-2.0
"""rvg_stream_upsize: RATIO beats become one, the first in the low bits."""

from __future__ import annotations

from streams import Bench, over_cases, pack

WORDS = 80


@over_cases
async def gathers(bench: Bench) -> None:
    width, ratio = bench.parameters["IN_W"], bench.parameters["RATIO"]
    beats = bench.words(WORDS * ratio, width)
    await bench.reset_streams()
    expected = [pack(beats[i : i + ratio], width) for i in range(0, len(beats), ratio)]
    cycles = await bench.equal(beats, expected)
    if bench.stalls == "flowing":
        assert cycles[-1] - cycles[0] == (WORDS - 1) * ratio
