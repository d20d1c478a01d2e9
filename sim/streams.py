# SPDX-License-Identifier: Apache-2.0
"""What the unit benches share: cases, words of lanes, stream drivers with random stalls, ROMs, reset.

A bench module tb_UNIT holds coroutines under `@over_cases`; each runs on every instance of UNIT in the
bench's top (units.sv.j2) with the patterns of stalls in UNIT_PATTERNS. UNIT_CASES, a JSON object, gives by
unit the instances' parameters; those that UNIT_FAULTY names have a planted fault and are run under one
pattern. Only the instance that is tried has a clock.
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, RisingEdge

CASES: dict[str, dict[str, dict[str, Any]]] = json.loads(os.environ["UNIT_CASES"])
FAULTY: dict[str, str] = json.loads(os.environ["UNIT_FAULTY"])  # UNIT_CASE -> pattern
INSTANCES: list[str] = json.loads(os.environ["UNIT_INSTANCES"])  # UNIT_CASE, as numbered in the top
NETLISTS = "UNIT_NETLISTS" in os.environ  # of a netlist nothing is seen but its ports
# Probability of an idle cycle before a beat, and of a cycle that is not ready.
STALLS = {"flowing": (0.0, 0.0), "idle": (0.6, 0.0), "backpressure": (0.0, 0.6), "both": (0.4, 0.4)}
TRIED: list[str] = json.loads(os.environ["UNIT_PATTERNS"])
CHOKED = {"choked": (0.0, 0.9)}  # for faults that show only where everything behind is full
PERIOD_NS = 2
LIMIT_MS = 1  # of simulated time, after which a bench is stuck
SILENCE = 60  # cycles without a surplus beat after the last
PATIENCE = 4000  # cycles without a beat, after which none will come


def pack(lanes: Iterable[int], bits: int) -> int:
    """Lanes -> one word, lane 0 in the low bits."""
    mask = (1 << bits) - 1
    return sum((int(x) & mask) << (bits * i) for i, x in enumerate(lanes))


def unpack(word: int, lanes: int, bits: int, signed: bool = False) -> list[int]:
    """One word -> lanes."""
    values = [word >> (bits * i) & ((1 << bits) - 1) for i in range(lanes)]
    return [v - (v >> bits - 1 << bits) for v in values] if signed else values


class Bench:
    """One instance, its parameters, and one pattern of stalls."""

    def __init__(self, dut: Any, unit: str, case: str, stalls: str) -> None:
        self.clk = dut.clk
        self.unit = getattr(dut, f"u_{unit}_{case}")
        self.parameters = CASES[unit][case]
        self.netlist = NETLISTS
        self.stalls = stalls
        self.idle, self.pause = (STALLS | CHOKED)[stalls]
        seed = f"{case} {stalls}"
        self.dice = random.Random(seed)
        self.rng = np.random.default_rng(self.dice.getrandbits(32))

    def planned(self, what: str, planned: int, measured: int) -> None:
        """Where nothing stalls, what is measured is what was planned."""
        if self.stalls == "flowing":
            assert measured == planned, f"{what}: planned {planned} cycles, measured {measured}"

    def words(self, count: int, bits: int) -> list[int]:
        """Random words."""
        return [self.dice.getrandbits(bits) for _ in range(count)]

    async def cycles(self, count: int) -> None:
        for _ in range(count):
            await RisingEdge(self.clk)

    async def reset(self, **inputs: int) -> None:
        """Set these inputs and reset the unit."""
        for name, value in inputs.items():
            getattr(self.unit, name).value = value
        self.unit.rst.value = 1
        await self.cycles(3)
        self.unit.rst.value = 0

    async def reset_streams(self, **inputs: int) -> None:
        await self.reset(s_axis_tvalid=0, m_axis_tready=0, **inputs)

    async def send(self, beats: Iterable[int]) -> None:
        """Drive s_axis: a beat stays until it is taken."""
        unit = self.unit
        for beat in beats:
            while self.dice.random() < self.idle:
                await RisingEdge(self.clk)
            unit.s_axis_tdata.value, unit.s_axis_tvalid.value = beat, 1
            taken = False
            while not taken:
                await FallingEdge(self.clk)
                taken = unit.s_axis_tready.value == 1
                await RisingEdge(self.clk)
            unit.s_axis_tvalid.value = 0

    async def receive(self, count: int, last: bool = False) -> list[tuple[int, ...]]:
        """(cycle, tdata), and with `last` tlast, of so many beats of m_axis, and no beat more.

        Fails where a beat that is not taken goes away or changes.
        """
        unit, held, cycle = self.unit, None, 0
        got: list[tuple[int, ...]] = []
        while len(got) < count or cycle < SILENCE + got[-1][0]:
            ready = len(got) >= count or self.dice.random() >= self.pause
            unit.m_axis_tready.value = int(ready)
            await FallingEdge(self.clk)
            if unit.m_axis_tvalid.value == 1:
                beat = (
                    unit.m_axis_tdata.value.to_unsigned(),
                    *([int(unit.m_axis_tlast.value)] if last else []),
                )
                assert held in (None, beat), f"beat {len(got)} changed while it was not taken"
                assert len(got) < count, f"a beat after the last of {count}"
                held = None if ready else beat
                if ready:
                    got.append((cycle, *beat))
            else:
                assert held is None, f"beat {len(got)} was withdrawn"
                waited = cycle - (got[-1][0] if got else 0)
                assert len(got) == count or waited < PATIENCE, f"stuck after {len(got)} of {count} beats"
            cycle += 1
            await RisingEdge(self.clk)
        return got

    async def equal(self, sent: Sequence[int], expected: Sequence[int]) -> list[int]:
        """Send, receive, compare; returns the cycles in which the expected beats came."""
        sender = cocotb.start_soon(self.send(sent))
        got = await self.receive(len(expected))
        for number, ((_, beat), want) in enumerate(zip(got, expected, strict=True)):
            assert beat == want, f"beat {number}: expected {want:#x}, got {beat:#x}"
        assert sender.done(), "not every beat was taken"
        return [cycle for cycle, _ in got]

    def play_rom(self, port: str, table: Sequence[int]) -> Any:
        """A ROM with one cycle of latency on `<port>_en`, `_addr`, `_data`, until the task is cancelled."""
        enable, address, data = (getattr(self.unit, f"{port}_{name}") for name in ("en", "addr", "data"))

        async def play() -> None:
            while True:
                await FallingEdge(self.clk)
                if enable.value == 1:
                    word = table[address.value.to_unsigned()]
                    await RisingEdge(self.clk)
                    data.value = word

        return cocotb.start_soon(play())


def over_cases(
    bench: Callable[[Bench], Awaitable[None]], unit: str = "", patterns: Sequence[str] = tuple(STALLS)
) -> Any:
    """A cocotb test for every case and every pattern of stalls that is tried; for faulty cases, the fault's.

    unit  of the bench, where the coroutine is not in its module tb_UNIT
    """
    unit = unit or bench.__module__.removeprefix("tb_")
    tried_patterns = [pattern for pattern in patterns if pattern in TRIED]
    runs = [
        cocotb.Param((case, stalls), f"{unit}_{case}__{stalls}")
        for case in CASES[unit]
        for stalls in ([FAULTY[f"{unit}_{case}"]] if f"{unit}_{case}" in FAULTY else tried_patterns)
    ]

    async def test(dut: Any, run: tuple[str, str]) -> None:
        dut.tried.value = INSTANCES.index(f"{unit}_{run[0]}")
        Clock(dut.clk, PERIOD_NS, unit="ns").start()
        tried = Bench(dut, unit, *run)
        try:
            await bench(tried)
        except AssertionError:
            await tried.cycles(2)  # the library's assertions are to see it, too
            raise

    test.__name__ = test.__qualname__ = bench.__name__
    test.__doc__ = bench.__doc__
    limited = cocotb.test(timeout_time=LIMIT_MS, timeout_unit="ms")
    return limited(cocotb.parametrize(run=runs)(test))
