# SPDX-License-Identifier: Apache-2.0
"""rvg_requant_relu against golden.requantize_relu: ties, negative and saturating sums, random gaps."""

from __future__ import annotations

import itertools

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge
from streams import Bench, over_cases, pack, unpack

from repvgg_hw import golden
from repvgg_hw.plan.stream.timing import REQUANT_CYCLES

BEATS = 300


@over_cases
async def equals_golden(bench: Bench) -> None:
    for shift in (1, bench.dice.randrange(2, 40), 16):
        await run(bench, shift)


async def run(bench: Bench, shift: int) -> None:
    unit, rng, p = bench.unit, bench.rng, bench.parameters
    lanes, addresses, bits = p["LANES"], p["ADDRS"], p["ACC_W"]
    channels = lanes * addresses
    mult = rng.integers(0, 1 << 17, channels) >> rng.integers(0, 17, channels)
    mult[0] = (1 << 17) - 1
    limit = 1 << bits - 2  # so that acc and acc + bias fit
    bias = rng.integers(-limit, limit, channels) >> rng.integers(0, bits, channels)
    biased = rng.integers(-limit, limit, (BEATS, channels)) >> rng.integers(0, bits, (BEATS, channels))
    biased[::2] = aimed(rng, mult, shift, limit, biased[::2].shape, (1 << p["Y_W"]) - 1)
    order = np.arange(BEATS) % addresses  # beat -> table word
    take = order[:, None] * lanes + np.arange(lanes)
    sums = np.take_along_axis(biased, take, axis=1)
    pairs = zip(sums[..., None, None], mult[take], strict=True)
    want = np.stack([golden.requantize_relu(s, m, shift, p["Y_W"])[:, 0, 0] for s, m in pairs])

    await bench.reset(acc_valid=0, shift=shift)
    table = [m << bits | b & ((1 << bits) - 1) for m, b in zip(mult.tolist(), bias.tolist(), strict=True)]
    words = [pack(table[i : i + lanes], bits + 17) for i in range(0, channels, lanes)]
    rom = bench.play_rom("affine", words)
    got: list[list[int]] = []
    came: list[int] = []  # cycles
    left: list[int] = []

    async def watch() -> None:
        for cycle in itertools.count():
            if len(got) == BEATS:
                return
            await FallingEdge(bench.clk)
            if unit.acc_valid.value == 1:
                came.append(cycle)
            if unit.y_valid.value == 1:
                left.append(cycle)
                got.append(unpack(unit.y.value.to_unsigned(), lanes, p["Y_W"]))

    watching = cocotb.start_soon(watch())
    for beat, t in zip(sums, take, strict=True):
        while bench.dice.random() < bench.idle:
            await bench.cycles(1)
        unit.acc_valid.value, unit.acc.value = 1, pack(beat - bias[t], bits)
        await bench.cycles(1)
        unit.acc_valid.value = 0
    await watching
    rom.cancel()
    assert got == want.tolist()
    latencies = {y - acc for acc, y in zip(came, left, strict=True)}
    assert latencies == {REQUANT_CYCLES}, latencies


def aimed(
    rng: np.random.Generator, mult: np.ndarray, shift: int, limit: int, shape: tuple[int, ...], largest: int
) -> np.ndarray:
    """Sums whose product lies at or beside a tie between two results, most often at the ends of the range."""
    result = rng.integers(-1, largest + 2, shape)
    at_end = rng.random(shape) < 0.6
    result[at_end] = rng.choice((-1, 0, largest - 1, largest), int(at_end.sum()))
    target = (result << shift) + (1 << shift - 1)
    sums = target // np.maximum(mult, 1) + rng.integers(-1, 3, shape)
    return np.asarray(np.clip(sums, -limit, limit - 1))
