# SPDX-License-Identifier: Apache-2.0
"""Runs an engine's bench, which drives and compares inside the simulation; Python starts and watches it.

Environment: REPVGG_HW_PROGRESS, a file that receives one JSON line now and then.
The bench writes to +log; whoever started the simulation judges by that log.
"""

import json
import os
from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, FallingEdge, First, RisingEdge, Timer

PERIOD_NS = 2
CHUNK_CYCLES = 20_000


@cocotb.test()
async def frames(dut: Any) -> None:
    """One run of all frames: no error, every write as expected, and no other."""
    progress = Path(os.environ["REPVGG_HW_PROGRESS"])
    dut.rst.value, dut.start.value, dut.stop.value = 1, 0, 0
    Clock(dut.clk, PERIOD_NS, unit="ns").start()
    await ClockCycles(dut.clk, 5)
    await FallingEdge(dut.clk)
    dut.rst.value = 0
    await FallingEdge(dut.clk)
    dut.start.value = 1
    await FallingEdge(dut.clk)
    dut.start.value = 0
    while not (dut.done.value or dut.stuck.value or dut.failed.value):
        ended = First(RisingEdge(dut.done), RisingEdge(dut.stuck), RisingEdge(dut.failed))
        await First(ended, Timer(CHUNK_CYCLES * PERIOD_NS, unit="ns"))
        progress.write_text(json.dumps({"cycle": int(dut.cycle.value), "writes": int(dut.index.value)}))
    code = int(dut.code.value)
    await ClockCycles(dut.clk, 200)  # a surplus write would come now
    assert not dut.stuck.value, "nothing moves any more"
    assert not dut.failed.value, "a write differs, see the log"
    assert code == 0, f"the run ended with error {code}"
    assert dut.complete.value, "not everything was written"
