# SPDX-License-Identifier: Apache-2.0
"""rvg_uart_tx: every bit for its cycles, bytes back to back, the line high while idle."""

from __future__ import annotations

import cocotb
from cocotb.triggers import FallingEdge, RisingEdge
from streams import Bench, over_cases

BYTES = [0x00, 0xFF, 0x55, 0xA6, 0x01, 0x80]


@over_cases
async def sends(bench: Bench) -> None:
    """The line, sampled every cycle, is the frames of the bytes and ones between them."""
    unit, clocks = bench.unit, bench.parameters["CLOCKS"]
    await bench.reset(s_axis_tvalid=0)
    line: list[int] = []

    async def watch() -> None:
        while True:
            await FallingEdge(bench.clk)
            line.append(int(unit.txd.value))

    cocotb.start_soon(watch())
    cocotb.start_soon(bench.send(BYTES))
    while len(line) < (12 * len(BYTES) + 4) * clocks + 40:
        await RisingEdge(bench.clk)
    got: list[int] = []
    gaps: list[int] = []
    place = 0
    while place < len(line):
        if line[place] == 1:
            gaps.append(place)
            place += 1
            continue
        frame = line[place : place + 10 * clocks]
        bits = [frame[i * clocks : (i + 1) * clocks] for i in range(10)]
        assert all(len(set(bit)) == 1 for bit in bits), f"byte {len(got)}: a bit changed within its time"
        assert bits[9][0] == 1, "no stop bit"
        got.append(sum(bits[1 + i][0] << i for i in range(8)))
        place += 10 * clocks
    assert got == BYTES
    if bench.stalls == "flowing":  # one idle cycle between bytes at most
        assert sum(1 for gap in gaps if gap < 10 * clocks * len(BYTES)) <= len(BYTES) + 4
