# SPDX-License-Identifier: Apache-2.0
"""rvg_stream_reg: every beat passes once, in order; without stalls one per cycle."""

from __future__ import annotations

from streams import Bench, over_cases

BEATS = 300


@over_cases
async def passes_every_beat(bench: Bench) -> None:
    beats = bench.words(BEATS, bench.parameters["WIDTH"])
    await bench.reset_streams()
    cycles = await bench.equal(beats, beats)
    if bench.stalls == "flowing":
        assert cycles[-1] - cycles[0] == BEATS - 1


@over_cases
async def reset_empties(bench: Bench) -> None:
    """What was held at a reset does not come out after it."""
    await bench.reset_streams()
    bench.unit.s_axis_tvalid.value = 1
    await bench.cycles(5)
    await bench.reset_streams()
    await bench.equal([1, 0], [1, 0])
