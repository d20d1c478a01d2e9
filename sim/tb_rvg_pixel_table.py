# SPDX-License-Identifier: Apache-2.0
"""rvg_pixel_table: each channel by its own table, a bit goes along, a beat a cycle."""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.triggers import FallingEdge, RisingEdge
from streams import Bench, over_cases, pack, unpack

BEATS = 120


async def play(unit: Any, clk: Any, tables: list[list[int]], bits: int) -> None:
    """The ROMs, with registered read."""
    while True:
        await FallingEdge(clk)
        if unit.table_en.value == 1:
            addresses = unpack(unit.table_addr.value.to_unsigned(), len(tables), 8)
            word = pack((table[a] for table, a in zip(tables, addresses, strict=True)), bits)
            await RisingEdge(clk)
            unit.table_data.value = word


@over_cases
async def looks_up(bench: Bench) -> None:
    lanes, bits = bench.parameters["LANES"], bench.parameters["Y_W"]
    tables = [[bench.dice.getrandbits(bits) for _ in range(256)] for _ in range(lanes)]
    sent = bench.words(BEATS, 8 * lanes)
    await bench.reset_streams(s_axis_tlast=0)
    roms = cocotb.start_soon(play(bench.unit, bench.clk, tables, bits))
    marks: list[int] = []

    async def mark() -> None:
        """A mark of its own for every beat."""
        while len(marks) < BEATS:
            await FallingEdge(bench.clk)
            taken = bench.unit.s_axis_tvalid.value == 1 and bench.unit.s_axis_tready.value == 1
            if taken:
                marks.append(int(bench.unit.s_axis_tlast.value))
            await RisingEdge(bench.clk)
            if taken:
                bench.unit.s_axis_tlast.value = bench.dice.getrandbits(1)

    cocotb.start_soon(mark())
    cocotb.start_soon(bench.send(sent))
    got = await bench.receive(BEATS, last=True)
    roms.cancel()
    assert [beat for _, beat, _ in got] == [
        pack((table[a] for table, a in zip(tables, unpack(beat, lanes, 8), strict=True)), bits)
        for beat in sent
    ]
    assert [last for *_, last in got] == marks
    bench.planned("all beats", BEATS - 1, got[-1][0] - got[0][0])
