# SPDX-License-Identifier: Apache-2.0
"""rvg_engine_weights against weight_transform: random regions, both strides, packed as in the image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import RisingEdge
from engine_streams import affine_word, convolution, extremes, send_to, watch
from streams import Bench, over_cases, pack

from repvgg_hw.network import MULTIPLIER_BITS
from repvgg_hw.plan.engine.kinds import kind_of
from repvgg_hw.winograd.golden import weight_transform

INSTRUCTIONS = 6
LATENCY = 8  # from a set's last beat to set_valid
SPACING = 4  # cycles from one set to the next


@dataclass(frozen=True)
class Region:
    """An instruction's weights: what is sent, and what must come of it."""

    command: int
    data: bytes
    sets: list[int]
    affine: list[int]


@over_cases
async def equals_weight_transform(bench: Bench) -> None:
    unit, p = bench.unit, bench.parameters
    sets, beats, width = p["SETS"], p["BLOCK_BEATS"], p["BW"]
    # The first is long enough for a rate; then some of a single word, of whole and of broken blocks.
    shapes = [(6 * sets + 1, 1, 1, 0), (1, 2, 1, 1), *(random_shape(bench) for _ in range(INSTRUCTIONS - 2))]
    regions = [region(bench, *shape) for shape in shapes]
    expected = [word for one in regions for word in one.sets]
    affine = [word for one in regions for word in one.affine]
    data = b"".join(one.data for one in regions)

    taken: list[int] = []
    valid_from: list[int] = []  # cycle in which each set was there first
    beat_cycles: list[int] = []
    got_affine: list[int] = []
    soon = False  # a set is to be there in this cycle

    def act(cycle: int) -> bool:
        nonlocal soon
        if unit.s_axis_tvalid.value == 1 and unit.s_axis_tready.value == 1:
            beat_cycles.append(cycle)
        if unit.affine_tvalid.value == 1 and unit.affine_tready.value == 1:
            got_affine.append(unit.affine_tdata.value.to_unsigned())
        there = unit.set_valid.value == 1
        assert there == soon, f"cycle {cycle}: a set that set_soon did not say, or none that it said"
        if there and len(valid_from) == len(taken):
            valid_from.append(cycle)
        take = there and bench.dice.random() >= bench.pause
        unit.set_take.value = int(take)
        soon = unit.set_soon.value == 1 and not take
        if take:
            word = unit.set_data.value.to_unsigned()
            assert len(taken) < len(expected), "a set after the last"
            assert word == expected[len(taken)], f"set {len(taken)} differs"
            taken.append(cycle)
        return take

    async def end_takes() -> None:
        while True:
            await RisingEdge(bench.clk)
            unit.set_take.value = 0
            unit.affine_tready.value = int(bench.dice.random() >= bench.pause)

    words = [int.from_bytes(data[i : i + width], "little") for i in range(0, len(data), width)]

    def send() -> list[Any]:
        commands = [one.command for one in regions]
        streams = [("cmd", commands), ("s_axis", words)]
        return [cocotb.start_soon(send_to(bench, *stream)) for stream in streams]

    for run in range(2):  # the first ends somewhere by a reset, which is to leave nothing behind
        await bench.reset(cmd_tvalid=0, s_axis_tvalid=0, set_take=0, affine_tready=0)
        tasks = send()
        if run == 0:
            await bench.cycles(bench.dice.randint(20, 40))
            for task in tasks:
                task.cancel()
    cocotb.start_soon(end_takes())
    await watch(bench, lambda: len(taken) == len(expected) and len(beat_cycles) == len(words), act)
    await bench.cycles(30)
    assert unit.set_valid.value == 0, "a set after the last"
    assert got_affine == affine

    first_beats = -(-p["PO"] * 8 // width) + -(-p["PO"] * p["PI"] * 9 // width)
    bench.planned("first set", LATENCY, valid_from[0] - beat_cycles[first_beats - 1])
    bench.planned("block", max(SPACING * sets, beats), taken[5 * sets - 1] - taken[4 * sets - 1])
    assert min(np.diff(taken)) >= SPACING


def random_shape(bench: Bench) -> tuple[int, int, int, int]:
    """Words, groups, sets of outputs, stride 2."""
    dice = bench.dice
    sets = bench.parameters["SETS"]
    return dice.randint(1, 2 * sets + 2), dice.randint(1, 2), dice.randint(1, 3), dice.randint(0, 1)


def region(bench: Bench, words: int, groups: int, repeats: int, stride2: int) -> Region:
    """Random bias, multipliers and kernels of such a convolution."""
    p, rng = bench.parameters, bench.rng
    po, pi, width, sets, acc = (p[name] for name in ("PO", "PI", "BW", "SETS", "ACC_W"))
    kernels = extremes(rng, -127, 127, (groups * repeats, words, po, pi, 3, 3))
    bias = rng.integers(-(1 << acc - 1), 1 << acc - 1, (groups * repeats, po))
    mult = rng.integers(0, 1 << MULTIPLIER_BITS, bias.shape)
    data = b""
    for b, m, of_set in zip(bias, mult, kernels, strict=True):
        affine = np.stack([b, m], axis=1).astype("<i4").tobytes()
        data += affine + bytes(-len(affine) % width)
        for first in range(0, words, sets):
            block = of_set[first : first + sets].astype(np.int8).tobytes()
            size = p["BLOCK_BEATS"] * width if words - first >= sets else -(-len(block) // width) * width
            data += block.ljust(size, bench.dice.randbytes(1))
    transformed = weight_transform(kernels, kind_of(p["N"], 2 if stride2 else 1))
    # (set of outputs, word, o, position, i)
    lanes = transformed.reshape(groups * repeats * words, po, pi, -1).transpose(0, 1, 3, 2)
    return Region(
        convolution(words=words, groups=groups, repeats=repeats, stride2=stride2),
        data,
        [pack(word, p["WEIGHT_W"]) for word in lanes.reshape(len(lanes), -1).tolist()],
        [affine_word(b, m, acc) for b, m in zip(bias.tolist(), mult.tolist(), strict=True)],
    )
