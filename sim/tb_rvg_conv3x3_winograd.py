# SPDX-License-Identifier: Apache-2.0
"""rvg_conv3x3_winograd against golden.conv_layer: whole frames, random stalls on both streams."""

from __future__ import annotations

import itertools
import random
from typing import Any

import cocotb
import numpy as np
from tb_winograd_streams import config, pack, play_rom, receive, send, start, unpack

from repvgg_hw import golden
from repvgg_hw.network import MULTIPLIER_BITS, IntegerConv, signed_bits
from repvgg_hw.plan.stream.winograd import WinogradUnit


def random_layer(unit: WinogradUnit, rng: np.random.Generator, extreme: bool) -> IntegerConv:
    """A layer of the unit's shape; extreme: all weights are the largest or the smallest."""
    shape = (unit.c_out, unit.c_in // unit.groups, 3, 3)
    weight = rng.choice([-127, 127], shape) if extreme else rng.integers(-127, 128, shape)
    return IntegerConv(
        name="layer",
        weight=weight.astype(np.int8),
        bias=rng.integers(-5000, 5000, unit.c_out).astype(np.int32),
        multiplier=rng.integers(1 << 12, 1 << MULTIPLIER_BITS, unit.c_out).astype(np.int32),
        shift=24,
        stride=unit.stride,
        groups=unit.groups,
        in_signed=unit.in_signed,
    )


def affine_words(layer: IntegerConv, unit: WinogradUnit) -> list[int]:
    """The table of requant_relu.sv: {multiplier, bias} per channel."""
    bits = unit.acc_bits
    channels = zip(layer.multiplier.tolist(), layer.bias.tolist(), strict=True)
    lanes = [multiplier << bits | bias & ((1 << bits) - 1) for multiplier, bias in channels]
    words = itertools.zip_longest(*[iter(lanes)] * unit.lanes)
    return [pack(word, bits + MULTIPLIER_BITS) for word in words]


@cocotb.test()
async def layer_equals_golden(dut: Any) -> None:
    asked = config()
    unit = WinogradUnit(**asked["unit"])
    rng, dice = np.random.default_rng(asked["seed"]), random.Random(asked["seed"])
    low, high = (-128, 127) if unit.in_signed else (0, 255)
    shape = (asked["frames"], unit.c_in, unit.height, unit.width)
    frames = rng.choice([low, high], shape) if asked["extreme"] else rng.integers(low, high + 1, shape)
    layer = random_layer(unit, rng, asked["extreme"])
    assert signed_bits(layer.accumulator_bound) <= unit.acc_bits
    expected = golden.conv_layer(frames, layer).transpose(0, 2, 3, 1).reshape(-1, unit.out_lanes)

    await start(dut, s_axis_tvalid=0, m_axis_tready=0, shift=layer.shift)
    weights = [pack(word, unit.widths.weight) for word in unit.weight_words(layer.weight).tolist()]
    cocotb.start_soon(play_rom(dut.clk, dut.weight_en, dut.weight_addr, dut.weight_data, weights))
    affine = affine_words(layer, unit)
    cocotb.start_soon(play_rom(dut.clk, dut.affine_en, dut.affine_addr, dut.affine_data, affine))
    pixels = frames.transpose(0, 2, 3, 1).reshape(-1, unit.pi).tolist()
    words = [pack(beat, unit.in_bits) for beat in pixels]
    cocotb.start_soon(send(dut, words, asked["source_stall"], dice))

    beats = await receive(dut, len(expected), asked["sink_stall"], dice)
    for number, ((_, word), want) in enumerate(zip(beats, expected.tolist(), strict=True)):
        got = unpack(word, unit.out_lanes, unit.out_bits)
        assert got == want, f"beat {number}: expected {want}, got {got}"

    ends = [cycle for cycle, _ in beats][
        len(expected) // asked["frames"] - 1 :: len(expected) // asked["frames"]
    ]
    intervals = [later - earlier for earlier, later in itertools.pairwise(ends)]
    dut._log.info("planned %d cycles per frame, measured %s", unit.cycles, intervals)
    if asked["interval"]:
        assert intervals[-1] == unit.cycles, f"planned {unit.cycles} cycles per frame, measured {intervals}"
