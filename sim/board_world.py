# SPDX-License-Identifier: Apache-2.0
"""The driver's world in simulation: what it reads and writes goes over the bench's AXI4-Lite port and a DMA.

The driver blocks, so it runs in a thread of cocotb's: `cocotb.task.bridge` and `resume`.
"""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
from axi_dma_model import AxiDmaModel
from cocotb.clock import Clock
from cocotb.task import resume
from cocotb.triggers import ClockCycles, First, RisingEdge, Timer
from cocotb.utils import get_sim_time
from cocotbext.axi import AxiLiteBus, AxiLiteMaster, AxiResp
from numpy.typing import NDArray

sys.path.insert(0, os.environ["BOARD_DRIVER"])
from rvg_driver.access import BusError

PERIOD_NS = 10
MEMORY, BASE = 1 << 20, 0x1000_0000
ALIGNED = 64  # bytes


class SimRegisters:
    """See rvg_driver.access.Registers."""

    def __init__(self, read: Any, write: Any) -> None:
        self._read, self._write = resume(read), resume(write)

    def read(self, offset: int) -> int:
        return int(self._read(offset))

    def write(self, offset: int, value: int) -> None:
        self._write(offset, value)


class SimBuffer:
    """See rvg_driver.access.Buffer."""

    def __init__(self, world: World, address: int) -> None:
        self.world, self.address = world, address

    def store(self, data: NDArray[np.uint8]) -> None:
        start = self.address - BASE
        if 0 <= start < MEMORY:
            self.world.memory[start : start + len(data)] = data.tobytes()

    def load(self, size: int) -> NDArray[np.uint8]:
        start = self.address - BASE
        return np.frombuffer(bytes(self.world.memory[start : start + size]), np.uint8)

    def free(self) -> None:
        self.world.buffers -= 1


class World:
    """See rvg_driver.access.Board.

    pauses  (bus, pixels, results): probability of a cycle in which that side waits
    """

    def __init__(self, dut: Any, pauses: tuple[float, float, float], seed: int) -> None:
        self.dut, self.dice = dut, random.Random(seed)
        self.memory = bytearray(MEMORY)
        self.next, self.buffers = 0, 0
        self.misplaced = False  # buffers lie where no memory is
        dut.aresetn.value, dut.dma_resetn.value = 0, 1
        self.dma = AxiDmaModel(dut, self.memory, BASE, pauses[1:], seed)
        self.bus = AxiLiteMaster(
            AxiLiteBus.from_prefix(dut, "s_axi_ctrl"), dut.aclk, dut.aresetn, reset_active_level=False
        )
        for channel in (
            *(self.bus.write_if.aw_channel, self.bus.write_if.w_channel, self.bus.write_if.b_channel),
            *(self.bus.read_if.ar_channel, self.bus.read_if.r_channel),
        ):
            channel.set_pause_generator(self._pauses(pauses[0]))

    def _pauses(self, share: float) -> Iterator[bool]:
        while True:
            yield self.dice.random() < share

    async def begin(self) -> None:
        """Clock and reset."""
        Clock(self.dut.aclk, PERIOD_NS, unit="ns").start()
        await self.reset()

    async def reset(self) -> None:
        """The whole design's, and the DMA's."""
        self.dut.aresetn.value = 0
        await self.dma.reset()
        await ClockCycles(self.dut.aclk, 5)
        self.dut.aresetn.value = 1
        await ClockCycles(self.dut.aclk, 5)

    # ---- the driver's interface

    def registers(self, name: str) -> SimRegisters:
        if name == "dma":
            return SimRegisters(self.dma.read, self.dma.write)
        return SimRegisters(self._read, self._write)

    async def _read(self, offset: int) -> int:
        answer = await self.bus.read(offset, 4)
        if answer.resp != AxiResp.OKAY:
            raise BusError(f"the bus answered {answer.resp.name}")
        return int.from_bytes(answer.data, "little")

    async def _write(self, offset: int, value: int) -> None:
        answer = await self.bus.write(offset, value.to_bytes(4, "little"))
        if answer.resp != AxiResp.OKAY:
            raise BusError(f"the bus answered {answer.resp.name}")

    def allocate(self, size: int) -> SimBuffer:
        size = -(-size // ALIGNED) * ALIGNED
        if self.next + size > MEMORY:
            self.next = 0
        address, self.next = BASE + self.next, self.next + size
        self.buffers += 1
        return SimBuffer(self, address + (MEMORY if self.misplaced else 0))

    def wait(self, seconds: float) -> bool:
        return bool(resume(self._interrupt)(seconds))

    async def _interrupt(self, seconds: float) -> bool:
        if self.dut.interrupt.value != 1:
            await First(RisingEdge(self.dut.interrupt), Timer(max(1, int(seconds * 1e9)), unit="ns"))
        return bool(self.dut.interrupt.value == 1)

    def clock(self) -> float:
        return float(get_sim_time("sec"))
