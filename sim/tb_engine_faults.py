# SPDX-License-Identifier: Apache-2.0
"""A whole engine in its bench and what may go wrong around it: the right code, ports at rest, a next run.

After each fault a run without one follows, most often without a reset between, in memory that no run has
touched. At the end the memory is dumped, and every byte of these runs is compared; the bench's memory holds
the ports to AXI's rules all the while.

Environment: see engine_board.py; REPVGG_HW_COMPARE, a file that receives what is to be compared; +dram_dump,
which receives the memory.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from axi_lite_master import OKAY, SLVERR
from cocotb.triggers import FallingEdge, First, RisingEdge, Timer
from engine_board import (
    COMPARE,
    DATA,
    GUARD,
    NEVER,
    PATIENCE,
    PERIOD_NS,
    SETUP,
    WATCHDOG,
    WEIGHT,
    Board,
    board,
    moments,
)
from engine_driver import ones

from repvgg_hw.plan.engine.registers import REGISTERS


# ---- errors of the bus
@board
async def error_responses_to_reads(board: Board) -> None:
    """DECERR in the n-th burst, SLVERR at an address: of header, program, weights; of input and maps."""
    before = [int(board.port(p).u_read.bursts_q.value) for p in (WEIGHT, DATA)]
    await board.good()
    bursts = [
        int(board.port(p).u_read.bursts_q.value) - b for p, b in zip((WEIGHT, DATA), before, strict=True)
    ]
    for number, code in ((WEIGHT, "weight_read"), (DATA, "data_read")):
        port = board.port(number).u_read
        count = bursts[number]
        for burst in sorted({1, 2, 3, count // 3, count // 2, count - 1, count}):
            port.error_burst.value = int(port.bursts_q.value) + burst
            await board.begin()
            await board.end(code)
            port.error_burst.value = 0
            await board.good()
    places = [(WEIGHT, "weight_read", SETUP["images"]["good"] + at) for at in SETUP["weight_places"]]
    places += [(DATA, "data_read", SETUP["input"] + at) for at in SETUP["input_places"]]
    for number, code, place in places:
        board.runs = 0  # the first input
        board.port(number).u_read.error_at.value = place
        await board.begin()
        await board.end(code)
        board.port(number).u_read.error_at.value = (1 << 64) - 1
        await board.good()


@board
async def error_responses_to_writes(board: Board) -> None:
    """DECERR for the n-th burst, SLVERR at an address of a map, and of the output."""
    port = board.port(DATA).u_write
    before = int(port.bursts_q.value)
    await board.good()
    count = int(port.bursts_q.value) - before
    for burst in sorted({1, 2, count // 3, count // 2, count - 1, count}):
        port.error_burst.value = int(port.bursts_q.value) + burst
        await board.begin()
        await board.end("data_write")
        port.error_burst.value = 0
        await board.good()
    for name, offset in (("maps", 0), ("maps", SETUP["maps_bytes"] // 2), ("output", 0)):
        place = board.free + GUARD + (0 if name == "maps" else SETUP["maps_bytes"] + GUARD)
        port.error_at.value = place + offset
        await board.begin()
        await board.end("data_write")
        port.error_at.value = (1 << 64) - 1
        await board.good()


# ---- images
@board
async def images_that_are_none(board: Board) -> None:
    """Each ends with its code, and has written nothing where nothing of it may run."""
    for image, codes in SETUP["bad"].items():
        await board.begin(image)
        found = await board.end(*codes)
        board.dut._log.info("%s: %s", image, found)
        if found in ("magic", "version", "engine"):
            board.record("maps", board.maps, None)
        await board.good()


@board
async def addresses_within_a_beat(board: Board) -> None:
    """Unaligned addresses and strides, each of them: an error, nothing is begun."""
    for name in ("IMAGE", "MAPS", "INPUT", "OUTPUT", "INPUT_STRIDE", "OUTPUT_STRIDE"):
        begun = int(board.dut.begun.value)
        await board.begin("good", 1, **{name: 4096 + board.dice.choice((1, 2, 4))})
        await board.end("address")
        assert int(board.dut.begun.value) == begun, "something was read"
        await board.good()


# ---- the driver's part
@board
async def start_and_writes_while_busy(board: Board) -> None:
    """A second start is an error that the run at work does not notice; its registers are locked meanwhile."""
    engine, span = board.engine, await board.span()
    locked = [register.name for register in REGISTERS if register.locked]
    for moment in moments(board, span - 400, 2):
        await board.begin(frames=2)
        await board.cycles(moment)
        await engine.write("CONTROL", ones("CONTROL", "START"))
        assert await board.code() == "busy"
        for name in locked:
            value = await engine.read(name)
            assert await engine.try_write(name, 0x1230) == SLVERR, f"{name} was written while busy"
            assert await engine.read(name) == value
        await board.end("busy")
        board.compare()
        assert await engine.try_write("INPUT", 0) == OKAY
        await board.good()


@board
async def aborts(board: Board) -> None:
    """At any moment: ends soon, and leaves nothing to the next run. Without a run: nothing."""
    span = await board.span()
    await board.engine.write("CONTROL", ones("CONTROL", "ABORT"))
    await board.good()
    for moment in moments(board, span - 40, 14):
        await board.begin(frames=board.dice.choice((1, 2)))
        await board.cycles(moment)
        await board.engine.write("CONTROL", ones("CONTROL", "ABORT"))
        await board.end("abort")
        await board.good(frames=board.dice.choice((1, 1, 2)))


@board
async def resets(board: Board) -> None:
    """aresetn, of one cycle or more, at any moment of a run."""
    span = await board.span()
    for moment in moments(board, span, 14):
        await board.begin(frames=2)
        await board.cycles(moment)
        await board.engine.reset(board.dice.choice((1, 1, 2, 3, 9)))
        for register in REGISTERS:
            if register.reset is not None:
                assert await board.engine.read(register.name) == register.reset, register.name
        await board.rests()
        await board.good()


# ---- a memory that does not answer
CHANNELS = (
    *((port, path) for port in (WEIGHT, DATA) for path in ("u_read.u_ar", "u_read.u_r")),
    *((DATA, path) for path in ("u_write.u_aw", "u_write.u_w", "u_write.u_b")),
)


def channel(board: Board, number: int, path: str) -> Any:
    unit = board.port(number)
    for name in path.split("."):
        unit = getattr(unit, name)
    return unit.left_q


@board
async def a_channel_that_stops(board: Board) -> None:
    """The run ends with `bus`, so does each start meanwhile; when it moves again, the next run is right."""
    span = await board.span()
    for number, path in CHANNELS:
        for moment in (0, board.dice.randrange(span // 2)):
            await board.begin()
            await board.cycles(moment)
            await FallingEdge(board.dut.clk)
            left = channel(board, number, path)
            left.value = NEVER
            await First(RisingEdge(board.dut.interrupt), Timer(PATIENCE * PERIOD_NS, unit="ns"))
            assert board.dut.interrupt.value == 1, f"{path} of port {number}: the run hangs"
            assert await board.code() == "bus"
            assert int(left.value) > PATIENCE, "the channel did not stand"
            await board.engine.write("STATUS", ones("STATUS", "INTERRUPT", "DONE"))
            await board.engine.write("CONTROL", ones("CONTROL", "START"))
            assert await board.code() == "bus", "a start before the ports are at rest"
            assert await board.engine.field("STATUS", "DONE") == 1
            if board.dice.random() < 0.5:
                await FallingEdge(board.dut.clk)
                left.value = 0
                await board.cycles(300)
            else:
                await board.engine.reset()
            await board.rests()
            await board.good()


@board
async def a_channel_that_stops_for_a_while(board: Board) -> None:
    """Longer than the watchdog allows, but not for ever: `watchdog`. Shorter: nothing is wrong."""
    core = board.dut.u_dut.u_engine
    for number, path in CHANNELS:
        for expires in (True, False):
            await board.begin()
            await FallingEdge(board.dut.clk)
            left = channel(board, number, path)
            left.value = NEVER
            for _ in range(PATIENCE):
                await FallingEdge(board.dut.clk)
                still = int(core.u_control.still_q.value)
                if core.halt.value == 1 if expires else still >= WATCHDOG * 3 // 4:
                    break
            else:
                raise AssertionError(f"{path} of port {number}: stands, and nothing notices")
            left.value = 0
            await board.end("watchdog" if expires else "none")
            if not expires:
                board.compare()
            await board.good()


# ---- what drivers do
@board
async def frames_back_to_back(board: Board) -> None:
    """Runs of several frames, several runs, by interrupt and by polling; counts are of each run alone."""
    engine = board.engine
    beats = []
    for _ in range(2):
        await board.good(frames=1)
        beats.append([await engine.read(name) for name in ("WEIGHT_READ", "DATA_READ", "DATA_WRITE")])
    assert beats[0] == beats[1]
    for frames in (2, 3):
        board.runs = 0
        await board.good(frames=frames)
        got = [await engine.read(name) for name in ("WEIGHT_READ", "DATA_READ", "DATA_WRITE")]
        header = 128 // SETUP["bw"]
        assert got[0] - header == frames * (beats[0][0] - header)
        assert got[1:] == [frames * count for count in beats[0][1:]]
    await board.begin(frames=0)
    await board.end("none")
    assert await engine.read("FRAMES_DONE") == 0
    await board.begin(frames=2)
    await engine.write("ENABLE", 0)
    polls = 0
    while await engine.field("STATUS", "DONE") == 0:
        assert board.dut.interrupt.value == 0
        polls += 1
        assert polls < PATIENCE // 10, "the run hangs"
        await board.cycles(20)
    assert await board.code() == "none"
    assert board.dut.interrupt.value == 0
    board.compare()
    await engine.write("ENABLE", ones("ENABLE", "INTERRUPT"))
    await board.cycles(2)
    assert board.dut.interrupt.value == 1, "what is pending is not raised"
    await engine.write("STATUS", ones("STATUS", "INTERRUPT"))
    assert board.dut.interrupt.value == 0


@board
async def the_memory_is_dumped(board: Board) -> None:
    """The last test: what all of them have left, to be compared."""
    await FallingEdge(board.dut.clk)
    board.dut.dump.value = 1
    await board.cycles(2)
    Path(os.environ["REPVGG_HW_COMPARE"]).write_text(json.dumps(COMPARE))
