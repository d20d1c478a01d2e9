# SPDX-License-Identifier: Apache-2.0
"""The driver that ships, against the RTL of an engine on its board: see board_checks.py, engine_world.py.

Environment: BOARD_BREAK, a fault of the bench, by which break_a_rule has a port break a rule.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import cocotb
import numpy as np
from board_checks import BITSTREAM, IMAGES, WrongWord, check, check_classify, driver_test, few, refused
from cocotb.task import bridge, resume
from cocotb.triggers import ClockCycles
from engine_world import DATA, WEIGHT, World
from rvg_driver import Accelerator
from rvg_driver import engine_registers as r
from rvg_driver.engine import Engine

FLOWING, STALLED = ((0.0, 0), (8, 8)), ((0.3, 20), (20, 200))
START = 1 << r.CONTROL_START[0]


def with_driver(
    pauses: tuple[tuple[float, int], tuple[int, int]] = STALLED, **options: Any
) -> Callable[[Callable[[World, Accelerator], None]], Any]:
    """A test of a function of the world and the driver, which may block."""
    return driver_test(lambda dut, seed: World(dut, *pauses, seed), **options)


def engine(accelerator: Accelerator) -> Engine:
    assert isinstance(accelerator.machine, Engine)
    return accelerator.machine


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
def frames_overlap(world: World, accelerator: Accelerator) -> None:
    """Two frames queued take less than twice one; each further one takes as long as the one before."""
    cycles = {count: check(accelerator, 0, count) for count in (1, 2, 3)}
    assert cycles[2] < 2 * cycles[1], cycles
    assert abs((cycles[3] - cycles[2]) - (cycles[2] - cycles[1])) <= cycles[1] // 50, cycles


@with_driver()
def wrong_bitstream(world: World, accelerator: Accelerator) -> None:
    """Another engine's, another map's, none of ours: said before anything is started."""
    machine, real = accelerator.machine, accelerator.machine.registers
    for offset, word, pattern in (
        (r.ID, 5, "holds no engine .ID is 0x00000005.: wrong bitstream"),
        (r.VERSION, 9, "registers of version 9"),
        (r.ENGINE, 0x123, "holds the engine 00000123, .* are for"),
    ):
        machine.registers = WrongWord(real, offset, word)
        refused(pattern, machine.check)


@with_driver()
def wrong_images(world: World, accelerator: Accelerator) -> None:
    refused("images are uint8 of shape", lambda: accelerator.run(IMAGES[:, :-1]))
    refused("images are uint8 of shape", lambda: accelerator.run(IMAGES.astype(np.int8)))


@with_driver()
def an_image_that_memory_lost(world: World, accelerator: Accelerator) -> None:
    """What the hardware says of an image for another engine, of another version, of none at all."""
    check(accelerator, 0, 1)
    sound, (image, _) = engine(accelerator).image, engine(accelerator).kept
    for byte, pattern in (
        (0, "there is no engine's image"),
        (4, "of another version"),
        (8, "another engine"),
    ):
        wrong = sound[:128].copy()
        wrong[byte] ^= 1
        image.store(wrong)
        refused(pattern, lambda: accelerator.run(few))
    image.store(sound)
    check(accelerator, 1, 2)


@with_driver()
def bus_errors(world: World, accelerator: Accelerator) -> None:
    """An address without a register; memory that answers with an error. The next run succeeds."""
    r.NAMES[0x800] = "NOTHING"
    refused("reading NOTHING failed: the bus answered SLVERR", lambda: accelerator.machine.read(0x800))
    refused("writing ID failed: the bus answered SLVERR", lambda: accelerator.machine.write(r.ID, 1))
    check(accelerator, 0, 1)
    image, maps = (buffer.address for buffer in engine(accelerator).kept)
    for port, address, writes, pattern in (
        (WEIGHT, image + engine(accelerator).image.size - 64, False, "a read through the weight port failed"),
        (DATA, maps, False, "a read through the data port failed"),
        (DATA, maps, True, "a write through the data port failed"),
    ):
        world.fail_at(port, address, writes=writes)
        refused(f"ended with an error: {pattern}", lambda: accelerator.run(few))
        world.fail_at(port, writes=writes)
        check(accelerator, 0, 2)


@with_driver()
def memory_beyond_32_bits(world: World, accelerator: Accelerator) -> None:
    world.beyond = 8 << 32
    refused("memory was given at 0x8000.*, an engine's addresses have 32 bits", lambda: accelerator.run(few))
    world.beyond = 0
    check(accelerator, 0, 1)


@with_driver()
def busy_and_timeout(world: World, accelerator: Accelerator) -> None:
    """A run of another program keeps it busy; abort frees it. A memory that hangs is given up."""
    check(accelerator, 0, 1)
    world.stop_reads(DATA)
    accelerator.machine.write(r.CONTROL, START)
    refused("the accelerator is busy", lambda: accelerator.run(few))
    accelerator.machine.write(r.CONTROL, START)
    assert accelerator.status() == (True, 11)
    world.go_on(DATA)
    accelerator.abort()
    assert accelerator.status() == (False, 1)
    check(accelerator, 1, 2)
    engine(accelerator).watchdog = 500
    accelerator.machine.timeout = 1e-4
    world.stop_reads(WEIGHT)
    refused("ended with an error: a transfer never ended", lambda: accelerator.run(few))
    world.go_on(WEIGHT)
    for address in [at for at in world.live if at not in {b.address for b in engine(accelerator).kept}]:
        del world.live[address]  # the driver keeps what hardware may still write
    engine(accelerator).watchdog = 0
    accelerator.machine.timeout = 2e-5
    refused("no end after 2e-05 s: 0 of 3 images are done", lambda: accelerator.run(few))
    accelerator.machine.timeout = 0.05
    check(accelerator, 2, 1)


@cocotb.test(skip=not os.environ.get("BOARD_BREAK"))
async def break_a_rule(dut: Any) -> None:
    """A port breaks the rule that is numbered: the monitor behind it ends the simulation."""
    world = World(dut, *STALLED, seed=1)
    await world.begin()

    def run() -> None:
        accelerator = Accelerator(BITSTREAM, world, timeout=0.001)
        dut.break_rule.value = int(os.environ["BOARD_BREAK"])
        accelerator.run(few)

    await bridge(run)()


@cocotb.test(timeout_time=100, timeout_unit="ms")
async def reset_and_abort_within_a_frame(dut: Any) -> None:
    """At many places of a frame: nothing of it is in the results of the run that follows."""
    world = World(dut, *FLOWING, seed=7)
    await world.begin()

    async def wait(cycles: int) -> None:
        await ClockCycles(dut.aclk, cycles)

    def broken_off(by: str, cycles: int) -> None:
        with Accelerator(BITSTREAM, world, timeout=0.05) as accelerator:
            interval = check(accelerator, 0, 1)
            machine = engine(accelerator)
            image, maps = (buffer.address for buffer in machine.kept)
            lines = machine.planar(few)
            pixels, output = world.allocate(lines.size), world.allocate(4096)
            pixels.store(lines)
            machine.begin(
                {
                    r.IMAGE: image,
                    r.MAPS: maps,
                    r.INPUT: pixels.address,
                    r.OUTPUT: output.address,
                    r.INPUT_STRIDE: lines.size // len(few),
                    r.OUTPUT_STRIDE: 1024,
                    r.FRAMES: len(few),
                }
            )
            resume(wait)(cycles * interval // 6)
            assert accelerator.status()[0], "the run was over before it could be broken off"
            if by == "abort":
                accelerator.abort()
            else:
                resume(world.reset)()
                assert accelerator.status() == (False, 0)
            check(accelerator, 1, 2)
            pixels.free()
            output.free()

    for by in ("abort", "reset"):
        for sixths in (0, 1, 4, 8):
            await bridge(broken_off)(by, sixths)
    assert world.buffers == 0
