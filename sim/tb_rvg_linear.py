# SPDX-License-Identifier: Apache-2.0
"""rvg_linear against golden.linear, tlast on the last logit of each frame, at the planned rate."""

from __future__ import annotations

import itertools

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge
from streams import Bench, over_cases, pack

from repvgg_hw import golden
from repvgg_hw.network import IntegerLinear
from repvgg_hw.plan.stream.linear import LinearPlan
from repvgg_hw.plan.stream.timing import BIAS_CYCLES
from repvgg_hw.targets.verilog import tables

FRAMES = 4


def plan_of(p: dict[str, int]) -> LinearPlan:
    """The plan of these parameters; the pool before it does not matter here."""
    return LinearPlan(
        c_in=p["C_IN"], c_out=p["C_OUT"], height=1, width=1, in_lanes=p["C_IN"], pi=p["PI"], po=p["PO"],
        in_bits=8, weight_bits=p["W_W"], acc_bits=p["ACC_W"],
    )  # fmt: skip


@over_cases
async def equals_golden(bench: Bench) -> None:
    p, rng = bench.parameters, bench.rng
    plan = plan_of(p)
    x = rng.integers(0, 1 << p["X_W"], (FRAMES, p["C_IN"]))
    x[1] = (1 << p["X_W"]) - 1
    layer = IntegerLinear(
        rng.integers(-127, 128, (p["C_OUT"], p["C_IN"])).astype(np.int8),
        rng.integers(-(1 << 20), 1 << 20, p["C_OUT"]).astype(np.int32),
    )
    logits = golden.linear(x, layer)

    await bench.reset_streams()
    weights = tables.linear_weights(layer, plan)
    bench.play_rom("weight", [pack(word, p["W_W"]) for word in weights])
    bench.play_rom("bias", [pack(word, p["ACC_W"]) for word in layer.bias.reshape(-1, p["OUT_LANES"])])
    latencies: set[int] = set()

    async def watch() -> None:
        came: list[int] = []
        for cycle in itertools.count():
            await FallingEdge(bench.clk)
            if bench.unit.acc_valid.value == 1:
                came.append(cycle)
            if bench.unit.biased_valid_q.value == 1:
                latencies.add(cycle - came.pop(0))

    if not bench.netlist:
        cocotb.start_soon(watch())
    cocotb.start_soon(bench.send([pack(beat, p["X_W"]) for beat in x.reshape(-1, p["PI"])]))
    got = await bench.receive(logits.size, last=True)
    assert [value for _, value, _ in got] == [int(v) & ((1 << p["ACC_W"]) - 1) for v in logits.flat]
    assert [last for *_, last in got] == ([0] * (p["C_OUT"] - 1) + [1]) * FRAMES
    assert bench.netlist or latencies == {BIAS_CYCLES}, latencies
    if bench.stalls == "flowing":
        ends = [cycle for cycle, *_ in got][p["C_OUT"] - 1 :: p["C_OUT"]]
        measured = [later - earlier for earlier, later in itertools.pairwise(ends)]
        planned = max(plan.compute_cycles, plan.words, plan.c_out)
        assert measured[-1] == planned, f"planned {planned} cycles per frame, measured {measured}"
