# SPDX-License-Identifier: Apache-2.0
"""rvg_reset: begins between edges, ends STAGES edges behind the one outside, however short that is."""

from __future__ import annotations

from cocotb.triggers import FallingEdge, ReadOnly, RisingEdge, Timer
from streams import PERIOD_NS, Bench, over_cases


async def settled(bench: Bench) -> int:
    await ReadOnly()
    return int(bench.unit.rst.value)


@over_cases
async def lasts_long_enough(bench: Bench) -> None:
    unit, stages = bench.unit, bench.parameters["STAGES"]
    unit.rst_n.value = 1
    await bench.cycles(2 * stages)
    for wait in (0, 1, stages - 1, 3 * stages):
        await FallingEdge(bench.clk)
        assert await settled(bench) == 0
        await Timer(PERIOD_NS * 1000 // 4, unit="ps")
        unit.rst_n.value = 0
        await Timer(1, unit="ps")
        assert await settled(bench) == 1, "does not begin before an edge"
        await Timer(1, unit="ps")
        for _ in range(wait):
            await RisingEdge(bench.clk)
            assert await settled(bench) == 1
        await Timer(1, unit="ps")
        unit.rst_n.value = 1
        for edge in range(stages):
            await RisingEdge(bench.clk)
            assert await settled(bench) == int(edge < stages - 1), f"edge {edge + 1} behind its end"
        await bench.cycles(2)
