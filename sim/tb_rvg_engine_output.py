# SPDX-License-Identifier: Apache-2.0
"""rvg_engine_output against output_transform and requantize_relu: random strips, both strides."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge, RisingEdge
from engine_streams import affine_word, convolution, extremes, send_to, watch
from streams import Bench, over_cases, pack, unpack

from repvgg_hw.golden import requantize_relu
from repvgg_hw.network import MULTIPLIER_BITS
from repvgg_hw.plan.engine.kinds import kind_of
from repvgg_hw.winograd.golden import data_transform, output_transform, weight_transform

STRIPS = 10
LATENCY = 15  # from a tile's last row to its first column
Column = tuple[int, int, bool, list[int]]  # x, y, last of the batch, the valid pixels


@dataclass(frozen=True)
class Strip:
    """An instruction's sums by set of outputs (T, PO, N, N), and what must come of them."""

    command: int
    affine: list[int]
    sums: list[np.ndarray]
    batches: list[int]  # channels
    columns: list[Column]
    pixels: int  # of a column


@over_cases
async def equals_golden(bench: Bench) -> None:
    unit, p, dice = bench.unit, bench.parameters, bench.dice
    n, lanes, most = p["N"], p["LANES"], p["T_MAX"]
    bits = p["ACC_W"] + 2 * max(p["SHIFT1"], p["SHIFT2"])
    # The first is long enough for a rate; then single tiles, whose pipelines overlap most: as many as it
    # takes for one whose shift is not the next one's.
    shapes = [(most, 1, 1, 2, 0), (1, 1, 1, 2, 1), *((1, 1, 1, 1, i % 2) for i in range(4))]
    shapes += [random_shape(bench) for _ in range(STRIPS - len(shapes))]
    strips = [strip(bench, *shape) for shape in shapes]
    sets = [of_set for one in strips for of_set in one.sums]
    batches = [count for one in strips for count in one.batches]
    columns = [(column, one.pixels) for one in strips for column in one.columns]

    slots: list[np.ndarray | None] = [None] * (2 * most)
    free, sent = 2, 0  # halves of slots; sets that were complete
    frees = takes = 0
    got: list[int] = []  # cycles of the columns
    take_cycles: list[int] = []

    async def feed() -> None:
        """Sets of sums into alternate halves, each with its pulse."""
        nonlocal free, sent
        while sent < len(sets):
            await RisingEdge(bench.clk)
            unit.sums_done.value = 0
            if free and dice.random() >= bench.idle:
                slots[sent % 2 * most : sent % 2 * most + len(sets[sent])] = list(sets[sent])
                unit.sums_done.value = 1
                free, sent = free - 1, sent + 1
        await RisingEdge(bench.clk)
        unit.sums_done.value = 0

    async def drain() -> None:
        """The array's port: an answer two cycles after what was asked."""
        on_way = [0]
        while True:
            await FallingEdge(bench.clk)
            tile, row, batch = (
                getattr(unit, f"drain_{name}").value.to_unsigned() for name in ("slot", "row", "batch")
            )
            held = slots[tile]
            asked = [0] if held is None else held[lanes * batch : lanes * (batch + 1), row].ravel().tolist()
            on_way.append(pack(asked, bits))
            await RisingEdge(bench.clk)
            unit.drain_sums.value = on_way.pop(0)

    async def give_room() -> None:
        while True:
            await RisingEdge(bench.clk)
            unit.room_ok.value = int(dice.random() >= bench.pause)

    def act(cycle: int) -> bool:
        nonlocal free, frees, takes
        if unit.half_free.value == 1:
            slots[frees % 2 * most : (frees % 2 + 1) * most] = [None] * most
            free, frees = free + 1, frees + 1
        if unit.room_take.value == 1:
            assert unit.room_ok.value == 1, "a batch began without room"
            assert takes < len(batches), "a batch after the last"
            assert unit.batch_channels.value.to_unsigned() == batches[takes], f"batch {takes}"
            takes += 1
            take_cycles.append(cycle)
        if unit.px_valid.value == 1:
            assert len(got) < len(columns), "a column after the last"
            want, pixels = columns[len(got)]
            check_column(bench, len(got), want, pixels)
            got.append(cycle)
            return True
        return False

    names = ("cmd_tvalid", "affine_tvalid", "sums_done", "room_ok", "drain_sums")
    commands, affine = [one.command for one in strips], [word for one in strips for word in one.affine]
    for run in range(2):  # the first ends somewhere by a reset, which is to leave nothing behind
        await bench.reset(**dict.fromkeys(names, 0))
        slots, free, sent = [None] * (2 * most), 2, 0
        drivers = (drain(), feed(), give_room(), send_to(bench, "cmd", commands))
        tasks = [cocotb.start_soon(one) for one in (*drivers, send_to(bench, "affine", affine))]
        if run == 0:
            await bench.cycles(dice.randint(20, 40))
            for task in tasks:
                task.cancel()
    await watch(bench, lambda: len(got) == len(columns), act)
    await watch_end(bench, act)
    assert (takes, frees) == (len(batches), len(sets))

    m = n - 2
    bench.planned("first column", n - 1 + LATENCY, got[0] - take_cycles[0])
    for tile in range(len(strips[0].columns) // m - 1):  # of all batches and both sets
        bench.planned("tile", n, got[m * (tile + 1)] - got[m * tile])


async def watch_end(bench: Bench, act: object) -> None:
    """Nothing more may come."""
    cycles = iter(range(30))
    await watch(bench, lambda: next(cycles, None) is None, act)  # type: ignore[arg-type]


def check_column(bench: Bench, number: int, want: Column, pixels: int) -> None:
    unit, p = bench.unit, bench.parameters
    m1, (x, y, last, values) = p["N"] - 2, want
    place = unit.px_x.value.to_unsigned(), unit.px_y.value.to_unsigned(), unit.px_last.value == 1
    assert place == (x, y, last), f"column {number}: expected {(x, y, last)}, got {place}"
    found = unpack(unit.px_data.value.to_unsigned(), p["LANES"] * m1, 8)
    channels = len(values) // pixels
    found = [v for channel in range(channels) for v in found[m1 * channel : m1 * channel + pixels]]
    assert found == values, f"column {number}: expected {values}, got {found}"


def random_shape(bench: Bench) -> tuple[int, int, int, int, int]:
    """Columns and rows of tiles, groups, sets of outputs, stride 2."""
    dice, most = bench.dice, bench.parameters["T_MAX"]
    rows = dice.randint(1, most)
    return dice.randint(1, most // rows), rows, dice.randint(1, 2), dice.randint(1, 2), dice.randint(0, 1)


def strip(bench: Bench, across: int, down: int, groups: int, repeats: int, stride2: int) -> Strip:
    """A strip of random convolutions whose sums use most of ACC_W bits, and its pixels in order."""
    p, rng, dice = bench.parameters, bench.rng, bench.dice
    n, po, lanes, bits = (p[name] for name in ("N", "PO", "LANES", "ACC_W"))
    kind = kind_of(n, 2 if stride2 else 1)
    tiles, count = across * down, groups * repeats
    channels = min(16, (1 << bits - 2) // (9 * 127 * 255))
    data = extremes(rng, 0, 255, (tiles, channels, n, n))
    kernels = extremes(rng, -127, 127, (count, po, channels, 3, 3))
    products = weight_transform(kernels, kind)[:, None] * data_transform(data, kind)[None, :, None]
    sums = products.sum(axis=3)  # (count, T, PO, N, N)
    bias = rng.integers(-(1 << bits - 2), 1 << bits - 2, (count, po))
    acc = output_transform(sums, kind) + bias[:, None, :, None, None]
    assert np.abs(acc).max() < 1 << bits - 1
    # Multipliers of so many bits and a shift that leaves about 8 bits of a sum, and one that leaves all.
    size, shift = dice.choice([(4, bits - 4), (8, bits), (MULTIPLIER_BITS, bits + 9), (MULTIPLIER_BITS, 1)])
    out_max = dice.choice([255, 63, 15])
    mult = rng.integers(1, 1 << size, (count, po))
    pixels = np.stack([requantize_relu(a, m, shift) for a, m in zip(acc, mult, strict=True)]).clip(0, out_max)
    out_lanes = dice.randint(1, po)
    valid = [out_lanes if (k + 1) % repeats == 0 else po for k in range(count)]
    mask = (1 << bits + 2 * max(p["SHIFT1"], p["SHIFT2"])) - 1
    return Strip(
        convolution(
            stride2=stride2, shift=shift, out_max=out_max, tiles_x=across, tiles_y=down, tiles=tiles,
            groups=groups, repeats=repeats, out_lanes=out_lanes,
        ),
        [affine_word(b, m, bits) for b, m in zip(bias.tolist(), mult.tolist(), strict=True)],
        [of_set & mask for of_set in sums],
        [min(lanes, channels - first) for channels in valid for first in range(0, channels, lanes)],
        [
            column
            for of_set, channels in zip(pixels, valid, strict=True)
            for column in columns_of(of_set[:, :channels], across, lanes)
        ],
        kind.m,
    )  # fmt: skip


def columns_of(pixels: np.ndarray, across: int, lanes: int) -> Iterator[Column]:
    """The columns of a set's valid channels (T, channels, m, m), in order."""
    tiles, channels, _, m = pixels.shape
    for first in range(0, channels, lanes):
        for tile in range(tiles):
            for j in range(m):
                values = pixels[tile, first : first + lanes, :, j].ravel().tolist()
                yield tile % across * m + j, tile // across, (tile, j) == (tiles - 1, m - 1), values
