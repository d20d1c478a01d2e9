# SPDX-License-Identifier: Apache-2.0
"""rvg_product_add against integers: extreme operands, any addend, gaps, the planned latency."""

from __future__ import annotations

from cocotb.triggers import FallingEdge, RisingEdge
from streams import Bench, over_cases, pack

from repvgg_hw.plan.stream.timing import MULTIPLY_CYCLES

BEATS = 200


@over_cases
async def equals_integers(bench: Bench) -> None:
    unit, p, rng, dice = bench.unit, bench.parameters, bench.rng, bench.dice
    n, bits = p["N"], p["SUM_W"]
    latency = MULTIPLY_CYCLES + n - 1
    at = 1 if n <= 2 else n  # from the operands to the addend
    low_a, low_b = -(1 << p["A_W"] - 1), -(1 << p["B_W"] - 1)
    a, b = (rng.integers(low, -low, (BEATS, n)) for low in (low_a, low_b))
    a[::5], b[::5] = (
        rng.choice([low_a, -low_a - 1], a[::5].shape),
        rng.choice([low_b, -low_b - 1], b[::5].shape),
    )
    addends = [dice.getrandbits(bits) for _ in range(BEATS)]
    cleared = [dice.random() < 0.3 for _ in range(BEATS)]
    due: dict[int, int] = {}  # cycle -> sum
    late: dict[int, int] = {}  # cycle -> beat whose addend is given in it
    cycle, sent, enable = 0, 0, 0
    while sent < BEATS or due:
        valid = sent < BEATS and dice.random() >= bench.idle
        enable = (enable << 1 | int(valid)) & ((1 << latency) - 1)
        unit.en.value = enable
        if valid:
            unit.a.value, unit.b.value = pack(a[sent], p["A_W"]), pack(b[sent], p["B_W"])
            products = sum(int(x) * int(y) for x, y in zip(a[sent], b[sent], strict=True))
            due[cycle + latency] = (products + (0 if cleared[sent] else addends[sent])) % (1 << bits)
            late[cycle + at] = sent
            sent += 1
        else:  # operands that nobody asked for
            unit.a.value, unit.b.value = dice.getrandbits(n * p["A_W"]), dice.getrandbits(n * p["B_W"])
        beat = late.pop(cycle, None)
        unit.c.value = dice.getrandbits(bits) if beat is None else addends[beat]
        unit.clear.value = dice.random() < 0.5 if beat is None else cleared[beat]
        await RisingEdge(bench.clk)
        await FallingEdge(bench.clk)
        cycle += 1
        if cycle in due:
            want, got = due.pop(cycle), unit.sum.value.to_unsigned()
            assert got == want, f"cycle {cycle}: expected {want}, got {got}"
