# SPDX-License-Identifier: Apache-2.0
"""rvg_fifo: every beat passes once, in order; it takes exactly DEPTH beats before any leaves."""

from __future__ import annotations

from cocotb.triggers import FallingEdge
from streams import Bench, over_cases

BEATS = 300


@over_cases
async def passes_every_beat(bench: Bench) -> None:
    beats = bench.words(BEATS, bench.parameters["WIDTH"])
    await bench.reset_streams()
    cycles = await bench.equal(beats, beats)
    if bench.stalls == "flowing" and bench.parameters["DEPTH"] > 1:
        assert cycles[-1] - cycles[0] == BEATS - 1


@over_cases
async def holds_its_depth(bench: Bench) -> None:
    unit, depth = bench.unit, bench.parameters["DEPTH"]
    await bench.reset_streams()
    unit.s_axis_tvalid.value, taken = 1, 0
    for _ in range(depth + 5):
        await FallingEdge(bench.clk)
        taken += int(unit.s_axis_tready.value)
    assert taken == depth
