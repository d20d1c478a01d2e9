"""What every accelerator has: an identity, and registers that begin a run, end it, and say how it ended."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from .access import Board, Buffer, BusError, Facts
from .errors import DriverError, StuckError
from .results import Results


class Machine(ABC):
    """Registers and runs; the architectures add how data come and go.

    names    the module of the architecture's registers
    where    the bitstream, for messages
    timeout  seconds after which a run is given up
    """

    kind = "accelerator"  # for messages

    def __init__(
        self, board: Board, facts: Facts, names: ModuleType, where: str, timeout: float, interrupt: bool
    ) -> None:
        self.board, self.facts, self.where = board, facts, where
        self.timeout, self.interrupt = timeout, interrupt
        self.names = names
        self.registers = board.registers("accelerator")

    # ---- of each architecture

    @property
    @abstractmethod
    def largest(self) -> int:
        """Images of a run, at most."""

    @abstractmethod
    def run(self, images: NDArray[np.uint8]) -> Results:
        """One run of (N, H, W, C). Raises DriverError; the next one may succeed."""

    def check(self) -> None:
        """That the hardware is the one that the facts are of."""
        r = self.names
        if (found := self.read(r.ID)) != r.MAGIC:
            raise DriverError(f"{self.where} holds no {self.kind} (ID is 0x{found:08x}): wrong bitstream")
        if (found := self.read(r.VERSION)) != r.MAP_VERSION:
            raise DriverError(
                f"{self.where} has registers of version {found}, this driver is of {r.MAP_VERSION}"
            )

    @abstractmethod
    def settle(self) -> None:
        """End whatever moves data beside the accelerator, once a run was broken off."""

    @abstractmethod
    def close(self) -> None:
        """Give memory back that is kept from run to run."""

    # ---- a run

    def begin(self, words: dict[int, int], transfer: Callable[[], None] = lambda: None) -> None:
        """Write the registers of a run, by offset, and begin it; `transfer` is called just before."""
        r = self.names
        self.write(r.ENABLE, int(self.interrupt))
        self.write(r.STATUS, 0xFFFFFFFF)  # what is left of an earlier run
        for offset, word in words.items():
            self.write(offset, word)
        transfer()
        self.write(r.CONTROL, 1 << r.CONTROL_START[0])

    def finish(self, count: int, rest: Callable[[], bool] = lambda: True) -> int:
        """Wait for the run's end, and until `rest` says that all else has ended, too; returns its cycles."""
        r = self.names
        limit = self.board.clock() + self.timeout
        ended = False
        while True:
            if not ended and self.interrupt:
                self.board.wait(max(0.0, limit - self.board.clock()))
            if not ended:
                ended = self._ended()
            if rest() and ended:
                return self.read(r.CYCLES_LOW) | self.read(r.CYCLES_HIGH) << 32
            if self.board.clock() > limit:
                done = self.read(r.FRAMES_DONE)
                raise DriverError(f"no end after {self.timeout:g} s: {done} of {count} images are done")

    def _ended(self) -> bool:
        """Whether the run is over. Raises DriverError where it ended with an error."""
        r = self.names
        word = self.read(r.STATUS)
        if not field(word, r.STATUS_DONE):
            return False
        if code := field(word, r.STATUS_ERROR):
            name, said = r.ERRORS.get(code, ("", f"an unknown one, {code}"))
            kind = StuckError if name == "bus" else DriverError
            raise kind(f"the accelerator ended with an error: {said}")
        self.write(r.STATUS, 1 << r.STATUS_INTERRUPT[0])
        return True

    def status(self) -> tuple[bool, int]:
        """(whether a run is at work, the error's code)."""
        word = self.read(self.names.STATUS)
        return bool(field(word, self.names.STATUS_BUSY)), field(word, self.names.STATUS_ERROR)

    def check_free(self) -> None:
        """Raise DriverError where a run is at work."""
        if self.status()[0]:
            raise DriverError("the accelerator is busy: another program runs it, or call abort() first")

    def abort(self) -> None:
        """End a run that is at work, whoever began it; nothing of it is left."""
        self.write(self.names.CONTROL, 1 << self.names.CONTROL_ABORT[0])
        limit = self.board.clock() + self.timeout
        while self.status()[0]:
            if self.board.clock() > limit:
                raise StuckError("the accelerator does not end its run: load the bitstream again")
        self.settle()

    # ---- registers

    def read(self, offset: int) -> int:
        try:
            return self.registers.read(offset)
        except BusError as error:
            raise DriverError(f"reading {self.names.NAMES[offset]} failed: {error}") from None

    def write(self, offset: int, value: int) -> None:
        try:
            self.registers.write(offset, value)
        except BusError as error:
            raise DriverError(f"writing {self.names.NAMES[offset]} failed: {error}") from None


def field(word: int, place: tuple[int, int]) -> int:
    """The value of a register's field (first bit, width)."""
    low, bits = place
    return word >> low & (1 << bits) - 1


@contextmanager
def memory(board: Board, size: int) -> Iterator[Buffer]:
    """Memory for a run, given back behind it, unless the hardware may still be at it."""
    buffer = board.allocate(size)
    try:
        yield buffer
    except StuckError:
        raise
    except BaseException:
        buffer.free()
        raise
    else:
        buffer.free()
