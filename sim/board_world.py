# SPDX-License-Identifier: Apache-2.0
"""The driver's world in simulation: registers over the bench's AXI4-Lite port, by cocotbext-axi.

Memory: stream_world.py, engine_world.py.

The driver blocks, so it runs in a thread of cocotb's: `cocotb.task.bridge` and `resume`.
"""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Iterator
from typing import Any

from cocotb.clock import Clock
from cocotb.task import resume
from cocotb.triggers import ClockCycles, First, RisingEdge, Timer
from cocotb.utils import get_sim_time
from cocotbext.axi import AxiLiteBus, AxiLiteMaster, AxiResp

sys.path.insert(0, os.environ["BOARD_DRIVER"])
from rvg_driver.access import BusError

PERIOD_NS = 10


class SimRegisters:
    """See rvg_driver.access.Registers."""

    def __init__(self, read: Any, write: Any) -> None:
        self._read, self._write = resume(read), resume(write)

    def read(self, offset: int) -> int:
        return int(self._read(offset))

    def write(self, offset: int, value: int) -> None:
        self._write(offset, value)


class Host:
    """See rvg_driver.access.Board; without memory.

    share  probability of a cycle in which a channel of the registers' port waits
    """

    idle = 2  # cycles between accesses, at most

    def __init__(self, dut: Any, share: float, seed: int) -> None:
        self.dut, self.dice = dut, random.Random(seed)
        dut.aresetn.value = 0
        self.bus = AxiLiteMaster(
            AxiLiteBus.from_prefix(dut, "s_axi_ctrl"), dut.aclk, dut.aresetn, reset_active_level=False
        )
        self.share = share
        self.channels = (
            *(self.bus.write_if.aw_channel, self.bus.write_if.w_channel, self.bus.write_if.b_channel),
            *(self.bus.read_if.ar_channel, self.bus.read_if.r_channel),
        )

    def _pauses(self) -> Iterator[bool]:
        while True:
            yield self.dice.random() < self.share

    async def begin(self) -> None:
        """Clock and reset."""
        Clock(self.dut.aclk, PERIOD_NS, unit="ns").start()
        await self.reset()

    async def reset(self) -> None:
        """The whole design's, and of what is around it."""
        self.dut.aresetn.value = 0
        await self.reset_others()
        await ClockCycles(self.dut.aclk, 5)
        self.dut.aresetn.value = 1
        await ClockCycles(self.dut.aclk, 5)

    async def reset_others(self) -> None:
        """What is reset with the design."""

    # ---- the driver's interface

    def registers(self, name: str) -> SimRegisters:
        assert name == "accelerator"
        return SimRegisters(self._read, self._write)

    async def _access(self, access: Any) -> Any:
        """An access behind some cycles without one, with pauses in its channels alone: that is faster."""
        await ClockCycles(self.dut.aclk, self.dice.randint(1, self.idle))
        for channel in self.channels:
            channel.set_pause_generator(self._pauses())
        answer = await access
        for channel in self.channels:
            channel.clear_pause_generator()
        return answer

    async def _read(self, offset: int) -> int:
        answer = await self._access(self.bus.read(offset, 4))
        if answer.resp != AxiResp.OKAY:
            raise BusError(f"the bus answered {answer.resp.name}")
        return int.from_bytes(answer.data, "little")

    async def _write(self, offset: int, value: int) -> None:
        answer = await self._access(self.bus.write(offset, value.to_bytes(4, "little")))
        if answer.resp != AxiResp.OKAY:
            raise BusError(f"the bus answered {answer.resp.name}")

    def wait(self, seconds: float) -> bool:
        return bool(resume(self._interrupt)(seconds))

    async def _interrupt(self, seconds: float) -> bool:
        if self.dut.interrupt.value != 1:
            await First(RisingEdge(self.dut.interrupt), Timer(max(1, int(seconds * 1e9)), unit="ns"))
        return bool(self.dut.interrupt.value == 1)

    def clock(self) -> float:
        return float(get_sim_time("sec"))
