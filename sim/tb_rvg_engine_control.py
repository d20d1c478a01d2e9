# SPDX-License-Identifier: Apache-2.0
"""rvg_engine_control: a run ends when all is stored; each end halts, awaits the ports, resets, has a code."""

from __future__ import annotations

from typing import Any

from cocotb.triggers import FallingEdge, RisingEdge
from streams import Bench, over_cases

# Signal, its value, code: the engine's page.
ERRORS = (
    ("stop", 1, 1),
    ("weight_read_error", 1, 2),
    ("data_read_error", 1, 3),
    ("data_write_error", 1, 4),
    ("fetch_error", 1, 5),
    ("fetch_error", 2, 6),
    ("fetch_error", 3, 7),
    ("fetch_error", 4, 8),
    ("fetch_error", 5, 12),
)
PROGRAM, WATCHDOG, BUS = 8, 9, 10
QUIET: dict[str, int] = {
    **dict.fromkeys(("start", "stop", "watchdog", "fetch_error", "issued", "stored", "frame_length"), 0),
    **dict.fromkeys(
        ("linear_busy", "weight_read_error", "data_read_error", "data_write_error", "progress"), 0
    ),
    **dict.fromkeys(("fetch_finished", "ports_idle", "at_rest"), 1),
}


async def start(bench: Bench) -> None:
    bench.unit.start.value = 1
    await RisingEdge(bench.clk)
    bench.unit.start.value = 0


async def until(bench: Bench, signal: Any, most: int = 100) -> int:
    """Cycles until the signal is 1."""
    for cycle in range(most):
        await FallingEdge(bench.clk)
        if signal.value == 1:
            return cycle
    raise AssertionError(f"{signal._name} stays 0")


async def stays(bench: Bench, cycles: int, **values: int) -> None:
    for _ in range(cycles):
        await FallingEdge(bench.clk)
        for name, value in values.items():
            assert getattr(bench.unit, name).value == value, f"{name} is not {value}"


def patterns(coroutine: Any) -> Any:
    return over_cases(coroutine, patterns=("flowing",))


@patterns
async def runs_until_all_is_stored(bench: Bench) -> None:
    unit = bench.unit
    await bench.reset(**QUIET)
    await stays(bench, 3, busy=0, done=0, halt=0)
    for issued in (7, 7, 0xFFFF, 2):
        await RisingEdge(bench.clk)
        await start(bench)
        await until(bench, unit.fetch_start)
        unit.fetch_finished.value = 0
        await stays(bench, 10, busy=1, done=0, halt=0, unit_rst=0)
        await RisingEdge(bench.clk)
        unit.issued.value, unit.stored.value, unit.fetch_finished.value = issued, (issued - 1) & 0xFFFF, 1
        await stays(bench, 10, busy=1, done=0)
        await RisingEdge(bench.clk)
        unit.stored.value = issued
        assert await until(bench, unit.unit_rst) < 4  # of a run that ended well, too
        unit.issued.value, unit.stored.value = 0, 0
        assert await until(bench, unit.done) < 6
        assert unit.code.value == 0
        await stays(bench, 5, busy=0, done=0, unit_rst=0)


@patterns
async def a_linear_layer_is_awaited(bench: Bench) -> None:
    """It counts as stored before it is done: till then neither its frame nor the run is at its end."""
    unit = bench.unit
    await bench.reset(**{**QUIET, "frame_length": 2})
    await start(bench)
    unit.fetch_finished.value = 0
    await bench.cycles(5)
    unit.stored.value = 1
    await stays(bench, 5, frame_done=0)
    await RisingEdge(bench.clk)
    unit.stored.value, unit.linear_busy.value = 2, 1  # the frame's last instruction
    await stays(bench, 8, frame_done=0)
    await RisingEdge(bench.clk)
    unit.stored.value = 3  # of the next frame
    await stays(bench, 8, frame_done=0)
    await RisingEdge(bench.clk)
    unit.linear_busy.value = 0
    assert await until(bench, unit.frame_done) < 3
    await stays(bench, 5, frame_done=0)
    await RisingEdge(bench.clk)
    unit.stored.value, unit.linear_busy.value = 4, 1
    unit.issued.value, unit.fetch_finished.value = 4, 1
    await stays(bench, 20, frame_done=0, done=0, halt=0)
    await RisingEdge(bench.clk)
    unit.linear_busy.value = 0
    assert await until(bench, unit.frame_done) < 3
    await until(bench, unit.done)
    assert unit.code.value == 0


@patterns
async def no_frame_waits_for_the_next_run(bench: Bench) -> None:
    unit = bench.unit
    await bench.reset(**{**QUIET, "frame_length": 1})
    await start(bench)
    unit.fetch_finished.value = 0
    await bench.cycles(5)
    unit.stored.value, unit.linear_busy.value = 1, 1
    await bench.cycles(3)
    unit.stop.value = 1
    await bench.cycles(1)
    unit.stop.value = 0
    await until(bench, unit.unit_rst)
    await until(bench, unit.done)
    await RisingEdge(bench.clk)
    unit.stored.value = 0
    await bench.cycles(2)
    unit.linear_busy.value = 0
    await stays(bench, 10, frame_done=0)


@patterns
async def what_is_left_over_is_an_error(bench: Bench) -> None:
    unit = bench.unit
    await bench.reset(**QUIET)
    for rests in (0, 1):
        unit.at_rest.value = rests
        await start(bench)
        await until(bench, unit.done)
        assert unit.code.value == (0 if rests else PROGRAM)
        await RisingEdge(bench.clk)


@patterns
async def stored_in_mid_program_is_no_end(bench: Bench) -> None:
    unit = bench.unit
    await bench.reset(**QUIET)
    await start(bench)
    unit.fetch_finished.value, unit.issued.value, unit.stored.value = 0, 3, 3
    await stays(bench, 30, done=0)


@patterns
async def errors_end_cleanly(bench: Bench) -> None:
    unit = bench.unit
    for signal, value, code in ERRORS:
        await bench.reset(**QUIET)
        await start(bench)
        unit.fetch_finished.value, unit.ports_idle.value = 0, 0
        await bench.cycles(5)
        getattr(unit, signal).value = value
        await bench.cycles(1)
        unit.stop.value = 0
        await until(bench, unit.halt)
        await stays(bench, 20, halt=1, busy=1, done=0, unit_rst=0)  # ports are at work
        await RisingEdge(bench.clk)
        unit.ports_idle.value = 1
        await until(bench, unit.unit_rst)
        getattr(unit, signal).value = 0  # the reset clears what is sticky
        unit.fetch_finished.value = 1
        await until(bench, unit.done)
        assert unit.code.value == code, f"{signal} = {value}: code {int(unit.code.value)}, not {code}"
        await RisingEdge(bench.clk)
        await start(bench)  # and the next run is a run
        assert await until(bench, unit.done) < 10
        assert unit.code.value == 0


@patterns
async def the_first_error_counts(bench: Bench) -> None:
    unit = bench.unit
    await bench.reset(**QUIET)
    await start(bench)
    unit.fetch_finished.value, unit.ports_idle.value = 0, 0
    await bench.cycles(3)
    unit.data_write_error.value = 1
    await bench.cycles(2)
    unit.weight_read_error.value, unit.ports_idle.value = 1, 1
    await until(bench, unit.done)
    assert unit.code.value == 4


@patterns
async def watches(bench: Bench) -> None:
    unit = bench.unit
    await bench.reset(**{**QUIET, "watchdog": 20})
    await start(bench)
    unit.fetch_finished.value = 0
    for _ in range(4):  # something moves now and then
        await stays(bench, 15, halt=0)
        await RisingEdge(bench.clk)
        unit.progress.value = 1
        await RisingEdge(bench.clk)
        unit.progress.value = 0
    await until(bench, unit.halt)
    unit.ports_idle.value = 0
    await bench.cycles(4)
    await RisingEdge(bench.clk)
    unit.ports_idle.value = 1
    await until(bench, unit.done)
    assert unit.code.value == WATCHDOG
    await RisingEdge(bench.clk)
    await start(bench)
    unit.fetch_finished.value, unit.ports_idle.value = 0, 0  # a port that never ends
    await until(bench, unit.done)
    assert unit.code.value == BUS
    await stays(bench, 50, busy=1, halt=1, done=0, unit_rst=0)  # said once, and nothing is touched
    for _ in range(2):
        await RisingEdge(bench.clk)
        await start(bench)
        assert await until(bench, unit.done) < 2
        assert unit.code.value == BUS
    await RisingEdge(bench.clk)
    unit.ports_idle.value, unit.fetch_finished.value = 1, 1
    await until(bench, unit.unit_rst)
    await RisingEdge(bench.clk)
    await start(bench)  # too early by some cycles: answered, not forgotten
    assert await until(bench, unit.done) < 2
    for _ in range(10):
        await FallingEdge(bench.clk)
        assert not (unit.done.value == 1 and unit.busy.value == 0), "an end without a start"
    await RisingEdge(bench.clk)
    await start(bench)  # the ports came to rest: the next run is a run
    assert await until(bench, unit.fetch_start) < 3
    await until(bench, unit.done)
    assert unit.code.value == 0


@patterns
async def frames_are_counted(bench: Bench) -> None:
    """A pulse each time that as many instructions are stored as a frame has, in every run anew."""
    unit = bench.unit
    await bench.reset(**QUIET)
    for length, instructions in ((3, 8), (1, 4), (5, 4)):
        unit.frame_length.value, unit.fetch_finished.value = length, 0
        await start(bench)
        await bench.cycles(3)
        pulses = 0
        for number in range(instructions):
            unit.stored.value = number + 1
            for _ in range(bench.dice.randrange(1, 4)):
                await FallingEdge(bench.clk)
                pulses += int(unit.frame_done.value)
                await RisingEdge(bench.clk)
        unit.issued.value, unit.fetch_finished.value = instructions, 1
        for _ in range(12):
            await FallingEdge(bench.clk)
            pulses += int(unit.frame_done.value)
            if unit.unit_rst.value == 1:
                unit.issued.value, unit.stored.value = 0, 0
            await RisingEdge(bench.clk)
        assert pulses == instructions // length, f"{pulses} frames"


@patterns
async def without_a_watchdog_waits(bench: Bench) -> None:
    await bench.reset(**QUIET)
    await start(bench)
    bench.unit.fetch_finished.value = 0
    await stays(bench, 300, halt=0, done=0)
