# SPDX-License-Identifier: Apache-2.0
"""Drives an engine in its bench as a driver on a board does: through the registers, and by its interrupt."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

from axi_lite_master import OKAY, AxiLiteMaster
from cocotb.triggers import ClockCycles, FallingEdge

from repvgg_hw.plan.engine.registers import REGISTERS

ADDRESS = {register.name: register.offset for register in REGISTERS}
FIELD = {(r.name, field.name): field for r in REGISTERS for field in r.fields}


def ones(register: str, *fields: str) -> int:
    """The word in which these fields are all ones, and no other bit is."""
    found = [FIELD[register, name] for name in fields]
    return sum((1 << field.bits) - 1 << field.low for field in found)


class Engine:
    """The registers of the engine in `dut`, a bench with the ports clk, aresetn, s_axil_*."""

    def __init__(self, dut: Any, seed: int = 0, idle: float = 0.0, pause: float = 0.0) -> None:
        self.unit, self.clk = dut, dut.clk
        self.dice = random.Random(seed)
        self.idle, self.pause = idle, pause
        self.master = AxiLiteMaster(self)

    async def reset(self, cycles: int = 5) -> None:
        """Hold aresetn low; the registers can be used behind it."""
        await FallingEdge(self.clk)
        self.unit.aresetn.value = 0
        await self.master.idle()
        await ClockCycles(self.clk, cycles)
        await FallingEdge(self.clk)
        self.unit.aresetn.value = 1
        await ClockCycles(self.clk, 4)

    async def try_write(self, name: str, value: int) -> int:
        """Returns the slave's response."""
        return (await self.master.write([(ADDRESS[name], value, 0xF)]))[0]

    async def write(self, name: str, value: int) -> None:
        assert await self.try_write(name, value) == OKAY, f"{name} cannot be written"

    async def read(self, name: str) -> int:
        ((value, response),) = await self.master.read([ADDRESS[name]])
        assert response == OKAY, f"{name} cannot be read"
        return value

    async def field(self, register: str, name: str) -> int:
        """Reads the register, returns the field's value."""
        field = FIELD[register, name]
        return await self.read(register) >> field.low & (1 << field.bits) - 1

    async def set(self, registers: Mapping[str, int]) -> None:
        for name, value in registers.items():
            await self.write(name, value)

    async def start(self) -> None:
        """Begin a run; the interrupt is enabled, and what is pending cleared."""
        await self.write("ENABLE", ones("ENABLE", "INTERRUPT"))
        await self.write("STATUS", ones("STATUS", "INTERRUPT"))
        await self.write("CONTROL", ones("CONTROL", "START"))
