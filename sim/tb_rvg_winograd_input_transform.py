# SPDX-License-Identifier: Apache-2.0
"""rvg_winograd_input_transform against data_transform: random and extreme windows, random stalls."""

from __future__ import annotations

import random
from typing import Any

import cocotb
import numpy as np
from tb_winograd_streams import config, pack, receive, send, start, unpack

from repvgg_hw.plan.stream.winograd import WinogradUnit
from repvgg_hw.winograd.golden import data_transform


@cocotb.test()
async def equals_data_transform(dut: Any) -> None:
    asked = config()
    unit = WinogradUnit(**asked["unit"])
    size, pi = unit.kind.size, unit.pi
    rng, dice = np.random.default_rng(asked["seed"]), random.Random(asked["seed"])
    low, high = (-128, 127) if unit.in_signed else (0, 255)
    windows = rng.integers(low, high + 1, (60, pi, size, size))
    windows[::3] = rng.choice([low, high], windows[::3].shape)
    expected = data_transform(windows, unit.kind)

    def words(values: np.ndarray, bits: int) -> list[int]:
        return [pack(word, bits) for word in values.transpose(0, 2, 3, 1).reshape(len(values), -1).tolist()]

    await start(dut, s_axis_tvalid=0, m_axis_tready=0)
    cocotb.start_soon(send(dut, words(windows, unit.in_bits), asked["source_stall"], dice))
    beats = await receive(dut, len(windows), asked["sink_stall"], dice)
    bits = unit.widths.data
    for number, ((_, got), want) in enumerate(zip(beats, words(expected, bits), strict=True)):
        wanted, found = (unpack(word, size * size * pi, bits, signed=True) for word in (want, got))
        assert found == wanted, f"window {number}: expected {wanted}, got {found}"
    if asked["source_stall"] == asked["sink_stall"] == 0:
        assert beats[-1][0] - beats[-2][0] == size + 1  # the rate that the plan counts on
