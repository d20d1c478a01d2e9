# SPDX-License-Identifier: Apache-2.0
"""rvg_adder_tree against Python's sum: random terms, random gaps, the documented latency."""

from __future__ import annotations

from cocotb.triggers import FallingEdge, RisingEdge
from streams import Bench, over_cases, unpack

RESULTS = 200


@over_cases
async def equals_sum(bench: Bench) -> None:
    unit, p = bench.unit, bench.parameters
    n, term_width, width = p["N"], p["TERM_W"], p["W"]
    latency = next(levels for levels in range(1, 9) if 2**levels >= n)
    due: dict[int, int] = {}
    cycle, sent, enable = 0, 0, 0
    while sent < RESULTS or due:
        word, valid = (
            bench.dice.getrandbits(n * term_width),
            sent < RESULTS and bench.dice.random() >= bench.idle,
        )
        enable = (enable << 1 | int(valid)) & ((1 << latency) - 1)
        unit.enable.value, unit.terms.value = enable, word
        if valid:
            due[cycle + latency] = sum(unpack(word, n, term_width, signed=True)) & ((1 << width) - 1)
            sent += 1
        await RisingEdge(bench.clk)
        await FallingEdge(bench.clk)
        cycle += 1
        if cycle in due:
            want, got = due.pop(cycle), unit.sum.value.to_unsigned()
            assert got == want, f"cycle {cycle}: expected {want}, got {got}"
