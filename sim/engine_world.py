# SPDX-License-Identifier: Apache-2.0
"""An engine's world in simulation: a memory behind its two masters, and the host's window into it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import numpy as np
from board_world import Host
from cocotb.task import resume
from cocotb.triggers import ClockCycles, RisingEdge
from cocotb.types import LogicArray
from numpy.typing import NDArray

SIZE, WINDOW = int(os.environ["BOARD_MEMORY"]), int(os.environ["BOARD_WINDOW"])  # bytes
ALIGNED = 64  # bytes
NEVER = 0xFFFF_FFFF
NOWHERE = (1 << 64) - 1
WEIGHT, DATA = 0, 1  # ports


class SimBuffer:
    """See rvg_driver.access.Buffer."""

    def __init__(self, world: World, address: int) -> None:
        self.world, self.address = world, address

    def store(self, data: NDArray[np.uint8]) -> None:
        resume(self.world.store)(self.address, data.tobytes())

    def load(self, size: int) -> NDArray[np.uint8]:
        return np.frombuffer(resume(self.world.load)(self.address, size), np.uint8)

    def free(self) -> None:
        del self.world.live[self.address]


class World(Host):
    """See rvg_driver.access.Board.

    pauses   (bus, memory): probability that a channel waits in a cycle, and in a hundred cycles that one of
             the memory begins to
    latency  least and most cycles from an address to its answer
    """

    idle = 300  # a frame takes thousands

    def __init__(self, dut: Any, pauses: tuple[float, int], latency: tuple[int, int], seed: int) -> None:
        super().__init__(dut, pauses[0], seed)
        self.pauses, self.latency = pauses, latency
        self.live: dict[int, int] = {}  # address -> size, of what is allocated
        self.next = 0
        self.beyond = 0  # what is added to every address that is given
        dut.host_write.value, dut.host_read.value, dut.break_rule.value = 0, 0, 0

    @property
    def buffers(self) -> int:
        return len(self.live)

    def port(self, number: int) -> Any:
        return self.dut.u_memory.g_port[number]

    def dram_channels(self) -> Iterator[Any]:
        """Where the memory pauses."""
        for number in (WEIGHT, DATA):
            yield from (self.port(number).u_read.u_ar, self.port(number).u_read.u_r)
            writes = self.port(number).u_write
            yield from (writes.u_aw, writes.u_w, writes.u_b)

    async def begin(self) -> None:
        for channel in self.dram_channels():
            channel.percent.value = self.pauses[1]
            channel.least.value, channel.most.value = self.latency
        await super().begin()

    def stop_reads(self, number: int) -> None:
        """A port answers no read until `go_on`."""
        self.port(number).u_read.u_r.left_q.value = NEVER

    def go_on(self, number: int) -> None:
        self.port(number).u_read.u_r.left_q.value = 0

    def fail_at(self, number: int, address: int = NOWHERE, *, writes: bool = False) -> None:
        """SLVERR for what is read or written there; without an address nowhere."""
        port = self.port(number)
        (port.u_write if writes else port.u_read).error_at.value = address

    # ---- memory

    async def store(self, address: int, data: bytes) -> None:
        dut = self.dut
        for at in range(0, len(data), WINDOW):
            part = data[at : at + WINDOW]
            dut.host_address.value, dut.host_bytes.value = address + at, len(part)
            dut.host_data.value = LogicArray.from_unsigned(int.from_bytes(part, "little"), 8 * WINDOW)
            dut.host_write.value = 1
            await RisingEdge(dut.aclk)
            dut.host_write.value = 0
        await RisingEdge(dut.aclk)

    async def load(self, address: int, size: int) -> bytes:
        dut, found = self.dut, b""
        while len(found) < size:
            count = min(WINDOW, size - len(found))
            dut.host_address.value, dut.host_bytes.value = address + len(found), count
            dut.host_read.value = 1
            await RisingEdge(dut.aclk)
            dut.host_read.value = 0
            await ClockCycles(dut.aclk, 2)
            word = dut.host_found.value.to_unsigned() & (1 << 8 * count) - 1
            found += word.to_bytes(count, "little")
        return found

    def allocate(self, size: int) -> SimBuffer:
        """Behind the last one where there is room, else before it: memory is as others left it."""
        size = -(-size // ALIGNED) * ALIGNED
        taken = sorted((at, at + length) for at, length in self.live.items())
        for first in (self.next, 0):
            at = first
            for begin, end in taken:
                if begin < at + size and at < end:
                    at = end
            if at + size <= SIZE:
                self.next = at + size
                self.live[at + self.beyond] = size
                return SimBuffer(self, at + self.beyond)
        raise AssertionError("the bench's memory is used up")
