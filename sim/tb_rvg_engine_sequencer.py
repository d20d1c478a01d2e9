# SPDX-License-Identifier: Apache-2.0
"""rvg_engine_sequencer: the order of work, written as loops; and what it must wait for."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

import cocotb
from cocotb.triggers import FallingEdge, RisingEdge
from streams import Bench, over_cases

STRIPS = 6
SPACING = 4  # cycles from a word of a tile to the next, at least
Strip = tuple[int, int, int, int]  # tiles, words a group, groups, sets a group


def instruction(tiles: int, words: int, groups: int, sets: int) -> int:
    """The fields that the sequencer reads, at the places of the engine's page."""
    fields = {8 * 32 + 16: tiles, 9 * 32: words, 9 * 32 + 16: groups, 10 * 32 + 16: sets}
    return sum(value << place for place, value in fields.items()) | 1


class Word(NamedTuple):
    """A word as it is multiplied."""

    number: int  # of all that were ever written
    dies: int  # it is not read again
    flags: tuple[int, int, int, int, int]  # tile, half, first, ends, last


def order(strips: list[Strip]) -> Iterator[Word]:
    """Every word, in order."""
    half = before = 0
    for tiles, words, groups, sets in strips:
        for group, one in itertools.product(range(groups), range(sets)):
            for word, tile in itertools.product(range(words), range(tiles)):
                number = before + (group * words + word) * tiles + tile
                ends = int(word == words - 1)
                flags = (tile, half, int(word == 0), ends, int(ends and tile == tiles - 1))
                yield Word(number, int(one == sets - 1), flags)
            half ^= 1
        before += groups * words * tiles


def strips_of(bench: Bench) -> list[Strip]:
    """Random ones, the smallest and the largest among them."""
    t_max, depth, dice = bench.parameters["T_MAX"], bench.parameters["WORD_DEPTH"], bench.dice
    strips: list[Strip] = [(1, 1, 1, 1), (t_max, depth // t_max, 1, 2)]
    while len(strips) < STRIPS:
        tiles = dice.randint(1, t_max)
        strips.append((tiles, dice.randint(1, depth // tiles), dice.randint(1, 3), dice.randint(1, 4)))
    dice.shuffle(strips)
    return strips


@over_cases
async def follows_the_order_of_work(bench: Bench) -> None:
    unit, p = bench.unit, bench.parameters
    strips = strips_of(bench)
    expected = list(order(strips))
    depth = p["WORD_DEPTH"]
    written = released = dead = 0  # words; dead: of which the last reading was
    reads: list[tuple[int, int]] = []  # (cycle, address)
    words: list[tuple[int, tuple[int, ...]]] = []  # (cycle, flags)
    takes: list[int] = []
    drains: deque[int] = deque()  # cycles at which a half of accumulators will be free
    free, cycle = 2, 0

    async def fill() -> None:
        """Words of all strips, as far as the memory has room."""
        nonlocal written
        for _ in range(sum(tiles * per_group * groups for tiles, per_group, groups, _ in strips)):
            if bench.dice.random() < bench.idle:
                await bench.cycles(bench.dice.randint(1, 12))
            while written - released == depth:
                await RisingEdge(bench.clk)
            unit.written.value = 1
            await RisingEdge(bench.clk)
            written += 1
            unit.written.value = 0

    async def weights() -> None:
        """A set is there four cycles after one was taken, or later; it is announced a cycle before."""
        wait = 0  # cycles until a set is there
        while True:
            await RisingEdge(bench.clk)
            unit.set_soon.value = int(wait <= 1)
            await FallingEdge(bench.clk)
            if unit.set_take.value == 1:
                assert wait == 0, "a set was taken that is not there"
                wait = 4 + bench.dice.randint(0, 6) * (bench.dice.random() < bench.idle)
            wait -= wait > 0

    async def drain() -> None:
        while True:
            await RisingEdge(bench.clk)
            due = bool(drains) and cycle >= drains[0]
            unit.half_free.value = int(due)
            if due:
                drains.popleft()

    async def watch() -> None:
        nonlocal free, cycle, released, dead
        while True:
            await FallingEdge(bench.clk)
            cycle += 1
            released += int(unit.released.value)
            assert released == dead, f"{released} words are released, {dead} were read for the last time"
            free += int(unit.half_free.value)
            if unit.set_take.value == 1:
                takes.append(cycle)
            if unit.word_rd_en.value == 1:
                number, dies, (tile, _, _, ends, _) = expected[min(len(reads), len(expected) - 1)]
                if ends and tile == 0:
                    assert free > 0, "sums are completed in accumulators that are not drained"
                    free -= 1
                address = unit.word_rd_addr.value.to_unsigned()
                assert number < written, f"word {number} was read of {written}"
                dead += dies
                reads.append((cycle, address))
            if unit.in_valid.value == 1:
                names = ("tile", "half", "first", "ends", "last")
                flags = tuple(int(getattr(unit, f"in_{name}").value) for name in names)
                words.append((cycle, flags))
                if flags[-1]:
                    drains.append(cycle + 5 + bench.dice.randint(0, 40) * (bench.dice.random() < bench.pause))

    await bench.reset(s_axis_tvalid=0, set_soon=0, half_free=0, written=0)
    commands = bench.send([instruction(*strip) for strip in strips])
    for task in (watch(), fill(), weights(), drain(), commands):
        cocotb.start_soon(task)
    for _ in range(20 * len(expected) + 2000):
        if len(words) == len(expected):
            break
        await RisingEdge(bench.clk)
    await bench.cycles(50)

    assert [address for _, address in reads] == [one.number % depth for one in expected]
    assert [flags for _, flags in words] == [one.flags for one in expected]
    assert [cycle + 2 for cycle, _ in reads] == [cycle for cycle, _ in words], "a word left its address"
    latest: dict[int, int] = {}
    for at, (tile, _, first, *_) in words:
        assert first or at - latest[tile] >= SPACING, f"a word of tile {tile} came too soon"
        latest[tile] = at
    firsts = [at - 1 for at, (tile, *_) in words if tile == 0]
    assert takes == firsts, "a set of weights was not taken with its first tile"


@over_cases
async def multiplies_in_every_cycle(bench: Bench) -> None:
    """Strips of four tiles or more, data there: nothing comes between two words of a strip."""
    unit, p = bench.unit, bench.parameters
    tiles = p["T_MAX"]
    if tiles < 4 or bench.stalls != "flowing":
        return
    per_group, sets = 2, 4
    await bench.reset(s_axis_tvalid=0, set_soon=0, half_free=0, written=0)
    unit.written.value = 1
    await bench.cycles(2 * tiles)
    unit.written.value = 0
    cocotb.start_soon(bench.send([instruction(tiles, per_group, 1, sets)]))
    wait, busy = 0, []
    for _ in range(3 * tiles * per_group * sets):
        await RisingEdge(bench.clk)
        unit.set_soon.value = int(wait <= 1)
        await FallingEdge(bench.clk)
        unit.half_free.value = int(unit.in_last.value and unit.in_valid.value)
        wait = 4 if unit.set_take.value == 1 else wait
        wait -= wait > 0
        busy.append(str(int(unit.in_valid.value)))
    assert "".join(busy).strip("0") == "1" * tiles * per_group * sets
