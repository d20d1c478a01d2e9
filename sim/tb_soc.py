# SPDX-License-Identifier: Apache-2.0
"""Runs soc_bench.sv until the firmware has said its last word, which whoever started this judges."""

from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import First, RisingEdge

PERIOD_NS = 10


@cocotb.test()
async def firmware(dut: Any) -> None:
    """It comes to its end."""
    Clock(dut.clk, PERIOD_NS, unit="ns").start()
    await First(RisingEdge(dut.done), RisingEdge(dut.stuck))
    cocotb.log.info("cycles: %d", int(dut.cycle.value))
    assert not dut.stuck.value, "the firmware says nothing any more"
