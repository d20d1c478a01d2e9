"""AMD's AXI DMA in its simple mode, by its registers (PG021): one packet to the accelerator, one from it."""

from __future__ import annotations

from .access import Board
from .errors import DriverError

TO_DEVICE, FROM_DEVICE = 0x00, 0x30  # blocks of registers: memory to stream, stream to memory
CONTROL, STATUS, ADDRESS, ADDRESS_HIGH, LENGTH = 0x00, 0x04, 0x18, 0x1C, 0x28  # within a block
RUN, RESET = 1 << 0, 1 << 2  # of CONTROL
IDLE = 1 << 1  # of STATUS
ERRORS = {4: "internal error", 5: "the memory answered with an error", 6: "no memory at the address"}
NAMES = {TO_DEVICE: "pixels", FROM_DEVICE: "results"}
RESET_POLLS = 1000


class Dma:
    """Both channels."""

    def __init__(self, board: Board) -> None:
        self._registers = board.registers("dma")

    def reset(self) -> None:
        """Forget whatever is under way, in both channels. Raises DriverError where that does not end."""
        self._registers.write(TO_DEVICE + CONTROL, RESET)
        for _ in range(RESET_POLLS):
            if not self._registers.read(TO_DEVICE + CONTROL) & RESET:
                return
        raise DriverError("the DMA's reset does not end: load the bitstream again")

    def start(self, channel: int, address: int, size: int) -> None:
        """Begin a transfer of size bytes, which ends with the packet; a longer packet is an error."""
        self._registers.write(channel + CONTROL, RUN)
        self._registers.write(channel + ADDRESS, address & 0xFFFFFFFF)
        self._registers.write(channel + ADDRESS_HIGH, address >> 32)
        self._registers.write(channel + LENGTH, size)

    def check(self, channel: int) -> bool:
        """Whether the channel's transfer has ended. Raises DriverError where it failed."""
        status = self._registers.read(channel + STATUS)
        for bit, text in ERRORS.items():
            if status >> bit & 1:
                raise DriverError(f"the DMA failed with the {NAMES[channel]}: {text} (status 0x{status:08x})")
        return bool(status & IDLE)

    def received(self) -> int:
        """Bytes of the packet that came."""
        return self._registers.read(FROM_DEVICE + LENGTH)
