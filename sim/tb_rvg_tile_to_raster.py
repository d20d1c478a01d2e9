# SPDX-License-Identifier: Apache-2.0
"""rvg_tile_to_raster: columns of tiles in, raster order out, reservation and backpressure at random."""

from __future__ import annotations

import cocotb
from cocotb.triggers import FallingEdge
from streams import Bench, over_cases, pack

from repvgg_hw.plan.stream.timing import RASTER_CYCLES

FRAMES = 4


@over_cases
async def tiles_become_raster(bench: Bench) -> None:
    unit, p = bench.unit, bench.parameters
    m, lanes, channels, bits = (p[name] for name in ("M", "IN_LANES", "CHANNELS", "Y_W"))
    rows, columns = (-(-p[name] // m) for name in ("HEIGHT", "WIDTH"))
    frames = bench.rng.integers(0, 1 << bits, (FRAMES, channels, rows * m, columns * m))

    # (frame, tile row, tile, batch of channels, column, channel, row); a set is SET_CHANNELS of a tile
    tiled = frames.reshape(FRAMES, channels // lanes, lanes, rows, m, columns, m)
    sets = tiled.transpose(0, 3, 5, 1, 6, 2, 4).reshape(-1, p["SET_CHANNELS"] // lanes * m, lanes * m)
    inside = frames[:, :, : p["HEIGHT"], : p["WIDTH"]].transpose(0, 2, 3, 1)
    expected = [pack(beat, bits) for beat in inside.reshape(-1, p["OUT_LANES"]).tolist()]

    async def play() -> None:
        for beats in sets.tolist():
            while True:
                await FallingEdge(bench.clk)
                if unit.start_ok.value == 1 and bench.dice.random() >= bench.idle:
                    break
            unit.start.value = 1
            await bench.cycles(1)
            unit.start.value = 0
            for beat in beats:
                unit.in_data.value, unit.in_valid.value = pack(beat, bits), 1
                await bench.cycles(1)
            unit.in_valid.value = 0

    async def drain() -> None:
        """From the first tile row's last beat in to its first beat out."""
        row_sets = columns * channels // p["SET_CHANNELS"]
        left = row_sets * len(sets[0])
        while left:
            await FallingEdge(bench.clk)
            left -= int(unit.in_valid.value)
        cycles = 0
        while unit.m_axis_tvalid.value == 0:
            await FallingEdge(bench.clk)
            cycles += 1
        assert cycles == RASTER_CYCLES

    await bench.reset(start=0, in_valid=0, m_axis_tready=0)
    cocotb.start_soon(play())
    draining = cocotb.start_soon(drain())
    received = await bench.receive(len(expected))
    await draining
    for number, ((_, got), want) in enumerate(zip(received, expected, strict=True)):
        assert got == want, f"beat {number}: expected {want:#x}, got {got:#x}"
