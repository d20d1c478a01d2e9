# SPDX-License-Identifier: Apache-2.0
"""rvg_in_turn: every word once, in its order and cycle; loads follow without a gap, or after any."""

from __future__ import annotations

from cocotb.triggers import FallingEdge, RisingEdge
from streams import Bench, over_cases, pack

LOADS = 60


@over_cases
async def gives_words_in_order(bench: Bench) -> None:
    unit, w, n = bench.unit, bench.parameters["W"], bench.parameters["N"]
    due: dict[int, int] = {}
    cycle, loads, ready = 0, 0, 0  # the first cycle in which a load may come
    while loads < LOADS or due:
        load = loads < LOADS and cycle >= ready and bench.dice.random() >= bench.idle
        words = bench.words(n, w)
        unit.load.value, unit.d.value = load, pack(words, w)
        if load:
            loads, ready = loads + 1, cycle + n
            due |= {cycle + 2 + i: word for i, word in enumerate(words)}
        await RisingEdge(bench.clk)
        await FallingEdge(bench.clk)
        cycle += 1
        if cycle in due:
            want, got = due.pop(cycle), unit.q.value.to_unsigned()
            assert got == want, f"load {loads}, cycle {cycle}: expected {want}, got {got}"
