# SPDX-License-Identifier: Apache-2.0
"""A whole design behind a serial line, pin to pin, by the driver that ships: images there, results back.

Environment: BOARD_DRIVER, the folder of driver and .json; BOARD_CASE, an .npz with `images` (N, H, W, C) and
`expected` (N, words), `maps` (N, C, H, W) where they are the results; BOARD_NAME; BOARD_PINS of
serial_boards.py; BOARD_BIT, cycles of the clock a bit;
BOARD_PATIENCE, cycles after which the host gives an answer up.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.task import bridge
from cocotb.triggers import Timer
from serial_boards import BOARDS, Pins
from serial_line import SerialLine

sys.path.insert(0, os.environ["BOARD_DRIVER"])
from rvg_serial import Accelerator, DriverError

CASE = np.load(os.environ["BOARD_CASE"])
IMAGES, EXPECTED, MAPS = CASE["images"], CASE["expected"], CASE["maps"]
FACTS = str(Path(os.environ["BOARD_DRIVER"]) / f"{os.environ['BOARD_NAME']}.json")
PERIOD_NS = 20
BIT_NS = PERIOD_NS * int(os.environ["BOARD_BIT"])
PATIENCE_NS = PERIOD_NS * int(os.environ["BOARD_PATIENCE"])  # of the host, beyond the board's own
PINS = BOARDS[os.environ["BOARD_PINS"]]


async def begin(dut: Any, skew: float = 0.0) -> tuple[Pins, SerialLine]:
    """Clock, buttons, the host's line."""
    pins = PINS(dut)
    pins.press(False)
    line = SerialLine(pins.sent, pins.received, BIT_NS, PATIENCE_NS, skew)
    Clock(pins.clock, PERIOD_NS, unit="ns").start()  # the model of a PLL passes it on
    await Timer(PERIOD_NS * 60, unit="ns")
    return pins, line


def check(accelerator: Accelerator, first: int, count: int) -> None:
    """These images give golden's classes and logits, or maps."""
    results, expected = accelerator.run(IMAGES[first : first + count]), EXPECTED[first : first + count]
    if len(MAPS):
        assert results.maps is not None
        assert results.maps.dtype == np.uint8
        assert results.maps.tolist() == MAPS[first : first + count].tolist()
        assert (results.logits, results.classes.shape) == (None, (count, 0))
        return
    logits = accelerator.facts["logits"]
    assert results.classes.tolist() == expected[:, logits:].tolist()
    if results.logits is not None:
        assert results.logits.tolist() == expected[:, :logits].tolist()


def refused(pattern: str, function: Callable[[], Any]) -> None:
    """It fails with this one line."""
    said = "nothing"
    try:
        function()
    except DriverError as error:
        said = str(error)
    assert re.search(pattern, said), said
    assert "\n" not in said


@cocotb.test()
async def images_over_the_line(dut: Any) -> None:
    """Every image, the host's clock 2 % too slow; the LEDs show the last class."""
    pins, line = await begin(dut, skew=0.02)
    await bridge(lambda: check(Accelerator(line, FACTS), 0, len(IMAGES)))()
    await Timer(20 * BIT_NS, unit="ns")
    *lights, shown = pins.leds()
    assert lights == [False, True, False], lights  # a result; no run, no error, nothing lost
    assert shown in (None, 0 if len(MAPS) else int(EXPECTED[-1, -1]) % 8)
    assert line.broken == 0
    assert not line.came, "bytes that nobody asked for"


@cocotb.test()
async def rough_handling(dut: Any) -> None:
    """Noise, half a frame, wrong images, a silent board, a reset within a frame: then an image is right."""
    pins, line = await begin(dut)
    frame = IMAGES[0].tobytes()

    def handle() -> None:
        line.write(b"\x00\xffxyz")
        accelerator = Accelerator(line, FACTS)
        line.write(b"C" + frame[: len(frame) // 2])
        assert line.read(1) == b""  # in that time the half frame is forgotten
        check(accelerator, 0, 1)
        refused("images are uint8", lambda: accelerator.run(IMAGES[:, :-1]))
        honest = line.write

        def lame(data: bytes) -> None:
            honest(data[: len(data) - 3])

        line.write = lame  # type: ignore[method-assign]
        refused("image 0: 0 of .* bytes came back in time", lambda: accelerator.run(IMAGES[0]))
        line.write = lambda data: None  # type: ignore[method-assign]
        refused("does not answer", lambda: Accelerator(line, FACTS))
        line.write = honest  # type: ignore[method-assign]
        check(accelerator, 1, 1)
        line.write(b"C" + frame[:5])

    await bridge(handle)()
    running, _, failed, _ = pins.leds()
    assert (running, failed) == (True, True)  # a run is at work, an earlier one was stopped
    pins.press(True)
    await Timer(PERIOD_NS * 10, unit="ns")
    pins.press(False)
    await Timer(PERIOD_NS * 10, unit="ns")
    assert not any(pins.leds())

    def again() -> None:
        accelerator = Accelerator(line, FACTS)
        check(accelerator, 0, 1)

    await bridge(again)()
