"""Runs blocks of block_memories.sv and writes what its netlists differ in to BLOCKS_FOUND."""

import json
import os
from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles

CYCLES = 12000


@cocotb.test()
async def count(dut: Any) -> None:
    Clock(dut.clk, 2, unit="ns").start()
    await ClockCycles(dut.clk, CYCLES)
    names = ("netlist_differs", "moved_differs")
    Path(os.environ["BLOCKS_FOUND"]).write_text(
        json.dumps({name: int(getattr(dut, name).value) for name in names})
    )
