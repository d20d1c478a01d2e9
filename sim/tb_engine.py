# SPDX-License-Identifier: Apache-2.0
"""Runs an engine's bench, which compares inside the simulation; Python drives its registers and watches it.

Environment: REPVGG_HW_RUN, a JSON object of the registers of a run; REPVGG_HW_COUNTS, a file that receives
what the registers say after it; REPVGG_HW_PROGRESS, one that receives a JSON line now and then.
The bench writes to +log; whoever started the simulation judges by that log and by the counts.
"""

import json
import os
from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, First, RisingEdge, Timer
from engine_driver import Engine

PERIOD_NS = 2
CHUNK_CYCLES = 20_000


@cocotb.test()
async def frames(dut: Any) -> None:
    """One run of all frames: no error, every write as expected, and no other."""
    progress = Path(os.environ["REPVGG_HW_PROGRESS"])
    registers = json.loads(os.environ["REPVGG_HW_RUN"])
    engine, dut.dump.value = Engine(dut), 0
    Clock(dut.clk, PERIOD_NS, unit="ns").start()
    await engine.reset()
    await engine.set(registers)
    await engine.start()
    ends = (dut.interrupt, dut.stuck, dut.failed, dut.recorded)
    while not any(signal.value for signal in ends):
        ended = First(*map(RisingEdge, ends))
        await First(ended, Timer(CHUNK_CYCLES * PERIOD_NS, unit="ns"))
        seen = [int(dut.maps_seen.value), int(dut.logits_seen.value)]
        progress.write_text(json.dumps({"cycle": int(dut.cycle.value), "seen": seen}))
    if dut.recorded.value:
        return  # this run was for the waves alone
    await ClockCycles(dut.clk, 200)  # a surplus write would come now
    assert not dut.stuck.value, "nothing moves any more"
    assert not dut.failed.value, "a write differs, see the log"
    assert await engine.field("STATUS", "BUSY") == 0, "the interrupt came while the run is at work"
    code = await engine.field("STATUS", "ERROR")
    cycles = await engine.read("CYCLES_LOW") + (await engine.read("CYCLES_HIGH") << 32)
    beats = [await engine.read(name) for name in ("WEIGHT_READ", "DATA_READ", "DATA_WRITE")]
    counts = [code, cycles, int(dut.words.value), *beats]
    Path(os.environ["REPVGG_HW_COUNTS"]).write_text(
        f"done {' '.join(map(str, counts))}\nsums {int(dut.sums_read.value)}\n"
    )
    assert code == 0, f"the run ended with error {code}"
    assert await engine.read("FRAMES_DONE") == registers["FRAMES"], "not every frame was counted"
    assert dut.complete.value, "not everything was written"
