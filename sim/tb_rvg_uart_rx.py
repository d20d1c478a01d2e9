# SPDX-License-Identifier: Apache-2.0
"""rvg_uart_rx: bytes at the nominal speed and 4 % beside it; glitches and broken frames are dropped."""

from __future__ import annotations

import cocotb
from cocotb.triggers import FallingEdge, RisingEdge
from streams import Bench, over_cases

BYTES = [0x00, 0xFF, 0x55, 0xA6, 0x01, 0x80, 0x7E]


@over_cases
async def receives(bench: Bench) -> None:
    unit, clocks = bench.unit, bench.parameters["CLOCKS"]
    await bench.reset(rxd=1)
    got: list[int] = []

    async def watch() -> None:
        while True:
            await FallingEdge(bench.clk)
            if unit.valid.value == 1:
                got.append(unit.data.value.to_unsigned())
            await RisingEdge(bench.clk)

    cocotb.start_soon(watch())

    async def put(bits: list[int], speed: float = 1.0) -> None:
        spent = 0
        for number, bit in enumerate(bits):
            unit.rxd.value = bit
            until = round((number + 1) * clocks * speed)
            await bench.cycles(until - spent)
            spent = until
        unit.rxd.value = 1

    def frame(byte: int) -> list[int]:
        return [0, *(byte >> i & 1 for i in range(8)), 1]

    await bench.cycles(20)
    wanted: list[int] = []
    for speed in (1.0, 0.96, 1.04):
        if speed != 1.0 and clocks < 16:
            continue  # a bit of 8 cycles leaves no room beside the nominal speed
        for byte in BYTES:
            await put(frame(byte), speed)
            if bench.stalls != "flowing":
                await bench.cycles(bench.dice.randrange(3 * clocks))
        wanted += BYTES
    await bench.cycles(clocks)
    assert got == wanted
    unit.rxd.value = 0  # a glitch: gone in the middle of the start bit
    await bench.cycles(max(1, clocks // 2 - 4))
    unit.rxd.value = 1
    await bench.cycles(12 * clocks)
    await put([*frame(0x5A)[:9], 0])  # no stop bit
    await bench.cycles(3 * clocks)
    assert got == wanted, "a byte that nobody sent"
    await put(frame(0x3C))
    await bench.cycles(clocks)
    assert got == [*wanted, 0x3C]
