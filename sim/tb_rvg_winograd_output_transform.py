# SPDX-License-Identifier: Apache-2.0
"""rvg_winograd_output_transform against output_transform: sums of random, extreme convolutions, wrapped."""

from __future__ import annotations

from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge, RisingEdge
from tb_winograd_streams import config, pack, start, unpack

from repvgg_hw.plan.stream.winograd import WinogradUnit
from repvgg_hw.winograd.golden import data_transform, output_transform, weight_transform

SETS = 40


@cocotb.test()
async def equals_output_transform(dut: Any) -> None:
    asked = config()
    unit = WinogradUnit(**asked["unit"])
    kind, size, rng = unit.kind, unit.kind.size, np.random.default_rng(asked["seed"])
    tiles = rng.integers(0, 256, (SETS, 1, unit.c_in, size, size))
    kernels = rng.integers(-127, 128, (SETS, unit.po, unit.c_in, 3, 3))
    tiles[::2], kernels[::2] = 255, np.sign(kernels[::2]) * 127
    sums = (data_transform(tiles, kind) * weight_transform(kernels, kind)).sum(axis=2)  # (SETS, PO, K, K)
    tiles_out = output_transform(sums, kind)  # (SETS, PO, m, m)

    received: list[list[int]] = []

    async def collect() -> None:
        while True:
            await FallingEdge(dut.clk)
            if dut.acc_valid.value == 1:
                word = dut.acc.value.to_unsigned()
                received.append(unpack(word, unit.lanes * unit.m, unit.acc_bits, signed=True))

    await start(dut, sums_valid=0)
    cocotb.start_soon(collect())
    for word in sums.reshape(SETS, -1).tolist():
        dut.sums.value, dut.sums_valid.value = pack(word, unit.widths.sum), 1
        await RisingEdge(dut.clk)
        dut.sums_valid.value = 0
        for _ in range(unit.spacing - 1 + int(rng.integers(0, 3))):
            await RisingEdge(dut.clk)
    for _ in range(3 * unit.spacing + 10):
        await RisingEdge(dut.clk)

    # (set, batch of channels, column, channel, row)
    shaped = tiles_out.reshape(SETS, unit.po // unit.lanes, unit.lanes, unit.m, unit.m)
    expected = shaped.transpose(0, 1, 4, 2, 3).reshape(-1, unit.lanes * unit.m).tolist()
    assert len(received) == len(expected)
    for number, (got, want) in enumerate(zip(received, expected, strict=True)):
        assert got == want, f"beat {number}: expected {want}, got {got}"
