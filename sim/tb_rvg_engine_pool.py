# SPDX-License-Identifier: Apache-2.0
"""rvg_engine_pool against golden.global_sum: maps strip by strip, with overhanging rows and columns."""

from __future__ import annotations

from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge, RisingEdge
from streams import PATIENCE, Bench, over_cases, pack

from repvgg_hw import golden

MAPS = 6


def chunks(size: int, most: int, rng: np.random.Generator) -> list[tuple[int, int]]:
    """A map's rows or columns cut into strips: (first, count) of each."""
    cut, first = [], 0
    while first < size:
        count = min(int(rng.integers(1, most + 1)), size - first)
        cut.append((first, count))
        first += count
    return cut


class Strips:
    """Plays strips of maps into the unit."""

    def __init__(self, bench: Bench) -> None:
        self.bench, self.unit, self.p = bench, bench.unit, bench.parameters
        self.added = 0  # strips of which `done` came
        self.ends: list[int] = []  # cycle of each strip's last column, of each `done`
        self.dones: list[int] = []
        self.cycle = 0

    async def watch(self) -> None:
        while True:
            await FallingEdge(self.bench.clk)
            self.cycle += 1
            if self.unit.px_valid.value == 1 and self.unit.px_last.value == 1 and self.unit.px_end.value == 1:
                self.ends.append(self.cycle)
            if self.unit.done.value == 1:
                self.added += 1
                self.dones.append(self.cycle)

    async def room(self) -> None:
        waited = 0
        while True:
            await FallingEdge(self.bench.clk)
            if self.unit.room_ok.value == 1 and self.bench.dice.random() >= self.bench.idle:
                break
            waited += 1
            assert waited < PATIENCE, "no room"
        self.unit.room_take.value = 1
        await RisingEdge(self.bench.clk)
        self.unit.room_take.value = 0

    async def strip(self, pixels: Any, first: bool, m: int) -> None:
        """All channels of a strip (C, rows, columns) as columns of tiles, random where there is no map."""
        bench, unit, lanes = self.bench, self.unit, self.p["LANES"]
        channels, rows, columns = pixels.shape
        tiles_y, tiles_x = -(-rows // m), -(-columns // m)
        assert tiles_y * tiles_x <= self.p["T_MAX"]
        tiled = bench.rng.integers(0, 256, (channels, tiles_y * m, tiles_x * m))
        tiled[:, :rows, :columns] = pixels
        unit.px_stride2.value, unit.px_first.value = int(m != self.p["N"] - 2), int(first)
        unit.px_rows.value, unit.px_columns.value = rows, columns
        at = 0
        while at < channels:
            count = min(int(bench.rng.integers(1, lanes + 1)), channels - at)
            await self.room()
            unit.px_channels.value, unit.px_end.value = count, int(at + count == channels)
            places = [(y, x) for y in range(tiles_y) for x in range(tiles_x * m)]
            for y, x in places:
                while bench.dice.random() < bench.idle / 2:
                    await RisingEdge(bench.clk)
                column = bench.rng.integers(0, 256, (lanes, self.p["N"] - 2))
                column[:count, :m] = tiled[at : at + count, y * m : (y + 1) * m, x]
                unit.px_data.value, unit.px_valid.value = pack(column.flat, 8), 1
                unit.px_x.value, unit.px_y.value = x, y
                unit.px_last.value = int((y, x) == places[-1])
                await RisingEdge(bench.clk)
                unit.px_valid.value = 0
            at += count

    async def sums(self, channels: int) -> list[int]:
        """What the linear layer would read."""
        got = []
        for channel in range(channels):
            self.unit.sum_en.value, self.unit.sum_addr.value = 1, channel
            await RisingEdge(self.bench.clk)
            self.unit.sum_en.value = 0
            await FallingEdge(self.bench.clk)
            got.append(self.unit.sum_data.value.to_unsigned())
            await RisingEdge(self.bench.clk)
        return got


@over_cases
async def sums_equal_golden(bench: Bench) -> None:
    p, rng = bench.parameters, bench.rng
    await bench.reset(room_take=0, px_valid=0, px_last=0, px_end=0, sum_en=0)
    played, strips = Strips(bench), 0
    cocotb.start_soon(played.watch())
    for number in range(MAPS):
        m = (p["N"] - 1) // 2 if number % 2 else p["N"] - 2
        channels = (1, p["C_MAX"])[number] if number < 2 else int(rng.integers(1, p["C_MAX"] + 1))
        most = p["T_MAX"] * m
        height, width = (
            (1, 1) if number == 2 else (int(rng.integers(1, 3 * m)), int(rng.integers(1, most + 1)))
        )
        tall = number > 3 and p["T_MAX"] > 1  # one strip, an overhanging second row of tiles
        height, width = (m + 1, 1) if tall else (height, width)
        maps = rng.integers(0, 256, (1, channels, height, width))
        if number == 3:
            maps[:] = 255
        rows = p["T_MAX"] // -(-width // m) * m
        for count, (first, some) in enumerate([(0, height)] if tall else chunks(height, rows, rng)):
            await played.strip(maps[0, :, first : first + some], count == 0, m)
            strips += 1
        for _ in range(200):
            if played.added == strips:
                break
            await RisingEdge(bench.clk)
        assert played.added == strips, f"{played.added} of {strips} strips are said to be added"
        got, want = await played.sums(channels), golden.global_sum(maps)[0].tolist()
        assert got == want, f"map {number}: expected {want}, got {got}"
    if p["LANES"] == 1:  # a last batch of one channel
        stages = (p["N"] - 3).bit_length()
        late = {done - end for done, end in zip(played.dones, played.ends, strict=True)}
        assert late == {5 + stages}, late
