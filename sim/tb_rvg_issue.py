# SPDX-License-Identifier: Apache-2.0
"""rvg_issue: words in order beside their weights; sets where there is room and apart; followed to the end."""

from __future__ import annotations

import itertools

import cocotb
from cocotb.triggers import FallingEdge, RisingEdge
from streams import Bench, over_cases

SETS = 40


@over_cases
async def follows_every_word(bench: Bench) -> None:
    unit, p = bench.unit, bench.parameters
    latency, size, copies = p["LATENCY"], p["WORDS"], (1 << p["COPIES"]) - 1
    words = bench.words(SETS * size, p["WORD_W"])
    taken: list[tuple[int, int]] = []  # (cycle, weight address)
    beats: list[tuple[int, int]] = []  # (cycle, word)
    sums: list[tuple[int, int, int]] = []  # (cycle, first, last)
    enables: list[int] = []
    starts = 0

    async def watch() -> None:
        nonlocal starts
        for cycle in itertools.count():
            await FallingEdge(bench.clk)
            enables.append(unit.enable.value.to_unsigned())
            if enables[-1] & 1:
                beats.append((cycle, unit.word.value.to_unsigned()))
            if unit.s_axis_tvalid.value == 1 and unit.s_axis_tready.value == 1:
                assert unit.weight_en.value == 1, "weights were not asked for"
                taken.append((cycle, unit.weight_addr.value.to_unsigned()))
            if unit.sums_valid.value != 0:
                assert unit.sums_valid.value.to_unsigned() == copies, "copies of sums_valid differ"
                is_first = unit.sums_first.value.to_unsigned()
                assert is_first in (0, copies), "copies of sums_first differ"
                sums.append((cycle, int(is_first == copies), int(unit.sums_last.value)))
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
    await bench.send(words)
    await bench.cycles(latency + 5)

    assert starts == SETS
    cycles = [cycle for cycle, _ in taken]
    assert [address for _, address in taken] == [i % p["ADDRS"] for i in range(len(words))]
    assert beats == [(cycle + 1, word) for cycle, word in zip(cycles, words, strict=True)]
    ends = [(int(i % size == 0), int(i % size == size - 1)) for i in range(len(words))]
    assert sums == [(cycle + 1 + latency, *end) for cycle, end in zip(cycles, ends, strict=True)]
    history = [sum((cycle - 1 - i in cycles) << i for i in range(latency)) for cycle in range(len(enables))]
    assert enables == history, "an enable does not follow its word"
    apart = [b - a for a, b in itertools.pairwise(cycles[size - 1 :: size])]
    assert min(apart) >= p["SPACING"]
    if bench.stalls == "flowing":
        assert max(apart) == max(size, p["SPACING"])


@over_cases
async def reset_empties(bench: Bench) -> None:
    """What was in flight at a reset does not come out after it."""
    unit = bench.unit
    await bench.reset(s_axis_tvalid=0, start_ok=1)
    await bench.send(bench.words(1, bench.parameters["WORD_W"]))
    await bench.reset(s_axis_tvalid=0, start_ok=1)
    for _ in range(bench.parameters["LATENCY"] + 3):
        await FallingEdge(bench.clk)
        assert unit.sums_valid.value == 0
