# SPDX-License-Identifier: Apache-2.0
"""A host's end of a serial line, 8N1, at a design's pins: what the driver takes for pyserial's Serial."""

from __future__ import annotations

from collections import deque
from typing import Any

import cocotb
from cocotb.task import resume
from cocotb.triggers import FallingEdge, Timer


class SerialLine:
    """See rvg_serial.Line.

    sent, received  pins: what the host drives, what it reads
    bit_ns          nanoseconds a bit; skew: by which share the host's clock is slower
    timeout_ns      of a read, from the last byte on
    """

    def __init__(self, sent: Any, received: Any, bit_ns: int, timeout_ns: int, skew: float = 0.0) -> None:
        self.sent, self.received, self.timeout_ns = sent, received, timeout_ns
        self.bit_ns = bit_ns
        self.sent_bit_ns = round(bit_ns * (1 + skew))
        self.came: deque[int] = deque()
        self.broken = 0  # bytes without a stop bit
        sent.value = 1
        cocotb.start_soon(self._listen())

    async def _listen(self) -> None:
        while True:
            await FallingEdge(self.received)
            await Timer(self.bit_ns // 2, unit="ns")
            byte = 0
            for bit in range(8):
                await Timer(self.bit_ns, unit="ns")
                byte |= int(self.received.value) << bit
            await Timer(self.bit_ns, unit="ns")
            if self.received.value == 1:
                self.came.append(byte)
            else:
                self.broken += 1

    async def _write(self, data: bytes) -> None:
        for byte in data:
            for bit in (0, *(byte >> i & 1 for i in range(8)), 1):
                self.sent.value = bit
                await Timer(self.sent_bit_ns, unit="ns")

    async def _read(self, size: int) -> bytes:
        waited = 0
        while len(self.came) < size and waited < self.timeout_ns:
            before = len(self.came)
            await Timer(self.bit_ns, unit="ns")
            waited = waited + self.bit_ns if len(self.came) == before else 0
        return bytes(self.came.popleft() for _ in range(min(size, len(self.came))))

    def write(self, data: bytes) -> None:
        resume(self._write)(data)

    def read(self, size: int) -> bytes:
        return bytes(resume(self._read)(size))
