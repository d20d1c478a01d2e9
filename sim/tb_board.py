# SPDX-License-Identifier: Apache-2.0
"""The driver that ships, against the RTL of a streaming design on its board: see board_checks.py."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import cocotb
import numpy as np
from board_checks import (
    BITSTREAM,
    IMAGES,
    INTERVAL,
    WrongWord,
    check,
    check_classify,
    driver_test,
    few,
    refused,
)
from cocotb.task import bridge, resume
from cocotb.triggers import ClockCycles
from rvg_driver import Accelerator
from rvg_driver import stream_registers as r
from rvg_driver.dma import Dma
from rvg_driver.stream import Stream
from stream_world import World

FLOWING, STALLED = (0.0, 0.0, 0.0), (0.3, 0.4, 0.4)
START, ABORT = 1 << r.CONTROL_START[0], 1 << r.CONTROL_ABORT[0]


def with_driver(
    pauses: tuple[float, float, float] = STALLED, **options: Any
) -> Callable[[Callable[[World, Accelerator], None]], Any]:
    """A test of a function of the world and the driver, which may block."""
    return driver_test(lambda dut, seed: World(dut, pauses, seed), **options)


def dma(accelerator: Accelerator) -> Dma:
    assert isinstance(accelerator.machine, Stream)
    return accelerator.machine.dma


@with_driver(batch=5)
def all_images_polling(world: World, accelerator: Accelerator) -> None:
    """In runs of several images, the last one shorter."""
    check(accelerator, 0, len(IMAGES))


@with_driver(interrupt=True)
def some_images_by_interrupt(world: World, accelerator: Accelerator) -> None:
    check(accelerator, 0, 2)
    assert world.dut.interrupt.value == 0
    check(accelerator, 2, 1)
    check_classify(accelerator)


@with_driver(FLOWING)
def frames_go_back_to_back(world: World, accelerator: Accelerator) -> None:
    """Two frames queued take an interval more than one, and five no more than five."""
    cycles = {count: check(accelerator, 0, count) for count in (1, 2, 5)}
    assert cycles[5] - cycles[2] == 3 * INTERVAL, cycles


@with_driver()
def wrong_bitstream(world: World, accelerator: Accelerator) -> None:
    """Another network's, another map's, none of ours: said before anything is started."""
    facts = accelerator.machine.facts
    for other, pattern in (
        ({"network": 1}, "holds the design .*its .json is of 00000001"),
        ({"frame_bytes": 1}, "has frames and results of"),
    ):
        accelerator.machine.facts = {**facts, **other}
        refused(pattern, accelerator.machine.check)
    accelerator.machine.facts = facts
    real = accelerator.machine.registers
    for offset, word, pattern in (
        (r.ID, 5, "holds no streaming design"),
        (r.VERSION, 9, "registers of version 9"),
    ):
        accelerator.machine.registers = WrongWord(real, offset, word)
        refused(pattern, accelerator.machine.check)


@with_driver()
def wrong_images(world: World, accelerator: Accelerator) -> None:
    refused("images are uint8 of shape", lambda: accelerator.run(IMAGES[:, :-1]))
    refused("images are uint8 of shape", lambda: accelerator.run(IMAGES.astype(np.int8)))
    refused("images are uint8 of shape", lambda: accelerator.run(IMAGES[:0]))


@with_driver()
def bus_errors(world: World, accelerator: Accelerator) -> None:
    """An address without a register; a buffer without memory. The next run succeeds."""
    r.NAMES[0x800] = "NOTHING"
    refused("reading NOTHING failed: the bus answered SLVERR", lambda: accelerator.machine.read(0x800))
    refused("writing ID failed: the bus answered SLVERR", lambda: accelerator.machine.write(r.ID, 1))
    world.misplaced = True
    refused("the DMA failed with the results: no memory at the address", lambda: accelerator.run(few))
    world.misplaced = False
    check(accelerator, 0, 2)


@with_driver()
def busy_and_timeout(world: World, accelerator: Accelerator) -> None:
    """A run without pixels keeps it busy; abort frees it. Pixels that never come are given up."""
    accelerator.machine.write(r.CONTROL, START)
    refused("the accelerator is busy", lambda: accelerator.run(few))
    accelerator.machine.write(r.CONTROL, START)
    assert accelerator.status() == (True, 11)
    accelerator.abort()
    assert accelerator.status() == (False, 1)
    check(accelerator, 1, 2)
    accelerator.machine.timeout = 2e-5
    world.dma.stuck = True
    refused("no end after 2e-05 s: 0 of 3 images are done", lambda: accelerator.run(few))
    world.dma.stuck = False
    accelerator.machine.timeout = 0.05
    check(accelerator, 2, 1)
    accelerator.machine.write(r.WATCHDOG, 300)
    world.dma.stuck = True
    refused("ended with an error: no beat came or went", lambda: accelerator.run(few))
    world.dma.stuck = False
    accelerator.machine.write(r.WATCHDOG, 0)
    check(accelerator, 0, 2)


@with_driver()
def wrong_packets(world: World, accelerator: Accelerator) -> None:
    """A packet that ends too early, or goes on: an error each, and the next run is whole."""
    honest = dma(accelerator).start
    size = accelerator.facts["frame_bytes"]
    for extra, pattern in (
        (-accelerator.facts["shape"][2], "within a frame"),
        (size, "did not end with the run"),
    ):

        def lying(channel: int, address: int, size: int, extra: int = extra) -> None:
            honest(channel, address, size + (extra if channel == 0 else 0))

        dma(accelerator).start = lying  # type: ignore[method-assign]
        refused(pattern, lambda: accelerator.run(few))
        dma(accelerator).start = honest  # type: ignore[method-assign]
        check(accelerator, 0, 2)


@cocotb.test(skip=not os.environ.get("BOARD_BREAK"))
async def break_a_rule(dut: Any) -> None:
    """The host or the DMA breaks the rule that is named: the port's monitor ends the simulation."""
    port, _, signal = os.environ["BOARD_BREAK"].partition(":")
    world = World(dut, (0.0, 0.0, 0.0), seed=1)
    await world.begin()

    def begin() -> None:
        accelerator = Accelerator(BITSTREAM, world)
        accelerator.machine.write(r.CONTROL, START)

    await bridge(begin)()
    world.dma.stuck = True
    await ClockCycles(dut.aclk, 4)

    def put(name: str, value: int) -> None:
        getattr(dut, f"{port}_{name}").value = value

    if port == "s_axi_ctrl":  # an address that waits for the one before it, and changes
        put("bready", 0)
        for address in (4, 8, 12):
            put("awaddr", address)
            put("awvalid", 1)
            await ClockCycles(dut.aclk, 3)
    else:
        keep = {"keep": 0b0101, "full": 0b0011}.get(signal, 0b1111)
        put("tlast", int(signal == "keep"))
        for data in range(40):
            put("tdata", data)
            put("tkeep", keep)
            put("tvalid", 1)
            await ClockCycles(dut.aclk, 1)
    await ClockCycles(dut.aclk, 10)


@cocotb.test(timeout_time=100, timeout_unit="ms")
async def reset_and_abort_within_a_frame(dut: Any) -> None:
    """At many places of a frame: nothing of it is in the results of the run that follows."""
    world = World(dut, FLOWING, seed=7)
    await world.begin()

    async def wait(cycles: int) -> None:
        await ClockCycles(dut.aclk, cycles)

    def broken_off(by: str, cycles: int) -> None:
        accelerator = Accelerator(BITSTREAM, world, timeout=0.05)
        pixels, results = world.allocate(2 * few.nbytes), world.allocate(4096)
        pixels.store(few.reshape(-1))
        accelerator.machine.write(r.FRAMES, len(few))
        dma(accelerator).start(0x30, results.address, 4096)
        accelerator.machine.write(r.CONTROL, START)
        dma(accelerator).start(0x00, pixels.address, few.nbytes)
        resume(wait)(cycles)
        assert accelerator.status()[0], "the run was over before it could be broken off"
        if by == "abort":
            accelerator.abort()
        else:
            resume(world.reset)()
            accelerator = Accelerator(BITSTREAM, world, timeout=0.05)
            assert accelerator.status() == (False, 0)
        check(accelerator, 1, 2)
        pixels.free()
        results.free()

    for by in ("abort", "reset"):
        for cycles in (1, INTERVAL // 3, INTERVAL, 2 * INTERVAL):
            await bridge(broken_off)(by, cycles)
