# SPDX-License-Identifier: Apache-2.0
"""rvg_multiply against Python's product: random and extreme operands, random gaps, the documented latency."""

from __future__ import annotations

from cocotb.triggers import FallingEdge, RisingEdge
from streams import Bench, over_cases, unpack

RESULTS = 300
LATENCY = 3


@over_cases
async def equals_product(bench: Bench) -> None:
    unit, p = bench.unit, bench.parameters
    due: dict[int, int] = {}
    cycle, sent, enable = 0, 0, 0
    while sent < RESULTS or due:
        valid = sent < RESULTS and bench.dice.random() >= bench.idle
        enable = (enable << 1 | int(valid)) & ((1 << LATENCY) - 1)
        # the most negative and the most positive numbers among random ones
        a, b = (
            bench.dice.choice(
                (1 << w - 1, (1 << w - 1) - 1, bench.dice.getrandbits(w), bench.dice.getrandbits(w))
            )
            for w in (p["A_W"], p["B_W"])
        )
        unit.en.value, unit.a.value, unit.b.value = enable, a, b
        if valid:
            (x,), (y,) = unpack(a, 1, p["A_W"], signed=True), unpack(b, 1, p["B_W"], signed=True)
            due[cycle + LATENCY] = x * y & ((1 << p["P_W"]) - 1)
            sent += 1
        await RisingEdge(bench.clk)
        await FallingEdge(bench.clk)
        cycle += 1
        if cycle in due:
            want, got = due.pop(cycle), unit.p.value.to_unsigned()
            assert got == want, f"cycle {cycle}: expected {want}, got {got}"
