# SPDX-License-Identifier: Apache-2.0
"""rvg_credit_fifo behind a pipeline of random length: nothing is lost, credit covers exactly DEPTH beats."""

from __future__ import annotations

import cocotb
from cocotb.triggers import FallingEdge, RisingEdge
from streams import SILENCE, Bench, over_cases

from repvgg_hw.plan.stream.timing import CREDIT_CYCLES

SETS = 80
PIPELINE = 7  # longest time from a start to its first beat


async def produce(bench: Bench, sets: list[list[int]]) -> None:
    """Start a set wherever there is credit; its beats come later, sets in order."""
    unit, waiting = bench.unit, [*sets]
    in_flight: list[tuple[int, list[int]]] = []
    cycle = 0
    while waiting or in_flight:
        if in_flight and in_flight[0][0] <= cycle:
            unit.in_valid.value, unit.in_data.value = 1, in_flight[0][1].pop(0)
            if not in_flight[0][1]:
                in_flight.pop(0)
        else:
            unit.in_valid.value = 0
        unit.start.value = 0
        if waiting and bench.dice.random() >= bench.idle and unit.start_ok.value == 1:
            unit.start.value = 1
            in_flight.append((cycle + bench.dice.randrange(1, PIPELINE), [*waiting.pop(0)]))
        await RisingEdge(bench.clk)
        await FallingEdge(bench.clk)
        cycle += 1
    unit.in_valid.value = 0


@over_cases
async def loses_nothing(bench: Bench) -> None:
    size, width = bench.parameters["SET"], bench.parameters["WIDTH"]
    sets = [bench.words(size, width) for _ in range(SETS)]
    await bench.reset(start=0, in_valid=0, m_axis_tready=0)
    await FallingEdge(bench.clk)
    cocotb.start_soon(produce(bench, sets))
    got = await bench.receive(SETS * size)
    assert [beat for _, beat in got] == [beat for beats in sets for beat in beats]


@over_cases
async def offers_room_again(bench: Bench) -> None:
    """Of a beat that is taken at once, as late as the plan counts on."""
    unit, p = bench.unit, bench.parameters
    await bench.reset(start=0, in_valid=0, m_axis_tready=1)
    await bench.cycles(1)
    for _ in range(p["DEPTH"] // p["SET"]):
        unit.start.value = 1
        await bench.cycles(1)
    unit.start.value = 0
    await bench.cycles(1)
    missing = p["SET"] - p["DEPTH"] % p["SET"]  # beats that make room for one more set
    unit.in_valid.value = 1
    await bench.cycles(missing)
    unit.in_valid.value = 0
    cycles = 0  # after the edge that took the last of them
    while unit.start_ok.value == 0 and cycles < SILENCE:
        await FallingEdge(bench.clk)
        cycles += 1
    assert cycles == CREDIT_CYCLES
    unit.in_valid.value = 1
    await bench.cycles(p["DEPTH"] // p["SET"] * p["SET"] - missing)
    unit.in_valid.value = 0


@over_cases
async def gives_credit_for_its_depth(bench: Bench) -> None:
    unit, p = bench.unit, bench.parameters
    await bench.reset(start=0, in_valid=0, m_axis_tready=0)
    started = 0
    for _ in range(p["DEPTH"] + 5):
        await FallingEdge(bench.clk)
        unit.start.value = int(unit.start_ok.value)
        started += int(unit.start_ok.value)
        await RisingEdge(bench.clk)
    assert started == p["DEPTH"] // p["SET"]
