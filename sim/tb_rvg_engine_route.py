# SPDX-License-Identifier: Apache-2.0
"""rvg_engine_route: each region's beats reach the unit that they are for, in order, and no others."""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.triggers import FallingEdge, RisingEdge
from streams import Bench, over_cases

REGIONS = 12


@over_cases
async def sorts_regions(bench: Bench) -> None:
    unit, dice = bench.unit, bench.dice
    regions = [(dice.randint(0, 1), dice.choice((0, 1, 2, dice.randint(1, 20)))) for _ in range(REGIONS)]
    beats = bench.words(sum(count for _, count in regions), bench.parameters["WIDTH"])
    expected: dict[str, list[int]] = {"conv": [], "linear": []}
    left = iter(beats)
    for linear, count in regions:
        expected["linear" if linear else "conv"] += [next(left) for _ in range(count)]
    got: dict[str, list[int]] = {"conv": [], "linear": []}

    async def commands() -> None:
        for linear, count in regions:
            unit.cmd_tdata.value, unit.cmd_tvalid.value = linear << 32 | count, 1
            taken = False
            while not taken:
                await FallingEdge(bench.clk)
                taken = unit.cmd_tready.value == 1
                await RisingEdge(bench.clk)
            unit.cmd_tvalid.value = 0

    async def take(name: str) -> None:
        valid, ready, data = (getattr(unit, f"{name}_{what}") for what in ("tvalid", "tready", "tdata"))
        while True:
            await RisingEdge(bench.clk)
            ready.value = int(dice.random() >= bench.pause)
            await FallingEdge(bench.clk)
            if valid.value == 1 and ready.value == 1:
                got[name].append(data.value.to_unsigned())

    await bench.reset(s_axis_tvalid=0, cmd_tvalid=0, conv_tready=0, linear_tready=0)
    tasks: list[Any] = [cocotb.start_soon(task) for task in (commands(), take("conv"), take("linear"))]
    cocotb.start_soon(bench.send(beats))
    await bench.cycles(12 * len(beats) + 200)
    assert got == expected
    assert tasks[0].done(), "not every command was taken"
