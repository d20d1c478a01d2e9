# SPDX-License-Identifier: Apache-2.0
"""rvg_winograd_output_transform against output_transform: sums of random, extreme convolutions, wrapped."""

from __future__ import annotations

import itertools

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge
from streams import Bench, over_cases, pack, unpack

from repvgg_hw.plan.stream.timing import output_cycles
from repvgg_hw.winograd.golden import data_transform, output_transform, weight_transform
from repvgg_hw.winograd.matrices import transform

SETS = 40


@over_cases
async def equals_output_transform(bench: Bench) -> None:
    unit, rng, p = bench.unit, bench.rng, bench.parameters
    m, po, lanes, rows, bits = (p[name] for name in ("M", "PO", "LANES", "ROWS", "ACC_W"))
    kind = transform(m, p["STRIDE"])
    channels = min(16, (1 << bits - 1) // (9 * 127 * 255))  # as many as the sums' width allows
    tiles = rng.integers(0, 256, (SETS, 1, channels, kind.size, kind.size))
    kernels = rng.integers(-127, 128, (SETS, po, channels, 3, 3))
    tiles[::2], kernels[::2] = 255, np.sign(kernels[::2]) * 127
    sums = (data_transform(tiles, kind) * weight_transform(kernels, kind)).sum(axis=2)  # (SETS, PO, K, K)
    # (set, batch of channels, column, channel, row)
    shaped = output_transform(sums, kind).reshape(SETS, po // lanes, lanes, m, m).transpose(0, 1, 4, 2, 3)
    expected = shaped.reshape(-1, lanes * m).tolist()
    steps = max(-(-kind.size // rows), m)
    spacing = steps * po // lanes

    received: list[list[int]] = []
    came, firsts = [], []  # cycles of the sums, and of their first beats

    async def watch() -> None:
        for cycle in itertools.count():
            await FallingEdge(bench.clk)
            if unit.sums_valid.value == 1:
                came.append(cycle)
            if unit.acc_valid.value == 1:
                if len(received) % (po // lanes * m) == 0:
                    firsts.append(cycle)
                received.append(unpack(unit.acc.value.to_unsigned(), lanes * m, bits, signed=True))

    await bench.reset(sums_valid=0)
    cocotb.start_soon(watch())
    for word in sums.reshape(SETS, -1).tolist():
        unit.sums.value, unit.sums_valid.value = pack(word, bits + 2 * p["SHIFT"]), 1
        await bench.cycles(1)
        unit.sums_valid.value = 0
        await bench.cycles(spacing - 1)
        while bench.dice.random() < bench.idle:
            await bench.cycles(1)
    await bench.cycles(3 * spacing + output_cycles(kind.m, kind.stride))

    assert len(received) == len(expected)
    latencies = {first - sums_in for sums_in, first in zip(came, firsts, strict=True)}
    assert latencies == {steps + output_cycles(kind.m, kind.stride)}, latencies
    for number, (got, want) in enumerate(zip(received, expected, strict=True)):
        assert got == want, f"beat {number}: expected {want}, got {got}"
