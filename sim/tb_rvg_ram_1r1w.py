# SPDX-License-Identifier: Apache-2.0
"""rvg_ram_1r1w against a Python list: random writes and reads, never both of one address at once."""

from __future__ import annotations

from cocotb.triggers import FallingEdge
from streams import Bench, over_cases

CYCLES = 400


async def compared_with_a_list(bench: Bench) -> None:
    """Of any memory with these ports."""
    unit, width, depth = bench.unit, bench.parameters["WIDTH"], bench.parameters["DEPTH"]
    content: dict[int, int] = {}
    expected = None
    for _ in range(CYCLES):
        write, read = bench.dice.random() >= bench.idle, bench.dice.random() >= bench.pause
        to, at, data = bench.dice.randrange(depth), bench.dice.randrange(depth), bench.dice.getrandbits(width)
        read = read and at in content and not (write and to == at)
        unit.wr_en.value, unit.wr_addr.value, unit.wr_data.value = int(write), to, data
        unit.rd_en.value, unit.rd_addr.value = int(read), at
        await bench.cycles(1)
        await FallingEdge(bench.clk)
        expected = content[at] if read else expected
        if write:
            content[to] = data
        if expected is not None:
            assert unit.rd_data.value.to_unsigned() == expected


equals_a_list = over_cases(compared_with_a_list)
