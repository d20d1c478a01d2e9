# SPDX-License-Identifier: Apache-2.0
"""rvg_frame_check against a counter: right frames raise no error, one wrong tlast does, until reset."""

from __future__ import annotations

from cocotb.triggers import FallingEdge
from streams import Bench, over_cases


async def play(bench: Bench, lasts: list[int]) -> int:
    """Send beats with these tlasts; returns how many were taken until the error rose, or -1."""
    unit, rest = bench.unit, [*lasts]
    await bench.reset(tvalid=0, tready=0, tlast=0)
    while rest:
        valid, ready = bench.dice.random() >= bench.idle, bench.dice.random() >= bench.pause
        unit.tvalid.value, unit.tready.value = int(valid), int(ready)
        unit.tlast.value = rest[0] if valid else bench.dice.getrandbits(1)
        await bench.cycles(1)
        if valid and ready:
            rest.pop(0)
        unit.tvalid.value = 0
        await FallingEdge(bench.clk)
        if unit.error.value == 1:
            return len(lasts) - len(rest)
    return -1


@over_cases
async def finds_a_wrong_tlast(bench: Bench) -> None:
    beats = bench.parameters["BEATS"]
    lasts = [int(i % beats == beats - 1) for i in range(4 * beats)]
    assert await play(bench, lasts) == -1
    wrong = bench.dice.randrange(len(lasts))
    lasts[wrong] ^= 1
    assert await play(bench, lasts) == wrong + 1
    await bench.cycles(5)
    assert bench.unit.error.value == 1, "the error did not stay"
