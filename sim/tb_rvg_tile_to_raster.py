# SPDX-License-Identifier: Apache-2.0
"""rvg_tile_to_raster: columns of tiles in, raster order out, reservation and backpressure at random."""

from __future__ import annotations

import random
from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge, RisingEdge
from tb_winograd_streams import config, pack, receive, start, unpack

from repvgg_hw.plan.stream.winograd import WinogradUnit

FRAMES = 3


@cocotb.test()
async def tiles_become_raster(dut: Any) -> None:
    asked = config()
    unit = WinogradUnit(**asked["unit"])
    m, lanes, dice = unit.m, unit.lanes, random.Random(asked["seed"])
    columns = unit.tiles // unit.tile_rows
    padded = (unit.c_out, unit.tile_rows * m, columns * m)
    frames = np.random.default_rng(asked["seed"]).integers(0, 256, (FRAMES, *padded))

    # (frame, tile row, tile, batch of channels, column, channel, row); a set is PO channels of a tile
    tiled = frames.reshape(FRAMES, unit.c_out // lanes, lanes, unit.tile_rows, m, columns, m)
    stream = tiled.transpose(0, 3, 5, 1, 6, 2, 4).reshape(-1, unit.po // lanes * m, lanes * m)
    map_ = frames[:, :, : unit.out_height, : unit.out_width]
    expected = map_.transpose(0, 2, 3, 1).reshape(-1, unit.out_lanes).tolist()

    async def play() -> None:
        for number, beats in enumerate(stream.tolist()):
            while True:
                await FallingEdge(dut.clk)
                if dut.start_ok.value == 1 and (number % 3 or dice.random() >= asked["source_stall"]):
                    break
            dut.start.value = 1
            await RisingEdge(dut.clk)
            dut.start.value = 0
            for beat in beats:
                dut.in_data.value, dut.in_valid.value = pack(beat, unit.out_bits), 1
                await RisingEdge(dut.clk)
                dut.in_valid.value = 0

    await start(dut, start=0, in_valid=0, m_axis_tready=0)
    cocotb.start_soon(play())
    received = await receive(dut, len(expected), asked["sink_stall"], dice)
    for number, ((_, word), want) in enumerate(zip(received, expected, strict=True)):
        got = unpack(word, unit.out_lanes, unit.out_bits)
        assert got == want, f"beat {number}: expected {want}, got {got}"
