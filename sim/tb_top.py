# SPDX-License-Identifier: Apache-2.0
"""Runs a bench that drives and compares frames inside the simulation; Python only starts and watches it.

Environment: REPVGG_HW_PROGRESS, a file that receives one JSON line now and then.
The bench's checks write to +log; whoever started the simulation judges by that log.
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
    """All frames of all layers pass the checks."""
    progress = Path(os.environ["REPVGG_HW_PROGRESS"])
    dut.rst.value = 1
    Clock(dut.clk, PERIOD_NS, unit="ns").start()
    await ClockCycles(dut.clk, 5)
    await FallingEdge(dut.clk)
    dut.rst.value = 0
    while not (dut.done.value or dut.stuck.value or dut.recorded.value):
        ended = First(RisingEdge(dut.done), RisingEdge(dut.stuck), RisingEdge(dut.recorded))
        await First(ended, Timer(CHUNK_CYCLES * PERIOD_NS, unit="ns"))
        state = {"cycle": int(dut.cycle.value), "layers_done": int(dut.layers_done.value)}
        progress.write_text(json.dumps(state))
    if dut.recorded.value:
        return  # this run was for the waves alone
    await ClockCycles(dut.clk, 1000)  # a surplus beat would come now
    assert not dut.stuck.value, "nothing moves any more"
    assert not dut.frame_error.value, "tlast of the input is out of step with the frames"
    assert not dut.failed.value, "an output differs, see the log"
