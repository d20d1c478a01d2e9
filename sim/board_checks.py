# SPDX-License-Identifier: Apache-2.0
"""What the benches of the shipped driver share: the case, a test that may block, and what a run must give.

Environment: BOARD_DRIVER, the folder of driver and .json; BOARD_CASE, an .npz with `images` (N, H, W, C),
`expected` (N, words), or `maps` (N, C, H, W) where they are the results, and `interval`, cycles of a frame as
planned; BOARD_NAME.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import board_world
import cocotb
import numpy as np
from cocotb.task import bridge
from rvg_driver import Accelerator, DriverError

assert board_world  # it finds the driver
CASE = np.load(os.environ["BOARD_CASE"])
IMAGES = CASE["images"]
MAPS = CASE.get("maps")
EXPECTED = CASE.get("expected")
INTERVAL = int(CASE["interval"])
BITSTREAM = str(Path(os.environ["BOARD_DRIVER"]) / f"{os.environ['BOARD_NAME']}.bit")
few = IMAGES[:3]
for part in ("s_axi_ctrl", "s_axis", "m_axis"):  # cocotbext-axi reports every beat
    logging.getLogger(f"cocotb.bench.{part}").setLevel(logging.WARNING)


def driver_test(
    make_world: Callable[[Any, int], Any], timeout: float = 0.05, **options: Any
) -> Callable[[Callable[[Any, Accelerator], None]], Any]:
    """A test of a function of the world, made of the bench and a seed, and the driver; it may block.

    All memory is given back in the end.
    """

    def decorate(function: Callable[[Any, Accelerator], None]) -> Any:
        async def test(dut: Any) -> None:
            world = make_world(dut, len(function.__name__))
            await world.begin()

            def blocking() -> None:
                with Accelerator(BITSTREAM, world, timeout=timeout, **options) as accelerator:
                    function(world, accelerator)

            await bridge(blocking)()
            assert world.buffers == 0, "a buffer was not given back"

        test.__name__ = test.__qualname__ = function.__name__
        test.__doc__, test.__module__ = function.__doc__, function.__module__
        return cocotb.test(timeout_time=300, timeout_unit="ms")(test)

    return decorate


def check(accelerator: Accelerator, first: int, count: int) -> int:
    """A run of these images gives golden's classes and logits, or maps; returns its cycles."""
    results = accelerator.run(IMAGES[first : first + count])
    if MAPS is not None:
        assert results.maps is not None
        assert results.maps.dtype == np.uint8
        assert results.maps.tolist() == MAPS[first : first + count].tolist()
        assert (results.logits, results.classes.shape) == (None, (count, 0))
        return results.cycles
    expected = EXPECTED[first : first + count]
    logits = accelerator.facts["logits"]
    assert results.classes.tolist() == expected[:, logits:].tolist()
    assert (results.logits is None) == (logits == 0)
    if results.logits is not None:
        assert results.logits.tolist() == expected[:, :logits].tolist()
    return results.cycles


def check_classify(accelerator: Accelerator) -> None:
    """The first image's class is golden's; a network that ends with a map has none, and says so."""
    if MAPS is not None:
        refused("ends with a map", lambda: accelerator.classify(IMAGES[0]))
    else:
        logits = accelerator.facts["logits"]
        assert accelerator.classify(IMAGES[0]).tolist() == EXPECTED[:1, logits].tolist()


def refused(pattern: str, function: Callable[[], Any]) -> None:
    """It fails with this one line."""
    said = "nothing"
    try:
        function()
    except DriverError as error:
        said = str(error)
    assert re.search(pattern, said), said
    assert "\n" not in said


class WrongWord:
    """The registers of another bitstream: one of them has another word."""

    def __init__(self, real: Any, offset: int, word: int) -> None:
        self.real, self.offset, self.word = real, offset, word
        self.write = real.write

    def read(self, offset: int) -> int:
        return self.word if offset == self.offset else int(self.real.read(offset))
