# SPDX-License-Identifier: Apache-2.0
"""A convolution layer against golden.conv_layer: what direct products and Winograd share."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from streams import Bench, pack

from repvgg_hw import golden
from repvgg_hw.network import MULTIPLIER_BITS, IntegerConv, signed_bits
from repvgg_hw.plan.stream.direct import ConvPlan
from repvgg_hw.plan.stream.layers import AnyConvPlan
from repvgg_hw.plan.stream.winograd import WinogradPlan
from repvgg_hw.targets.verilog import tables

FRAMES = 4
SHORT = 100  # cycles: in a smaller Winograd map, handing a row over takes longer than a frame


def plan_of(p: dict[str, int]) -> AnyConvPlan:
    """The plan of which these are the parameters."""
    shape: dict[str, Any] = {
        "name": "layer", "c_in": p["C_IN"], "c_out": p["C_OUT"], "height": p["HEIGHT"], "width": p["WIDTH"],
        "stride": p["STRIDE"], "groups": p["GROUPS"], "pi": p["PI"], "po": p["PO"], "in_bits": p["X_W"],
        "in_signed": bool(p["X_SIGNED"]), "out_bits": p["Y_W"], "acc_bits": p["ACC_W"],
    }  # fmt: skip
    if "M" in p:
        return WinogradPlan(m=p["M"], **shape)
    return ConvPlan(weight_bits=p["W_W"], packed=bool(p["PACKED"]), **shape)


def random_layer(plan: AnyConvPlan, rng: np.random.Generator) -> IntegerConv:
    """Weights of full range, scaled so that outputs are spread over 0 .. 255 and clamped at both ends."""
    weight = rng.integers(-127, 128, (plan.c_out, plan.c_in // plan.groups, 3, 3)).astype(np.int8)
    weight[0] = 127  # the channel that reaches the accumulator's bound
    fan_in = weight[0].size
    return IntegerConv(
        name=plan.name,
        weight=weight,
        bias=rng.integers(-(1 << 12), 1 << 12, plan.c_out).astype(np.int32),
        multiplier=rng.integers(1 << 14, 1 << 17, plan.c_out).astype(np.int32),
        shift=int(np.log2(fan_in**0.5 * 127 * 128)) + 9,
        stride=plan.stride,
        groups=plan.groups,
        in_bits=plan.in_bits,
        in_signed=plan.in_signed,
        out_bits=plan.out_bits,
    )


class Layer:
    """A random layer on the bench's unit."""

    def __init__(self, bench: Bench) -> None:
        self.bench, self.plan = bench, plan_of(bench.parameters)
        self.conv = random_layer(self.plan, bench.rng)
        assert signed_bits(self.conv.accumulator_bound) <= self.plan.acc_bits

    async def start(self) -> None:
        plan, bench = self.plan, self.bench
        await bench.reset_streams(shift=self.conv.shift)
        weights, affine = tables.conv_weights(self.conv, plan), tables.conv_affine(self.conv, plan)
        bench.play_rom("weight", [pack(word, plan.weight_lane_bits) for word in weights])
        bench.play_rom("affine", [pack(word, plan.acc_bits + MULTIPLIER_BITS) for word in affine])

    def maps(self) -> np.ndarray:
        """Frames: random, of highest value, of the two extremes, then random."""
        plan = self.plan
        half = 1 << plan.in_bits - 1
        low, high = (-half, half) if plan.in_signed else (0, 2 * half)
        frames = self.bench.rng.integers(low, high, (FRAMES, plan.c_in, plan.height, plan.width))
        frames[1], frames[2] = high - 1, self.bench.rng.choice([low, high - 1], frames[2].shape)
        return frames

    def beats(self, maps: np.ndarray) -> list[int]:
        plan = self.plan
        return [pack(b, plan.in_bits) for b in maps.transpose(0, 2, 3, 1).reshape(-1, plan.in_lanes)]

    def expected(self, maps: np.ndarray) -> list[int]:
        out = golden.conv_layer(maps, self.conv).transpose(0, 2, 3, 1)
        return [pack(b, self.plan.out_bits) for b in out.reshape(-1, self.plan.out_lanes)]


async def equals_golden(bench: Bench) -> None:
    """Every output of every frame, and frames at the planned rate."""
    layer = Layer(bench)
    maps = layer.maps()
    expected = layer.expected(maps)
    await layer.start()
    cycles = await bench.equal(layer.beats(maps), expected)
    per_frame = len(expected) // FRAMES
    intervals = [b - a for a, b in itertools.pairwise(cycles[per_frame - 1 :: per_frame])]
    if layer.plan.algorithm == "direct" or layer.plan.cycles > SHORT:
        bench.planned("frame interval", layer.plan.cycles, intervals[-1])


async def reset_in_the_middle_of_a_frame(bench: Bench) -> None:
    """Nothing of what came before the reset comes out after it."""
    layer = Layer(bench)
    maps = layer.maps()[:1]
    beats = layer.beats(maps)
    await layer.start()
    bench.unit.m_axis_tready.value = 1
    await bench.send(beats[: 2 * len(beats) // 3 + 1])
    await bench.reset_streams()
    await bench.equal(beats, layer.expected(maps))
