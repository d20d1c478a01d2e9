# SPDX-License-Identifier: Apache-2.0
"""What the benches of the engine's compute units share: instructions as words, streams of any name."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable

import numpy as np
from cocotb.triggers import FallingEdge, RisingEdge
from streams import PATIENCE, Bench, pack

from repvgg_hw.network import MULTIPLIER_BITS
from repvgg_hw.plan.engine.instruction import Instruction, Op


def convolution(**fields: int) -> int:
    """The word of a convolution's instruction."""
    return int.from_bytes(Instruction(op=Op.CONV, **fields).pack(), "little")


async def send_to(bench: Bench, stream: str, beats: Iterable[int]) -> None:
    """Drive a stream of the unit: a beat stays until it is taken."""
    data, valid, ready = (getattr(bench.unit, f"{stream}_{name}") for name in ("tdata", "tvalid", "tready"))
    for beat in beats:
        while bench.dice.random() < bench.idle:
            await RisingEdge(bench.clk)
        data.value, valid.value = beat, 1
        taken = False
        while not taken:
            await FallingEdge(bench.clk)
            taken = ready.value == 1
            await RisingEdge(bench.clk)
        valid.value = 0


async def watch(bench: Bench, until: Callable[[], bool], act: Callable[[int], bool]) -> None:
    """Call act(cycle) in the middle of every cycle, until so: it returns whether something went on.

    AssertionError where nothing goes on for long.
    """
    quiet = 0
    for cycle in itertools.count():
        await FallingEdge(bench.clk)
        quiet = 0 if act(cycle) else quiet + 1
        if until():
            return
        assert quiet < PATIENCE, "stuck"


def extremes(rng: np.random.Generator, low: int, high: int, shape: tuple[int, ...]) -> np.ndarray:
    """Random values in low..high; every third along the first axis consists of the two extremes."""
    values = rng.integers(low, high + 1, shape)
    values[::3] = rng.choice([low, high], values[::3].shape)
    return values


def affine_word(bias: list[int], mult: list[int], acc: int) -> int:
    """Outputs' {mult, bias}, bias low."""
    lanes = [m << acc | b & ((1 << acc) - 1) for b, m in zip(bias, mult, strict=True)]
    return pack(lanes, MULTIPLIER_BITS + acc)
