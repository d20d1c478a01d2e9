"""PYNQ behind the driver's interface. Runs on a board alone; everything else of the driver runs anywhere."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import DriverError

ACCELERATOR, DMA = "accelerator", "dma"  # names of the cells in the block design
INTERRUPT = f"{ACCELERATOR}/interrupt"


class PynqBuffer:
    """See `access.Buffer`."""

    def __init__(self, size: int) -> None:
        from pynq import allocate

        self._array: Any = allocate(shape=(size,), dtype=np.uint8)

    @property
    def address(self) -> int:
        return int(self._array.device_address)

    def store(self, data: NDArray[np.uint8]) -> None:
        self._array[: len(data)] = data
        self._array.flush()

    def load(self, size: int) -> NDArray[np.uint8]:
        self._array.invalidate()
        return np.array(self._array[:size])

    def free(self) -> None:
        self._array.freebuffer()


class PynqBoard:
    """See `access.Board`. Loads the bitstream; its .hwh lies beside it."""

    def __init__(self, bitstream: str) -> None:
        from pynq import MMIO, Overlay

        self.overlay: Any = Overlay(bitstream)
        cells = self.overlay.ip_dict
        self._registers: dict[str, Any] = {}
        if ACCELERATOR in cells:
            self._registers[ACCELERATOR] = getattr(self.overlay, ACCELERATOR)  # a pynq.DefaultIP
        if DMA in cells:
            # Not PYNQ's driver of it, which starts both channels once it is made.
            self._registers[DMA] = MMIO(cells[DMA]["phys_addr"], cells[DMA]["addr_range"])
        self._interrupt: Any = None
        if INTERRUPT in self.overlay.interrupt_pins:
            from pynq import Interrupt

            self._interrupt = Interrupt(INTERRUPT)

    def registers(self, name: str) -> Any:
        if name not in self._registers:
            raise DriverError(f"the bitstream has no {name}: wrong bitstream, or its .hwh is another's")
        return self._registers[name]

    def allocate(self, size: int) -> PynqBuffer:
        return PynqBuffer(size)

    def wait(self, seconds: float) -> bool:
        if self._interrupt is None:
            return False
        waiting = self._interrupted(seconds)
        try:
            return bool(asyncio.get_event_loop().run_until_complete(waiting))
        except RuntimeError:
            # No loop in this thread, or Jupyter runs it already and lacks the nest_asyncio of PYNQ's images:
            # then the driver polls, as where no interrupt is connected.
            waiting.close()
            return False

    async def _interrupted(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self._interrupt.wait(), seconds)
        except asyncio.TimeoutError:
            return False
        return True

    def clock(self) -> float:
        return time.monotonic()
