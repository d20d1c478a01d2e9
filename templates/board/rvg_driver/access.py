"""What the driver needs of the world: registers, memory that the hardware sees, an interrupt, a clock.

PYNQ stands behind it on a board (`pynq_board.py`), a simulator in the tests.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


class BusError(Exception):
    """An access that was answered with an error, where the world can tell."""


class Registers(Protocol):
    """A block of 32-bit registers, by byte offset."""

    def read(self, offset: int) -> int:
        """Raises BusError."""

    def write(self, offset: int, value: int) -> None:
        """Raises BusError."""


class Buffer(Protocol):
    """Memory that the hardware reaches."""

    @property
    def address(self) -> int:
        """As the hardware sees it."""

    def store(self, data: NDArray[np.uint8]) -> None:
        """Put bytes at its beginning, where the hardware sees them from now on."""

    def load(self, size: int) -> NDArray[np.uint8]:
        """So many bytes from its beginning, as the hardware has left them."""

    def free(self) -> None:
        """Give it back."""


class Board(Protocol):
    """A board with the accelerator's bitstream on it."""

    def registers(self, name: str) -> Registers:
        """Of "accelerator" or "dma"."""

    def allocate(self, size: int) -> Buffer:
        """Memory of so many bytes."""

    def wait(self, seconds: float) -> bool:
        """Wait for the interrupt, at most so long; whether it came. False at once where none is connected."""

    def clock(self) -> float:
        """Seconds, for timeouts."""


Words = NDArray[np.int32]
Facts = dict[str, Any]
