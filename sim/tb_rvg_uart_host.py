# SPDX-License-Identifier: Apache-2.0
"""rvg_uart_host: identity, frames, results, silence within a frame, other bytes, bytes that are lost."""

from __future__ import annotations

import cocotb
from cocotb.triggers import FallingEdge, RisingEdge
from streams import Bench, over_cases

GAP = 12  # cycles from one byte of the host to the next


class World:
    """Bytes to and from the host, the design that takes pixels, runs and results."""

    def __init__(self, bench: Bench) -> None:
        self.bench, self.unit = bench, bench.unit
        self.answers: list[int] = []
        self.pixels: list[tuple[int, int]] = []
        self.starts = self.stops = 0
        self.takes = True

    async def live(self) -> None:
        bench, unit = self.bench, self.unit
        while True:
            ready = {
                "tx_tready": bench.dice.random() >= bench.pause,
                "m_axis_pixel_tready": self.takes and bench.dice.random() >= bench.pause / 4,
            }
            for name, value in ready.items():
                getattr(unit, name).value = int(value)
            await FallingEdge(bench.clk)
            if ready["tx_tready"] and unit.tx_tvalid.value == 1:
                self.answers.append(unit.tx_tdata.value.to_unsigned())
            if ready["m_axis_pixel_tready"] and unit.m_axis_pixel_tvalid.value == 1:
                pixel = unit.m_axis_pixel_tdata.value.to_unsigned(), int(unit.m_axis_pixel_tlast.value)
                self.pixels.append(pixel)
            self.starts += int(unit.start.value == 1)
            self.stops += int(unit.stop.value == 1)
            await RisingEdge(bench.clk)

    async def say(self, data: bytes) -> None:
        for byte in data:
            self.unit.rx_data.value, self.unit.rx_valid.value = byte, 1
            await RisingEdge(self.bench.clk)
            self.unit.rx_valid.value = 0
            await self.bench.cycles(GAP)

    async def done(self, code: int) -> None:
        self.unit.done.value, self.unit.code.value = 1, code
        await RisingEdge(self.bench.clk)
        self.unit.done.value = 0
        await self.bench.cycles(2)

    async def result(self, word: int) -> None:
        self.unit.s_axis_result_tdata.value, self.unit.s_axis_result_tvalid.value = word, 1
        taken = False
        while not taken:
            await FallingEdge(self.bench.clk)
            taken = self.unit.s_axis_result_tready.value == 1
            await RisingEdge(self.bench.clk)
        self.unit.s_axis_result_tvalid.value = 0

    def heard(self) -> bytes:
        said = bytes(self.answers)
        self.answers.clear()
        return said


@over_cases
async def talks(bench: Bench) -> None:
    p, unit = bench.parameters, bench.unit
    size, identity = p["FRAME_BYTES"], p["NETWORK"].to_bytes(4, "little")
    inputs = ("rx_valid", "tx_tready", "done", "code", "m_axis_pixel_tready", "s_axis_result_tvalid")
    await bench.reset(**dict.fromkeys(inputs, 0))
    w = World(bench)
    cocotb.start_soon(w.live())
    await w.say(b"xI?")
    await bench.cycles(40)
    assert w.heard() == identity
    assert w.starts == 0
    for turn in range(2):
        frame = bytes([ord("C"), ord("I"), *bench.dice.randbytes(size)][:size])  # commands are pixels here
        await w.say(b"C")
        early = cocotb.start_soon(w.result(0x08070605))  # before the frame is whole: it waits
        await w.say(frame[:-1])
        assert not w.heard()
        assert not early.done()
        await w.say(frame[-1:] + b"IC")  # nothing more before the run's end
        await early
        assert w.starts == turn + 1
        assert w.pixels == [(byte, int(i == size - 1)) for i, byte in enumerate(frame)]
        w.pixels.clear()
        for word in (0x04030201, 0xFFFFFFFE):
            await w.result(word)
        await w.done(0)
        await bench.cycles(60)
        assert w.heard() == bytes([5, 6, 7, 8, 1, 2, 3, 4, 0xFE, 0xFF, 0xFF, 0xFF])
    if size > 1:
        await w.say(b"C" + b"z" * (size - 1))
        await bench.cycles(p["SILENCE"] + 4)
        assert (w.starts, w.stops) == (3, 1)
        await w.say(b"I")
        assert not w.heard(), "the run has not ended"
        await w.result(0x0C0B0A09)  # what the run had offered before it was stopped
        await w.done(1)
        await bench.cycles(40)
        assert not w.heard(), "an answer to half a frame"
        w.pixels.clear()
    else:
        await w.say(b"C")
        await w.done(16)  # whatever broke it off
        w.stops = 1
    await w.say(b"C" + frame)
    await w.result(0x04030201)
    await w.done(0)
    await bench.cycles(60)
    assert w.heard() == bytes([1, 2, 3, 4]), "an answer is forgotten behind a run that was stopped"
    await w.say(b"I")
    await bench.cycles(40)
    assert w.heard() == identity
    assert unit.overrun.value == 0
    if size > 1:
        w.takes = False
        await w.say(b"Cab")
        assert unit.overrun.value == 1, "a byte was lost in silence"
    assert w.stops == 1
