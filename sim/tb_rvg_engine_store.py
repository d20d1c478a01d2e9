# SPDX-License-Identifier: Apache-2.0
"""rvg_engine_store: strips of random maps into a memory, beside pooled strips and linear layers.

What must lie where is taken from the instruction's definition; `stored_count` and `stored_channels` may never
be ahead of what was acknowledged, and are there in the end.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from functools import partial
from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge, RisingEdge
from streams import PATIENCE, Bench, over_cases, pack
from write_port import Command, WritePort

from repvgg_hw.plan.engine.instruction import Instruction, Op

STRIPS = 16


@dataclass(frozen=True)
class Strip:
    """An instruction and, of a convolution, the pixels (C, R*m, Q*m) with what overhangs."""

    what: Instruction
    pixels: Any
    m: int
    batches: tuple[int, ...]  # their channels

    @property
    def stored(self) -> bool:
        return self.what.op == Op.CONV and not self.what.pool


def strips_of(bench: Bench) -> list[Strip]:
    """Random strips, apart from each other: two stored, two pooled, two linear, one stored, one pooled.

    The first two are stored in two rows of tiles, one of each stride: what counts rows shows for any seed.
    """
    p, rng, address, strips = bench.parameters, bench.rng, 0x1000, []
    tiles = (1, 1), (2, 2), (1, 3), (3, 1), (3, 2)
    for number in range(STRIPS):
        if number % 8 in (4, 5):
            strips.append(Strip(Instruction(op=Op.LINEAR), None, 1, ()))
            continue
        pool, stride2 = number % 8 in (2, 3, 7), bool(rng.integers(2)) if number > 1 else number == 0
        m = (p["N"] - 1) // 2 if stride2 else p["N"] - 2
        rows_of, columns_of = tiles[rng.integers(len(tiles)) if number > 1 else 1]
        rows = int(rng.integers((rows_of - 1) * m, rows_of * m)) + 1
        columns = int(rng.integers((columns_of - 1) * m, columns_of * m)) + 1
        columns = min(columns, p["OUT_WORDS"] * p["BD"])
        beats = -(-columns // p["BD"])
        if beats * rows_of > p["OUT_WORDS"]:
            rows_of, rows = p["OUT_WORDS"] // beats, min(rows, p["OUT_WORDS"] // beats * m)
        groups, repeats, out_lanes = (int(v) for v in rng.integers(1, (4, 4, p["PO"] + 1)))
        whole = bool(rng.integers(2))
        pitch = (beats + (0 if whole else int(rng.integers(0, 3)))) * p["BD"]
        plane = pitch * rows + int(rng.integers(0, 3)) * p["BD"]
        sets = ([p["PO"]] * (repeats - 1) + [out_lanes]) * groups
        batches = tuple(min(p["LANES"], s - b) for s in sets for b in range(0, s, p["LANES"]))
        what = Instruction(
            op=Op.CONV, stride2=stride2, store_whole=whole, pool=pool, pool_first=number % 8 in (2, 7),
            groups=groups, repeats=repeats, out_lanes=out_lanes, store_addr=address, store_plane=plane,
            store_pitch=pitch, store_line_beats=beats, store_rows=rows, store_columns=columns,
        )  # fmt: skip
        pixels = rng.integers(0, 256, (sum(sets), rows_of * m, columns_of * m))
        strips.append(Strip(what, pixels, m, batches))
        address += plane * sum(sets) + 64 * p["BD"]
    return strips


def expected_commands(strips: list[Strip]) -> list[Command]:
    commands = []
    for strip in (one for one in strips if one.stored):
        i = strip.what
        for c in range(len(strip.pixels)):
            base = i.store_addr + c * i.store_plane
            if i.store_whole:
                commands.append(Command(1, i.store_rows * i.store_line_beats, base))
            else:
                commands += [
                    Command(int(r == i.store_rows - 1), i.store_line_beats, base + r * i.store_pitch)
                    for r in range(i.store_rows)
                ]
    return commands


class Engine:
    """What stands around the unit: batches and their columns before it, pool and linear layer beside it."""

    def __init__(self, bench: Bench, strips: list[Strip], port: WritePort) -> None:
        self.bench, self.strips, self.port = bench, strips, port
        self.on_way: deque[tuple[Strip, int, int]] = deque()  # strip, its first channel, channels
        self.pools_ended = self.pools_done = self.linears_done = self.accepted = 0
        self.linears = [number for number, strip in enumerate(strips) if strip.what.op == Op.LINEAR]
        self.overtaken = 0  # cycles in which what follows a linear layer is stored, and that is not done

    def stored(self) -> tuple[int, int]:
        """(instructions, channels of the next) that may be said to be stored by now.

        A linear layer counts as soon as all before it are stored, and the linear layers before it done.
        """
        channels, pools, linears = self.port.acknowledged, self.pools_done, self.linears_done + 1
        for number, strip in enumerate(self.strips):
            if strip.stored:
                if channels < len(strip.pixels):
                    return number, channels
                channels -= len(strip.pixels)
            elif strip.what.op == Op.LINEAR:
                if linears == 0:
                    return number, 0
                linears -= 1
            else:
                if pools == 0:
                    return number, 0
                pools -= 1
        return len(self.strips), 0

    async def take(self) -> None:
        bench, unit = self.bench, self.bench.unit
        for number, strip in enumerate(self.strips):
            first = 0
            for channels in strip.batches:
                waited = 0
                while True:
                    await FallingEdge(bench.clk)
                    if unit.room_ok.value == 1 and bench.dice.random() >= bench.idle:
                        break
                    waited += 1
                    assert waited < PATIENCE, f"no room for a batch of strip {number}"
                if strip.what.pool:
                    before = sum(one.what.op == Op.LINEAR for one in self.strips[:number])
                    assert self.linears_done == before, "pooled while a linear layer is to read the sums"
                unit.room_take.value, unit.batch_channels.value = 1, channels
                await RisingEdge(bench.clk)
                unit.room_take.value = 0
                self.on_way.append((strip, first, channels))
                first += channels

    async def columns(self) -> None:
        """Each batch's columns, at random distances behind its beginning."""
        bench, unit, p = self.bench, self.bench.unit, self.bench.parameters
        for _ in range(sum(len(strip.batches) for strip in self.strips)):
            while not self.on_way or bench.dice.random() < bench.idle:
                await RisingEdge(bench.clk)
            strip, first, channels = self.on_way.popleft()
            m, pixels = strip.m, strip.pixels
            lanes = np.zeros((p["LANES"], *pixels.shape[1:]), int)
            lanes[:channels] = pixels[first : first + channels]
            places = [(y, x) for y in range(pixels.shape[1] // m) for x in range(pixels.shape[2])]
            for y, x in places:
                while bench.dice.random() < bench.idle / 2:
                    await RisingEdge(bench.clk)
                column = np.zeros((p["LANES"], p["N"] - 2), int)
                column[:, :m] = lanes[:, y * m : (y + 1) * m, x]
                unit.px_data.value, unit.px_valid.value = pack(column.flat, 8), 1
                unit.px_x.value, unit.px_y.value = x, y
                unit.px_last.value = int((y, x) == places[-1])
                await FallingEdge(bench.clk)
                self.pooled(strip, channels, first + channels == len(pixels))
                await RisingEdge(bench.clk)
                unit.px_valid.value = 0
            self.pools_ended += strip.what.pool and first + channels == len(pixels)

    def pooled(self, strip: Strip, channels: int, end: bool) -> None:
        """What the pool is told of the column that is offered."""
        unit, i = self.bench.unit, strip.what
        assert unit.pool_valid.value == int(i.pool)
        if i.pool:
            told = [
                int(getattr(unit, f"pool_{name}").value)
                for name in ("stride2", "first", "rows", "columns", "channels", "end")
            ]
            assert told == [i.stride2, i.pool_first, i.store_rows, i.store_columns, channels, end], told

    async def beside(self) -> None:
        """Pool and linear layer, each ending at its own time; and what is said to be stored."""
        bench, unit, seen, asked, room = self.bench, self.bench.unit, (0, 0), False, False
        while True:
            room = room or bench.dice.random() >= bench.pause  # it stays until it is taken
            unit.pool_room_ok.value = int(room)
            ends = self.pools_done < self.pools_ended and bench.dice.random() < 0.015
            unit.pool_done.value = int(ends)
            go = asked and bench.dice.random() < 0.004
            unit.linear_done.value = int(go)
            await FallingEdge(bench.clk)
            count, channels = (int(getattr(unit, f"stored_{name}").value) for name in ("count", "channels"))
            # an answer of this cycle is counted in the next one, an instruction that is complete later still
            assert (count, channels) <= self.stored() or self.catching_up(count, channels), (count, channels)
            assert (count, 0) >= (seen[0], 0), "stored_count went back"
            seen = count, channels
            room = room and unit.pool_room_take.value == 0
            asked = unit.linear_go.value == 1 and not go
            if asked:
                self.linear_in_turn()
            self.pools_done, self.linears_done = self.pools_done + ends, self.linears_done + go
            await RisingEdge(bench.clk)

    def catching_up(self, count: int, channels: int) -> bool:
        """Channels of later strips are counted with this one's until it is done with."""
        strip = self.strips[count] if count < len(self.strips) else None
        return (
            strip is not None and strip.stored and self.stored()[0] > count and channels >= len(strip.pixels)
        )

    def linear_in_turn(self) -> None:
        stored = int(self.bench.unit.stored_count.value)
        assert self.linears_done < len(self.linears), "a linear layer that nobody asked for"
        number = self.linears[self.linears_done]
        assert stored > number, "a linear layer began before its turn"
        self.overtaken += stored > number + 1


async def begin(bench: Bench, strips: list[Strip]) -> tuple[WritePort, Engine, list[Any]]:
    """Reset the unit; start everything around it."""
    port = WritePort(bench, bench.parameters["BD"])
    engine = Engine(bench, strips, port)
    await bench.reset(
        s_axis_tvalid=0, room_take=0, px_valid=0, px_last=0, pool_room_ok=0, pool_done=0, linear_done=0,
        write_done=0, cmd_tready=0, m_axis_tready=0,
    )  # fmt: skip
    words = [int.from_bytes(strip.what.pack(), "little") for strip in strips]
    work = (bench.send(words), port.run(), engine.beside(), engine.take(), engine.columns())
    return port, engine, [cocotb.start_soon(task) for task in work]


@partial(over_cases, patterns=("flowing", "backpressure", "both"))
async def strips_are_stored(bench: Bench) -> None:
    strips = strips_of(bench)
    if bench.stalls == "both":  # a reset in the middle of something else leaves nothing behind
        *_, tasks = await begin(bench, strips_of(bench))
        await bench.cycles(int(bench.rng.integers(100, 300)))
        for task in tasks:
            task.cancel()
    port, engine, (sender, *_) = await begin(bench, strips)
    await port.until(sum(len(strip.pixels) for strip in strips if strip.stored))
    for _ in range(PATIENCE):
        if int(bench.unit.stored_count.value) == len(strips):
            break
        await RisingEdge(bench.clk)
    await bench.cycles(20)
    assert int(bench.unit.stored_count.value) == len(strips) == engine.stored()[0]
    assert int(bench.unit.stored_channels.value) == 0
    assert sender.done()
    assert engine.linears_done == len(engine.linears)
    assert engine.overtaken, "nothing was stored beside a linear layer"
    port.nothing_left()

    assert [command for _, command in port.came] == expected_commands(strips)
    assert not port.twice
    for number, strip in enumerate(strips):
        i = strip.what
        for (c, r, x), value in np.ndenumerate(strip.pixels if strip.stored else np.zeros((0, 0, 0))):
            if r < i.store_rows and x < i.store_columns:
                got = port.memory[i.store_addr + c * i.store_plane + r * i.store_pitch + x]
                assert got == value, f"strip {number}, channel {c}, row {r}, column {x}: {value}, got {got}"
    if bench.stalls == "flowing":
        a_beat_a_cycle(port, strips)


def a_beat_a_cycle(port: WritePort, strips: list[Strip]) -> None:
    """Within a batch, where nothing stalls: it leaves as fast as the port takes it."""
    cycles = iter(port.beats)
    for strip in (one for one in strips if one.stored):
        for channels in strip.batches:
            beats = channels * strip.what.store_rows * strip.what.store_line_beats
            came = [next(cycles) for _ in range(beats)]
            assert came[-1] - came[0] == beats - 1, f"{beats} beats in {came[-1] - came[0] + 1} cycles"
