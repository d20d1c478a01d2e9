# SPDX-License-Identifier: Apache-2.0
"""rvg_winograd_mac against NumPy: elementwise products, summed over words, modulo 2**sum bits."""

from __future__ import annotations

import itertools

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge, RisingEdge
from streams import Bench, over_cases, pack, unpack

from repvgg_hw.plan.stream.timing import WINOGRAD_MAC_CYCLES, accumulate_cycles

SETS = 30


@over_cases
async def equals_sums(bench: Bench) -> None:
    unit, p = bench.unit, bench.parameters
    positions, po, pi, words, bits = (p[name] for name in ("POSITIONS", "PO", "PI", "WORDS", "SUM_W"))
    table = full_range(bench.rng, p["WEIGHT_W"], (p["ADDRS"], po, positions, pi))
    data = full_range(bench.rng, p["DATA_W"], (SETS * words, positions, pi))
    products = (table[np.arange(len(data)) % len(table)] * data[:, None]).sum(axis=3).reshape(SETS, words, -1)
    expected = products.sum(axis=1) & ((1 << bits) - 1)

    received: list[tuple[int, list[int]]] = []
    starts, taken, ends = 0, 0, []  # ends: cycles of each set's last word

    async def watch() -> None:
        nonlocal starts, taken
        for cycle in itertools.count():
            await FallingEdge(bench.clk)
            if unit.sums_valid.value == 1:
                received.append((cycle, unpack(unit.sums.value.to_unsigned(), po * positions, bits)))
            took = unit.s_axis_tvalid.value == 1 and unit.s_axis_tready.value == 1
            taken += int(took)
            if took and taken % words == 0:
                ends.append(cycle)
            if unit.start.value == 1:
                assert unit.start_ok.value == 1, "a set was begun without room"
                starts += 1

    async def give_room() -> None:
        while True:
            await RisingEdge(bench.clk)
            unit.start_ok.value = int(bench.dice.random() >= bench.pause)

    await bench.reset(s_axis_tvalid=0, start_ok=0)
    cocotb.start_soon(watch())
    cocotb.start_soon(give_room())
    bench.play_rom("weight", [pack(word, p["WEIGHT_W"]) for word in table.reshape(len(table), -1).tolist()])
    await bench.send([pack(word, p["DATA_W"]) for word in data.reshape(len(data), -1).tolist()])
    await bench.cycles(20)

    assert starts == len(received) == SETS
    for number, ((_, got), want) in enumerate(zip(received, expected.tolist(), strict=True)):
        assert got == want, f"set {number} differs"
    cycles = [cycle for cycle, _ in received]
    assert min(b - a for a, b in itertools.pairwise(cycles)) >= p["SPACING"]
    latencies = {cycle - end for end, cycle in zip(ends, cycles, strict=True)}
    assert latencies == {WINOGRAD_MAC_CYCLES + accumulate_cycles(pi)}, latencies


def full_range(rng: np.random.Generator, bits: int, shape: tuple[int, ...]) -> np.ndarray:
    """Random values of every width up to bits."""
    values = rng.integers(-(1 << bits - 1), 1 << bits - 1, shape)
    return values >> rng.integers(0, bits, shape)
