# SPDX-License-Identifier: Apache-2.0
"""dram_write_check: equal beats pass; a wrong address, byte or strobe, and a beat too many, fail at once."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

from cocotb.triggers import FallingEdge
from streams import Bench, over_cases

STDOUT = 0x80000001
Record = tuple[int, int, int]  # address, data, mask


def records(bench: Bench) -> list[Record]:
    """What the file says."""
    size = bench.parameters["DATA_W"] // 8
    name = str(bench.parameters["NAME"])
    data = (Path(os.environ["DRAM_FOLDER"]) / f"{name}.bin").read_bytes()
    length, found = 4 + size + (size + 7) // 8, []
    for at in range(0, len(data), length):
        fields = data[at : at + 4], data[at + 4 : at + 4 + size], data[at + 4 + size : at + length]
        found.append(tuple(int.from_bytes(f, "little") for f in fields))
    return [(addr, beat, mask) for addr, beat, mask in found]


async def write(bench: Bench, beats: list[Record]) -> tuple[int, int, int]:
    """(index, done, failed) after these beats: address, data, strobes."""
    unit = bench.unit
    await bench.reset(log=STDOUT, written=0, addr=0, data=0, strobes=0)
    for addr, data, strobes in beats:
        unit.written.value, unit.addr.value, unit.data.value, unit.strobes.value = 1, addr, data, strobes
        await bench.cycles(1)
    unit.written.value = 0
    await FallingEdge(bench.clk)
    return int(unit.index.value), int(unit.done.value), int(unit.failed.value)


@partial(over_cases, patterns=("flowing",))
async def compares_what_means_something(bench: Bench) -> None:
    size = bench.parameters["DATA_W"] // 8
    expected = records(bench)
    count = len(expected)
    spread = [sum(255 << 8 * b for b in range(size) if mask >> b & 1) for _, _, mask in expected]
    noise = [
        data ^ bench.dice.getrandbits(8 * size) & ~bits
        for (_, data, _), bits in zip(expected, spread, strict=True)
    ]
    good = [(addr, data, mask) for (addr, _, mask), data in zip(expected, noise, strict=True)]
    assert await write(bench, good) == (count, 1, 0)
    assert await write(bench, good[:-1]) == (count - 1, 0, 0)
    assert await write(bench, [*good, good[0]]) == (count, 1, 1), "a surplus beat"
    for n, (addr, data, mask) in enumerate(good):
        bit = bench.dice.choice([b for b in range(size) if mask >> b & 1])
        for bad in (
            (addr + size, data, mask),
            (addr, data ^ 1 << 8 * bit + 3, mask),
            (addr, data, mask ^ 1 << bit),
        ):
            assert await write(bench, [*good[:n], bad, *good[n + 1 :]]) == (count, 1, 1), (n, bad)
