# SPDX-License-Identifier: Apache-2.0
"""rvg_winograd_mac against NumPy: elementwise products, summed over words, modulo 2**sum bits."""

from __future__ import annotations

import itertools
import random
from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge, RisingEdge
from tb_winograd_streams import config, pack, play_rom, send, start, unpack

from repvgg_hw.plan.stream.winograd import WinogradUnit

SETS = 30


@cocotb.test()
async def equals_sums(dut: Any) -> None:
    asked = config()
    unit = WinogradUnit(**asked["unit"])
    rng, dice = np.random.default_rng(asked["seed"]), random.Random(asked["seed"])
    positions, (data_bits, weight_bits, sum_bits) = unit.kind.size**2, _bits(unit)
    table = _full_range(rng, weight_bits, (unit.weight_memory[0], unit.po, positions, unit.pi))
    data = _full_range(rng, data_bits, (SETS * unit.words, positions, unit.pi))
    used = table[np.arange(len(data)) % len(table)]
    products = (used * data[:, None]).sum(axis=3).reshape(SETS, unit.words, -1)
    expected = products.sum(axis=1) & ((1 << sum_bits) - 1)

    received: list[tuple[int, list[int]]] = []
    starts = 0

    async def collect() -> None:
        nonlocal starts
        cycle = 0
        while True:
            await FallingEdge(dut.clk)
            cycle += 1
            if dut.sums_valid.value == 1:
                received.append((cycle, unpack(dut.sums.value.to_unsigned(), unit.po * positions, sum_bits)))
            if dut.start.value == 1:
                assert dut.start_ok.value == 1, "a set was begun without room"
                starts += 1

    async def room() -> None:
        while True:
            await RisingEdge(dut.clk)
            dut.start_ok.value = int(dice.random() >= asked["sink_stall"])

    await start(dut, s_axis_tvalid=0, start_ok=0)
    cocotb.start_soon(collect())
    cocotb.start_soon(room())
    words = [pack(word, weight_bits) for word in table.reshape(len(table), -1).tolist()]
    cocotb.start_soon(play_rom(dut.clk, dut.weight_en, dut.weight_addr, dut.weight_data, words))
    stream = [pack(word, data_bits) for word in data.reshape(len(data), -1).tolist()]
    await send(dut, stream, asked["source_stall"], dice)
    for _ in range(20):
        await RisingEdge(dut.clk)

    assert starts == len(received) == SETS
    for number, ((_, got), want) in enumerate(zip(received, expected.tolist(), strict=True)):
        assert got == want, f"set {number} differs"
    cycles = [cycle for cycle, _ in received]
    assert min(b - a for a, b in itertools.pairwise(cycles)) >= unit.spacing


def _bits(unit: WinogradUnit) -> tuple[int, int, int]:
    return unit.widths.data, unit.widths.weight, unit.widths.sum


def _full_range(rng: np.random.Generator, bits: int, shape: tuple[int, ...]) -> np.ndarray:
    """Random values of every width up to bits."""
    values = rng.integers(-(1 << bits - 1), 1 << bits - 1, shape)
    return values >> rng.integers(0, bits, shape)
