# SPDX-License-Identifier: Apache-2.0
"""rvg_mac_array against NumPy: sets of words, weights from a ROM, room for results at random."""

from __future__ import annotations

import itertools

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge, RisingEdge
from streams import Bench, over_cases, pack, unpack

from repvgg_hw.plan.stream.timing import ARRAY_CYCLES, CHAIN, accumulate_cycles, pair_chain

SETS = 30


@over_cases
async def equals_numpy(bench: Bench) -> None:
    unit, p = bench.unit, bench.parameters
    n, po, words = p["N"], p["PO"], p["WORDS"]
    low, high = (-(1 << p["X_W"] - 1), 1 << p["X_W"] - 1) if p["X_SIGNED"] else (0, 1 << p["X_W"])
    w_high = 1 << p["W_W"] - 1
    lowest = -w_high + 1 if p.get("PACKED") else -w_high
    table = bench.rng.integers(lowest, w_high, (p["ADDRS"], po, n))
    table[::3] = lowest
    x = bench.rng.integers(low, high, (SETS, words, n))
    x[::4] = high - 1
    weights = table[np.arange(SETS * words) % p["ADDRS"]]
    expected = (weights.reshape(SETS, words, po, n) * x[:, :, None]).sum(axis=(1, 3))

    most = pair_chain(p["X_W"], bool(p["X_SIGNED"]), p["W_W"]) if p.get("PACKED") else CHAIN
    latency = ARRAY_CYCLES + accumulate_cycles(n, most)
    if p.get("PACKED"):
        for first, second in zip(range(0, po, 2), range(1, po, 2), strict=False):
            table[:, second] -= table[:, first] < 0

    starts = 0
    got: list[list[int]] = []
    ends, firsts = [], []  # cycles of each set's last word, and of its first beat

    async def watch() -> None:
        nonlocal starts
        taken = 0
        for cycle in itertools.count():
            await FallingEdge(bench.clk)
            took = unit.s_axis_tvalid.value == 1 and unit.s_axis_tready.value == 1
            taken += int(took)
            if took and taken % words == 0:
                ends.append(cycle)
            if unit.acc_valid.value == 1:
                if len(got) % (po // p["OUT_LANES"]) == 0:
                    firsts.append(cycle)
                got.append(unpack(unit.acc.value.to_unsigned(), p["OUT_LANES"], p["ACC_W"], signed=True))
            if unit.start.value == 1:
                assert unit.start_ok.value == 1, "a set was begun without room"
                starts += 1

    async def give_room() -> None:
        while True:
            await RisingEdge(bench.clk)
            unit.start_ok.value = int(bench.dice.random() >= bench.pause)

    await bench.reset(s_axis_tvalid=0, start_ok=0)
    bench.play_rom("weight", [pack(word, p["W_W"]) for word in table.reshape(len(table), -1)])
    cocotb.start_soon(watch())
    cocotb.start_soon(give_room())
    await bench.send([pack(word, p["X_W"]) for word in x.reshape(-1, n)])
    await bench.cycles(po + latency + 4)
    assert starts == SETS
    latencies = {first - end for end, first in zip(ends, firsts, strict=True)}
    assert latencies == {latency}, latencies
    assert got == expected.reshape(-1, p["OUT_LANES"]).tolist()
