# SPDX-License-Identifier: Apache-2.0
"""rvg_stream_run: runs end where they should, with what they should, and leave nothing behind.

The bench is the design behind the unit, too: it keeps pixels while core_rst is low and answers a frame with
its pixels, summed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

import cocotb
from cocotb.triggers import FallingEdge, RisingEdge
from streams import Bench, over_cases

from repvgg_hw.plan.stream.registers import ERRORS

CODE = {name: code for name, (code, _) in ERRORS.items()}
PATIENCE = 500


class World:
    """What is around the unit: a source of (pixel, tlast), the design, a sink; one step a cycle."""

    def __init__(self, bench: Bench) -> None:
        self.bench, self.unit = bench, bench.unit
        self.pixels: deque[tuple[int, int]] = deque()
        self.core: deque[tuple[int, int]] = deque()  # results that the design has ready
        self.sum = self.taken = 0
        self.got: list[tuple[int, int]] = []
        self.ended: list[int] = []  # codes
        self.frames_done = 0
        self.sinks = True  # the results are taken at all
        self.every = 1  # cycles from one result of the design to the next, at least

    def set(self, name: str, value: int) -> None:
        getattr(self.unit, name).value = value

    def high(self, name: str) -> bool:
        return bool(getattr(self.unit, name).value == 1)

    async def live(self) -> None:
        """Drive and watch, for ever."""
        bench, unit = self.bench, self.unit
        held: tuple[int, int] | None = None
        offered = answered = False
        cycle = 0
        while True:
            cycle += 1
            offered = bool(self.pixels) and (offered or bench.dice.random() >= bench.idle)
            due = cycle % self.every == 0 and bench.dice.random() >= bench.idle * (self.every == 1)
            answered = bool(self.core) and (answered or due)
            pixel, result = self.pixels[0] if offered else (0, 0), self.core[0] if answered else (0, 0)
            for port, valid, (data, last) in (
                ("s_axis_pixel", offered, pixel),
                ("s_axis_result", answered, result),
            ):
                self.set(f"{port}_tvalid", int(valid))
                self.set(f"{port}_tdata", data)
                self.set(f"{port}_tlast", last)
            self.set("m_axis_pixel_tready", int(bench.dice.random() >= bench.pause))
            ready = self.sinks and bench.dice.random() >= bench.pause
            self.set("m_axis_result_tready", int(ready))
            await FallingEdge(bench.clk)
            if self.high("m_axis_result_tvalid"):
                beat = unit.m_axis_result_tdata.value.to_unsigned(), int(unit.m_axis_result_tlast.value)
                assert held in (None, beat), "a result changed while it was not taken"
                held = None if ready else beat
                if ready:
                    self.got.append(beat)
            else:
                assert held is None, "a result was withdrawn"
            if offered and self.high("s_axis_pixel_tready"):
                offered = False
                self.pixels.popleft()
                assert self.high("open")
                assert self.high("m_axis_pixel_tvalid")
                self.sum, self.taken = self.sum + pixel[0], self.taken + 1
                assert int(unit.m_axis_pixel_tlast.value) == int(self.taken == bench.parameters["PIXELS"])
                if self.taken == bench.parameters["PIXELS"]:
                    self.core.extend([(self.sum, 0), (self.sum + 1, 1)])
                    self.sum = self.taken = 0
            elif self.high("m_axis_pixel_tvalid"):
                assert offered
            if answered and self.high("s_axis_result_tready"):
                answered = False
                self.core.popleft()
            if self.high("core_rst"):
                answered = False
                self.core.clear()
                self.sum = self.taken = 0
            self.frames_done += int(self.high("frame_done"))
            if self.high("done"):
                self.ended.append(unit.code.value.to_unsigned())
            await RisingEdge(bench.clk)

    async def run(self, frames: int, watchdog: int = 0) -> None:
        """Start, and return when it has begun."""
        self.set("frames", frames)
        self.set("watchdog", watchdog)
        await self.pulse("start")

    async def pulse(self, name: str) -> None:
        self.set(name, 1)
        await RisingEdge(self.bench.clk)
        self.set(name, 0)

    async def until(self, reached: Callable[[], bool]) -> None:
        """Wait, but not for ever."""
        for _ in range(PATIENCE):
            if reached():
                return
            await RisingEdge(self.bench.clk)
        raise AssertionError("what was waited for did not come")

    async def end(self, name: str) -> None:
        """Wait for the end with this code, and for no second one."""
        await self.until(lambda: bool(self.ended))
        assert self.ended == [CODE[name]], f"{name}: {self.ended}"
        self.ended.clear()
        await self.bench.cycles(8)
        assert not self.ended
        assert self.high("core_rst")
        assert not self.high("open")

    def frame(self, last: bool = True, first: int = 1) -> None:
        """Queue a frame of pixels first, first + 1, ..."""
        size = self.bench.parameters["PIXELS"]
        self.pixels.extend((first + i, int(last and i == size - 1)) for i in range(size))

    def results(self, *firsts: int) -> list[tuple[int, int]]:
        """What a run of frames with these first pixels must give."""
        size = self.bench.parameters["PIXELS"]
        sums = [sum(range(first, first + size)) for first in firsts]
        beats = [(value, 0) for total in sums for value in (total, total + 1)]
        return [*beats[:-1], (beats[-1][0], 1)]


async def world(bench: Bench) -> World:
    inputs: dict[str, Any] = dict.fromkeys(
        ("start", "stop", "frames", "watchdog", "bad_bytes", "s_axis_pixel_tvalid", "m_axis_pixel_tready",
         "s_axis_result_tvalid", "m_axis_result_tready"), 0
    )  # fmt: skip
    await bench.reset(**inputs)
    made = World(bench)
    cocotb.start_soon(made.live())
    return made


@over_cases
async def runs(bench: Bench) -> None:
    """One frame, several in one packet, several in packets of their own, none; nothing is taken outside."""
    w = await world(bench)
    w.frame(first=2)
    await bench.cycles(20)
    assert len(w.pixels) == bench.parameters["PIXELS"], "pixels were taken without a run"
    await w.run(1)
    await w.end("none")
    assert w.got == w.results(2)
    w.got.clear()
    w.frame(first=4)
    w.frame(first=6)
    w.every = 30
    await w.run(1, watchdog=45)  # longer than a result takes, shorter than both
    await w.end("none")
    w.every = 1
    assert w.got == w.results(4)
    assert len(w.pixels) == bench.parameters["PIXELS"], "more than the run's frames were taken"
    w.got.clear()
    w.pixels.clear()
    await bench.cycles(2)
    for last in (False, True):
        for number in range(3):
            w.frame(last or number == 2, first=number)
        await w.run(3, watchdog=200)
        await w.end("none")
        assert w.got == w.results(0, 1, 2)
        w.got.clear()
    await w.run(0)
    await w.end("none")
    assert not w.got
    assert w.frames_done == 8


@over_cases
async def broken_off(bench: Bench) -> None:
    """Every error, each within a frame, and a sound run behind it."""
    w = await world(bench)
    size = bench.parameters["PIXELS"]
    for name in ("abort", "watchdog", "keep", "short", "long"):
        if name == "short" and size == 1:
            continue
        w.frame(first=9)
        if name != "long":  # one frame whole and one begun
            w.frame(first=3)
            for _ in range((size + 1) // 2):
                w.pixels.pop()
        if name == "short":
            w.pixels[-1] = (w.pixels[-1][0], 1)
        if name == "long":
            w.pixels[-1] = (w.pixels[-1][0], 0)
        await w.run(1 if name == "long" else 2, watchdog=50 if name == "watchdog" else 0)
        if name in ("abort", "keep"):
            await w.until(lambda: not w.pixels)
            await w.pulse("stop" if name == "abort" else "bad_bytes")
        await w.end(name)
        assert w.got in (w.results(9)[:i] for i in range(3)) or w.got == w.results(9, 0)[: len(w.got)]
        w.pixels.clear()
        await bench.cycles(4)
        w.got.clear()
        w.frame(first=5)
        await w.run(1)
        await w.end("none")
        assert w.got == w.results(5), f"after {name}"
        w.got.clear()


@over_cases
async def offered_results_stay(bench: Bench) -> None:
    """Where nobody takes the results, an abort waits with its `done` for the one that was offered."""
    w = await world(bench)
    w.sinks = False
    w.frame(last=False)
    w.frame()
    await w.run(2)
    await w.until(lambda: w.high("m_axis_result_tvalid"))
    await bench.cycles(4)
    await w.pulse("stop")
    await bench.cycles(30)
    assert not w.ended
    w.sinks = True
    await w.end("abort")
    assert 1 <= len(w.got) <= 2
