# SPDX-License-Identifier: Apache-2.0
"""rvg_pair_accumulate against NumPy: sets of words, extreme operands, random gaps, the planned latency."""

from __future__ import annotations

import numpy as np
from cocotb.triggers import FallingEdge, RisingEdge
from streams import Bench, over_cases, pack

from repvgg_hw.plan.stream.timing import accumulate_cycles, pair_chain

WORDS = 240


@over_cases
async def equals_numpy(bench: Bench) -> None:
    unit, p = bench.unit, bench.parameters
    n, most = p["N"], pair_chain(p["X_W"], bool(p["X_SIGNED"]), p["W_W"])
    latency = accumulate_cycles(n, most)
    low, high = (-(1 << p["X_W"] - 1), 1 << p["X_W"] - 1) if p["X_SIGNED"] else (0, 1 << p["X_W"])
    top = (1 << p["W_W"] - 1) - 1
    x, w = bench.rng.integers(low, high, (WORDS, n)), bench.rng.integers(-top, top + 1, (WORDS, 2, n))
    x[::5] = bench.rng.choice([low, high - 1], x[::5].shape)
    w[::5] = bench.rng.choice([-top, top], w[::5].shape)
    x[::7], w[::7] = (low if p["X_SIGNED"] else high - 1), -top  # sums at the edges of their fields
    x[1::7], w[1::7] = high - 1, top
    w[2::7, 1] = -w[2::7, 0]
    first = bench.rng.random(WORDS) < 0.2
    first[0] = True
    sums, total = [], np.zeros(2, np.int64)
    for begins, products in zip(first, (x[:, None] * w).sum(axis=2), strict=True):
        total = products + (0 if begins else total)
        sums.append(pack(total, p["SUM_W"]))
    table = w.copy()  # as rvg_pair_accumulate.sv wants it
    table[:, 1] -= w[:, 0] < 0
    due: dict[int, int] = {}
    flags: dict[int, bool] = {}  # cycle in which a word is added -> whether it is the first of its set
    cycle, sent, enable = 0, 0, 0
    while sent < WORDS or due:
        valid = sent < WORDS and bench.dice.random() >= bench.idle
        enable = (enable << 1 | int(valid)) & ((1 << latency) - 1)
        unit.en.value = enable
        unit.first.value = int(flags.pop(cycle, bench.dice.random() < 0.5))
        if valid:
            unit.x.value, unit.w.value = pack(x[sent], p["X_W"]), pack(table[sent].ravel(), p["W_W"])
            due[cycle + latency] = sums[sent]
            flags[cycle + latency - 1] = bool(first[sent])
            sent += 1
        else:  # operands that nobody asked for
            unit.x.value, unit.w.value = bench.dice.getrandbits(n * p["X_W"]), 0
        await RisingEdge(bench.clk)
        await FallingEdge(bench.clk)
        cycle += 1
        if cycle in due:
            want, got = due.pop(cycle), unit.sum.value.to_unsigned()
            assert got == want, f"cycle {cycle}: expected {want}, got {got}"
