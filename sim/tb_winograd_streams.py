# SPDX-License-Identifier: Apache-2.0
"""What the Winograd benches share: words of lanes, stream drivers with random stalls, a ROM, reset."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterable
from typing import Any

from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, RisingEdge

LIMIT = 200_000  # cycles after which a bench is stuck


def config() -> dict[str, Any]:
    """What the test asked for."""
    chosen: dict[str, Any] = json.loads(os.environ["WINOGRAD_CONFIG"])
    return chosen


def pack(lanes: Iterable[int], bits: int) -> int:
    """Lanes -> one word, lane 0 in the low bits."""
    mask = (1 << bits) - 1
    return sum((int(x) & mask) << (bits * i) for i, x in enumerate(lanes))


def unpack(word: int, lanes: int, bits: int, signed: bool = False) -> list[int]:
    """One word -> lanes."""
    values = [word >> (bits * i) & ((1 << bits) - 1) for i in range(lanes)]
    return [v - (v >> bits - 1 << bits) for v in values] if signed else values


async def start(dut: Any, **inputs: int) -> None:
    """Clock and reset, with these inputs from the beginning."""
    Clock(dut.clk, 2, unit="ns").start()
    dut.rst.value = 1
    for name, value in inputs.items():
        getattr(dut, name).value = value
    for _ in range(4):
        await RisingEdge(dut.clk)
    dut.rst.value = 0


async def play_rom(clk: Any, enable: Any, address: Any, data: Any, table: list[int]) -> None:
    """A ROM with one cycle of latency."""
    while True:
        await FallingEdge(clk)
        if enable.value == 1:
            word = table[address.value.to_unsigned()]
            await RisingEdge(clk)
            data.value = word


async def send(dut: Any, words: Iterable[int], stall: float, dice: random.Random) -> None:
    """Drive s_axis; `stall` is the probability of an idle cycle before a beat."""
    for word in words:
        while dice.random() < stall:
            await RisingEdge(dut.clk)
        dut.s_axis_tdata.value, dut.s_axis_tvalid.value = word, 1
        while True:
            await FallingEdge(dut.clk)
            taken = dut.s_axis_tready.value == 1
            await RisingEdge(dut.clk)
            if taken:
                break
        dut.s_axis_tvalid.value = 0


async def receive(dut: Any, count: int, stall: float, dice: random.Random) -> list[tuple[int, int]]:
    """(cycle, word) of `count` beats of m_axis; `stall` is the probability of a cycle that is not ready.

    Fails where nothing ends, or where a beat follows the last one.
    """
    got: list[tuple[int, int]] = []
    for cycle in range(LIMIT):
        ready = dice.random() >= stall
        dut.m_axis_tready.value = int(ready)
        await FallingEdge(dut.clk)
        if ready and dut.m_axis_tvalid.value == 1:
            got.append((cycle, dut.m_axis_tdata.value.to_unsigned()))
        await RisingEdge(dut.clk)
        if len(got) == count:
            break
    assert len(got) == count, f"stuck after {len(got)} of {count} beats"
    dut.m_axis_tready.value = 1
    for _ in range(60):
        await FallingEdge(dut.clk)
        assert dut.m_axis_tvalid.value == 0, f"a beat after the last of {count}"
    return got
