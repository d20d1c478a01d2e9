"""Runs cells.sv and writes what its pairs differ in to CELLS_FOUND."""

import json
import os
from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles

CYCLES = 2000


@cocotb.test()
async def count(dut: Any) -> None:
    Clock(dut.clk, 2, unit="ns").start()
    await ClockCycles(dut.clk, CYCLES)
    names = ("models_differ", "sign_differs", "packing_differs")
    Path(os.environ["CELLS_FOUND"]).write_text(
        json.dumps({name: int(getattr(dut, name).value) for name in names})
    )
