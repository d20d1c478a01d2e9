# SPDX-License-Identifier: Apache-2.0
"""rvg_read_ahead: a table's words in order, each a cycle after it is taken, from the first after a reset."""

from __future__ import annotations

import cocotb
from cocotb.triggers import FallingEdge
from streams import Bench, over_cases

TAKEN = 50


@over_cases
async def gives_words_in_order(bench: Bench) -> None:
    unit, depth = bench.unit, bench.parameters["DEPTH"]
    table = bench.words(depth, bench.parameters["WIDTH"])
    got: list[int] = []

    async def watch() -> None:
        took = False
        while True:
            await FallingEdge(bench.clk)
            if took or got:  # it keeps its word until the next one
                got.append(unit.data.value.to_unsigned())
                if not took:
                    assert got.pop() == got[-1], f"word {len(got) - 1} changed"
            took = unit.take.value == 1

    bench.play_rom("rom", table)
    for _ in range(2):
        await bench.reset(take=0)
        await bench.cycles(2)
        watching = cocotb.start_soon(watch())
        for _ in range(TAKEN):
            while bench.dice.random() < bench.idle:
                await bench.cycles(1)
            unit.take.value = 1
            await bench.cycles(1)
            unit.take.value = 0
        await bench.cycles(2)
        watching.cancel()
        assert got == [table[i % depth] for i in range(TAKEN)]
        got.clear()
