# SPDX-License-Identifier: Apache-2.0
"""rvg_rom against the file that it was loaded from; without `en` the data hold."""

from __future__ import annotations

from pathlib import Path

from cocotb.triggers import FallingEdge
from streams import Bench, over_cases

CYCLES = 200


@over_cases
async def equals_its_file(bench: Bench) -> None:
    unit, p = bench.unit, bench.parameters
    table = [int(line, 16) for line in Path(p["FILE"]).read_text().split()]
    expected = None
    for _ in range(CYCLES):
        enable, address = bench.dice.random() >= bench.idle, bench.dice.randrange(p["DEPTH"])
        unit.en.value, unit.addr.value = int(enable), address
        await bench.cycles(1)
        await FallingEdge(bench.clk)
        expected = table[address] if enable else expected
        if expected is not None:
            assert unit.data.value.to_unsigned() == expected
