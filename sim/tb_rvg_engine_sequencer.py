# SPDX-License-Identifier: Apache-2.0
"""rvg_engine_sequencer: the order of work, written as loops; and what it must wait for."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterator

import cocotb
from cocotb.triggers import FallingEdge, RisingEdge
from streams import Bench, over_cases

STRIPS = 6
Strip = tuple[int, int, int, int]  # tiles, words a group, groups, sets a group


def instruction(tiles: int, words: int, groups: int, sets: int) -> int:
    """The fields that the sequencer reads, at the places of the engine's page."""
    fields = {8 * 32 + 16: tiles, 9 * 32: words, 9 * 32 + 16: groups, 10 * 32 + 16: sets}
    return sum(value << place for place, value in fields.items()) | 1


def order(strips: list[Strip], t_max: int, depth: int) -> Iterator[tuple[int, int, int, int, int]]:
    """(data address, accumulator, first, last, tile) of every word."""
    sums = 0
    for number, (tiles, words, groups, sets) in enumerate(strips):
        for group, _ in itertools.product(range(groups), range(sets)):
            for word, tile in itertools.product(range(words), range(tiles)):
                address = (number % 2) * depth + (group * words + word) * tiles + tile
                last = word == words - 1 and tile == tiles - 1
                yield address, sums * t_max + tile, int(word == 0), int(last), tile
            sums ^= 1


def strips_of(bench: Bench) -> list[Strip]:
    """Random ones, the smallest and the largest among them."""
    t_max, depth, dice = bench.parameters["T_MAX"], bench.parameters["WORD_DEPTH"], bench.dice
    strips: list[Strip] = [(1, 1, 1, 1), (t_max, depth // t_max, 1, 2)]
    while len(strips) < STRIPS:
        tiles = dice.randint(1, t_max)
        groups = dice.randint(1, min(3, depth // tiles))
        strips.append((tiles, dice.randint(1, depth // tiles // groups), groups, dice.randint(1, 4)))
    dice.shuffle(strips)
    return strips


@over_cases
async def follows_the_order_of_work(bench: Bench) -> None:
    unit, p = bench.unit, bench.parameters
    strips = strips_of(bench)
    expected = list(order(strips, p["T_MAX"], p["WORD_DEPTH"]))
    written = [0, 0]
    reads: list[tuple[int, int]] = []  # (cycle, address)
    words: list[tuple[int, int, int, int]] = []  # (cycle, slot, first, last)
    takes: list[int] = []
    drains: deque[int] = deque()  # cycles at which a half of accumulators will be free
    free, cycle = 2, 0

    async def fill() -> None:
        """Words of each strip into its half, which the strip before the last has left."""
        for number, (tiles, per_group, groups, _) in enumerate(strips):
            half = number % 2
            while written[half]:
                await RisingEdge(bench.clk)
            for _ in range(tiles * per_group * groups):
                if bench.dice.random() < bench.idle:
                    await bench.cycles(bench.dice.randint(1, 12))
                await RisingEdge(bench.clk)
                written[half] += 1
                getattr(unit, f"written{half}").value = written[half]

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
        nonlocal free, cycle
        number = 0
        while True:
            await FallingEdge(bench.clk)
            cycle += 1
            for half in (0, 1):
                if unit.release_half.value.to_unsigned() >> half & 1:
                    assert half == number % 2, "the wrong half was released"
                    number, written[half] = number + 1, 0
                    getattr(unit, f"written{half}").value = 0
            free += int(unit.half_free.value)
            if unit.set_take.value == 1:
                takes.append(cycle)
            if unit.word_rd_en.value == 1:
                _, _, first, _, tile = expected[min(len(reads), len(expected) - 1)]
                if first and tile == 0:
                    assert free > 0, "a set began in accumulators that are not drained"
                    free -= 1
                address = unit.word_rd_addr.value.to_unsigned()
                half, place = divmod(address, p["WORD_DEPTH"])
                assert place < written[half], f"word {place} was read of {written[half]}"
                reads.append((cycle, address))
            if unit.in_valid.value == 1:
                slot, first, last = (int(getattr(unit, f"in_{n}").value) for n in ("slot", "first", "last"))
                words.append((cycle, slot, first, last))
                if last:
                    drains.append(cycle + 5 + bench.dice.randint(0, 40) * (bench.dice.random() < bench.pause))

    await bench.reset(s_axis_tvalid=0, set_soon=0, half_free=0, written0=0, written1=0)
    commands = bench.send([instruction(*strip) for strip in strips])
    for task in (watch(), fill(), weights(), drain(), commands):
        cocotb.start_soon(task)
    for _ in range(20 * len(expected) + 2000):
        if len(words) == len(expected):
            break
        await RisingEdge(bench.clk)
    await bench.cycles(50)

    assert [address for _, address in reads] == [address for address, *_ in expected]
    assert [word[1:] for word in words] == [tuple(one[1:4]) for one in expected]
    assert [cycle + 2 for cycle, _ in reads] == [cycle for cycle, *_ in words], "a word left its address"
    firsts = [at - 1 for (at, *_), one in zip(words, expected, strict=True) if one[4] == 0]
    assert takes == firsts, "a set of weights was not taken with its first tile"


@over_cases
async def multiplies_in_every_cycle(bench: Bench) -> None:
    """Strips of four tiles or more, data there: nothing comes between two words of a strip."""
    unit, p = bench.unit, bench.parameters
    tiles = p["T_MAX"]
    if tiles < 4 or bench.stalls != "flowing":
        return
    per_group, sets = 2, 4
    await bench.reset(s_axis_tvalid=0, set_soon=0, half_free=0, written0=2 * tiles, written1=0)
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
