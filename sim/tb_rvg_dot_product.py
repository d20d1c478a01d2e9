# SPDX-License-Identifier: Apache-2.0
"""rvg_dot_product against NumPy: random and extreme operands, random gaps, the documented latency."""

from __future__ import annotations

from cocotb.triggers import FallingEdge, RisingEdge
from streams import Bench, over_cases, pack

from repvgg_hw.plan.stream.timing import dot_cycles

RESULTS = 200


@over_cases
async def equals_numpy(bench: Bench) -> None:
    unit, p = bench.unit, bench.parameters
    n, latency = p["N"], dot_cycles(p["N"])
    low, high = (-(1 << p["X_W"] - 1), 1 << p["X_W"] - 1) if p["X_SIGNED"] else (0, 1 << p["X_W"])
    w_high = 1 << p["W_W"] - 1
    x, w = bench.rng.integers(low, high, (RESULTS, n)), bench.rng.integers(-w_high, w_high, (RESULTS, n))
    x[::5], w[::5] = (
        bench.rng.choice([low, high - 1], x[::5].shape),
        bench.rng.choice([-w_high, w_high - 1], (1, n)),
    )
    sums = (x * w).sum(axis=1) & ((1 << p["SUM_W"]) - 1)
    due: dict[int, int] = {}
    cycle, sent, enable = 0, 0, 0
    while sent < RESULTS or due:
        valid = sent < RESULTS and bench.dice.random() >= bench.idle
        enable = (enable << 1 | int(valid)) & ((1 << latency) - 1)
        unit.enable.value = enable
        if valid:
            unit.x.value, unit.w.value = pack(x[sent], p["X_W"]), pack(w[sent], p["W_W"])
            due[cycle + latency] = int(sums[sent])
            sent += 1
        else:  # operands that nobody asked for
            unit.x.value, unit.w.value = bench.dice.getrandbits(n * p["X_W"]), 0
        await RisingEdge(bench.clk)
        await FallingEdge(bench.clk)
        cycle += 1
        if cycle in due:
            want, got = due.pop(cycle), unit.sum.value.to_unsigned()
            assert got == want, f"cycle {cycle}: expected {want}, got {got}"
