# SPDX-License-Identifier: Apache-2.0
"""A whole engine, its bench's memory, and a driver, for benches that run it many times: tb_engine_faults.py.

Environment: REPVGG_HW_FAULTS, a file with the JSON object that tests/support/engine_faults.py makes.
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, FallingEdge, First, RisingEdge, Timer
from engine_driver import Engine

from repvgg_hw.plan.engine.codes import ERRORS

SETUP = json.loads(Path(os.environ["REPVGG_HW_FAULTS"]).read_text())
COMPARE: list[dict[str, Any]] = []  # of all tests
CODE = {name: code for name, (code, _) in ERRORS.items()}
PERIOD_NS = 2
WATCHDOG = 400
PATIENCE = 20_000  # cycles after which a run hangs
GUARD = 64  # bytes between regions, which stay untouched
NEVER = 0xFFFF_FFFF
MORE = 6  # times as many moments under a seed
WEIGHT, DATA = 0, 1  # ports


class Board:
    """The bench, its memory, and a driver; runs take fresh memory one after another."""

    def __init__(self, dut: Any, name: str) -> None:
        self.dut, self.name, self.dice = dut, name, random.Random(name)
        dut.dump.value = 0
        self.engine = Engine(dut, seed=len(name))
        self.dice.seed(f"{name} {SETUP['seed']}")
        self.memory = dut.u_memory
        self.runs = 0

    @property
    def free(self) -> int:
        """Where memory begins that no run of any test has touched."""
        return int(SETUP["free"])

    @free.setter
    def free(self, address: int) -> None:
        assert address < SETUP["size"], "the bench's memory is used up"
        SETUP["free"] = address

    def port(self, number: int) -> Any:
        return self.memory.g_port[number]

    async def begin(self, image: str = "good", frames: int = 1, **other: int) -> None:
        """Write the registers of a run and start it."""
        step = SETUP["output_bytes"] + GUARD
        self.maps = self.free + GUARD
        self.output = self.maps + SETUP["maps_bytes"] + GUARD
        self.free = self.output + frames * step
        self.first, self.frames = self.runs % (len(SETUP["expected"]) - frames), frames
        self.runs += 1
        registers = {
            "IMAGE": SETUP["images"][image],
            "MAPS": self.maps,
            "INPUT": SETUP["input"] + self.first * SETUP["input_stride"],
            "OUTPUT": self.output,
            "INPUT_STRIDE": SETUP["input_stride"],
            "OUTPUT_STRIDE": step,
            "FRAMES": frames,
            "WATCHDOG": WATCHDOG,
        }
        await self.engine.set(registers | other)
        await self.engine.start()

    async def end(self, *codes: str) -> str:
        """Wait for the interrupt; the code is one of these, the ports are at rest. Returns its name."""
        dut = self.dut
        if not dut.interrupt.value:
            await First(RisingEdge(dut.interrupt), Timer(PATIENCE * PERIOD_NS, unit="ns"))
        assert dut.interrupt.value == 1, "the run hangs"
        await self.rests()
        found = await self.code()
        assert found in codes, f"ended with {found}, not with {codes}"
        assert await self.engine.field("STATUS", "BUSY") == 0
        assert await self.engine.field("STATUS", "DONE") == 1
        return found

    async def code(self) -> str:
        number = await self.engine.field("STATUS", "ERROR")
        return next(name for name, code in CODE.items() if code == number)

    async def rests(self) -> None:
        """Nothing is under way on any port, and nothing begins."""
        dut = self.dut
        begun = int(dut.begun.value)
        for _ in range(2):
            await FallingEdge(dut.clk)
            assert dut.begun.value == dut.ended.value, "bursts are under way"
            assert [int(x.value) for x in (dut.arvalid, dut.awvalid, dut.wvalid)] == [0, 0, 0], (
                "a port is at work"
            )
            await ClockCycles(dut.clk, 40)
        assert int(dut.begun.value) == begun, "a burst began after the run's end"

    async def good(self, frames: int = 1, image: str = "good") -> None:
        """A run that does everything right."""
        await self.begin(image, frames)
        await self.end("none")
        assert await self.engine.read("FRAMES_DONE") == frames
        self.compare()

    def compare(self) -> None:
        """Have every byte compared that the last run's program writes, and that none beside was touched."""
        step, last = SETUP["output_bytes"] + GUARD, self.first + self.frames - 1
        self.record("maps", self.maps, last)
        for frame in range(self.frames):
            self.record("output", self.output + frame * step, self.first + frame)

    def record(self, region: str, base: int, frame: int | None) -> None:
        """To be compared at the end, when the memory is dumped; frame None: nothing was written there."""
        COMPARE.append({"test": self.name, "run": self.runs, "region": region, "base": base, "frame": frame})

    async def cycles(self, count: int) -> None:
        if count:
            await ClockCycles(self.dut.clk, count)

    async def span(self) -> int:
        """Cycles that every good run takes: those of one, or where latencies are random a part of them."""
        await self.good()
        return await self.engine.read("CYCLES_LOW") * 2 // (3 if SETUP["seed"] else 2)


def board(test: Callable[[Board], Awaitable[None]]) -> Any:
    """A cocotb test on a board that was just reset."""

    async def run(dut: Any) -> None:
        Clock(dut.clk, PERIOD_NS, unit="ns").start()
        tried = Board(dut, test.__name__)
        await tried.engine.reset()
        await test(tried)

    run.__name__ = run.__qualname__ = test.__name__
    run.__doc__ = test.__doc__
    return cocotb.test(timeout_time=2, timeout_unit="ms")(run)


def moments(board: Board, span: int, count: int) -> list[int]:
    """Cycles within a run: the first ones, then at random, one from each part; many more under a seed."""
    count *= MORE if SETUP["seed"] else 1
    return [
        0,
        1,
        5,
        *(board.dice.randrange(i * span // count, (i + 1) * span // count) for i in range(count)),
    ]
