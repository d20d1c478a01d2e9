# SPDX-License-Identifier: Apache-2.0
"""rvg_engine_linear against golden.linear: layers one after another, weights in the order of an image."""

from __future__ import annotations

from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge, RisingEdge
from streams import PATIENCE, Bench, over_cases, pack
from write_port import Command, WritePort

from repvgg_hw import golden
from repvgg_hw.network import IntegerLinear
from repvgg_hw.plan.engine.instruction import Instruction, Op

LAYERS = 5
LATENCY = 6


def region(layer: IntegerLinear, width: int) -> list[int]:
    """The beats of `width` bytes that a layer's region consists of."""
    classes, channels = layer.weight.shape
    blocks = -(-classes // width)
    weight = np.zeros((blocks * width, channels), int)
    bias = np.zeros(blocks * width, int)
    weight[:classes], bias[:classes] = layer.weight, layer.bias
    beats = []
    for block in range(blocks):
        of_block = slice(block * width, (block + 1) * width)
        beats += [pack(part, 32) for part in bias[of_block].reshape(4, -1)]
        beats += [pack(column, 8) for column in weight[of_block].T]
    return beats


class Weights:
    """Plays beats on the weight stream; remembers in which cycles they were taken."""

    def __init__(self, bench: Bench) -> None:
        self.bench, self.taken, self.cycle = bench, [0][:0], 0
        self.first_logits: list[int] = []  # cycles in which a beat of logits came after a cycle without

    async def watch(self) -> None:
        unit, before = self.bench.unit, 0
        while True:
            await FallingEdge(self.bench.clk)
            self.cycle += 1
            if unit.weight_tvalid.value == 1 and unit.weight_tready.value == 1:
                self.taken.append(self.cycle)
            now = int(unit.m_axis_tvalid.value)
            if now and not before:
                self.first_logits.append(self.cycle)
            before = now

    async def play(self, beats: list[int]) -> None:
        unit, bench = self.bench.unit, self.bench
        for beat in beats:
            while bench.dice.random() < bench.idle:
                await RisingEdge(bench.clk)
            unit.weight_tdata.value, unit.weight_tvalid.value = beat, 1
            waited, taken = 0, False
            while not taken:
                await FallingEdge(bench.clk)
                taken = unit.weight_tready.value == 1
                waited += 1
                assert waited < PATIENCE, "weights are not taken"
                await RisingEdge(bench.clk)
            unit.weight_tvalid.value = 0


def random_layer(bench: Bench, channels: int, classes: int, extreme: bool) -> tuple[IntegerLinear, Any]:
    p, rng = bench.parameters, bench.rng
    most = min(
        1 << p["POOL_W"], (1 << 31) // (127 * channels * 2)
    )  # logits of 32 bits, as the plan proves them
    weight = rng.integers(-127, 128, (classes, channels))
    sums = rng.integers(0, most, (1, channels))
    if extreme:
        weight, sums = rng.choice([-127, 127], weight.shape), np.full_like(sums, most - 1)
    bias = rng.integers(-(1 << 29), 1 << 29, classes)
    return IntegerLinear(weight.astype(np.int8), bias.astype(np.int32)), sums


@over_cases
async def logits_equal_golden(bench: Bench) -> None:
    p, rng, unit = bench.parameters, bench.rng, bench.unit
    port, weights = WritePort(bench, p["BD"]), Weights(bench)
    await bench.reset(
        s_axis_tvalid=0, weight_tvalid=0, go=0, cmd_tready=0, m_axis_tready=0, write_done=0, sum_data=0
    )
    for task in (port.run(), weights.watch()):
        cocotb.start_soon(task)
    wanted: list[Command] = []
    for number in range(LAYERS):
        channels = (1, p["C_MAX"], 3)[number] if number < 3 else int(rng.integers(1, p["C_MAX"] + 1))
        classes = (
            (p["BW"], 3 * p["BW"] - 1, 2 * p["BW"] + 1, 1)[number]
            if number < 4
            else int(rng.integers(1, 4 * p["BW"]))
        )
        layer, sums = random_layer(bench, channels, classes, number == 1)
        blocks, address = -(-classes // p["BW"]), 0x10000 * (number + 1)
        what = Instruction(op=Op.LINEAR, channels=channels, blocks=blocks, store_addr=address)
        table = bench.play_rom("sum", [int(v) for v in sums[0]])
        sender = cocotb.start_soon(bench.send([int.from_bytes(what.pack(), "little")]))
        player = cocotb.start_soon(weights.play(region(layer, p["BW"])))
        before = len(weights.taken)
        await bench.cycles(int(rng.integers(1, 20)))
        assert (len(weights.taken), sender.done()) == (before, False), "began before the sums were complete"
        unit.go.value = 1
        waited = 0
        while unit.done.value == 0:
            waited += 1
            assert waited < PATIENCE, "never done"
            await FallingEdge(bench.clk)
        assert (port.acknowledged, player.done(), sender.done()) == (number + 1, True, True)
        await RisingEdge(bench.clk)
        unit.go.value = 0
        port.nothing_left()
        table.cancel()
        want = golden.linear(sums, layer)[0]
        got = [
            int.from_bytes(bytes(port.memory[address + 4 * k + b] for b in range(4)), "little", signed=True)
            for k in range(classes)
        ]
        assert got == want.tolist(), f"layer {number}: expected {want.tolist()}, got {got}"
        beats = max(1, 4 * p["BW"] // p["BD"])
        count = -(-blocks * 4 * p["BW"] // (beats * p["BD"]))
        wanted += [Command(int(i == count - 1), beats, address + i * beats * p["BD"]) for i in range(count)]
        assert [command for _, command in port.came] == wanted
        if bench.stalls == "flowing":
            cycles = weights.taken[before:]
            assert weights.first_logits[-1] == cycles[-1] + LATENCY
            if channels >= max(5, 3 + beats):
                assert cycles[-1] - cycles[0] + 1 == blocks * (4 + channels), "not a beat of weights a cycle"
    assert not port.twice
