"""Planned beside simulated cycles, values equal; and the data memory filled to its last word, in RTL."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from engine_cases import DIGITS, DIGITS_CYCLES, network_of, random_frame

from repvgg_hw.design import Design
from repvgg_hw.network import IntegerNetwork
from repvgg_hw.plan.engine import schedule
from repvgg_hw.plan.engine.array import Array
from repvgg_hw.plan.engine.plan import EnginePlan
from repvgg_hw.plan.request import parse
from repvgg_hw.targets import generate
from repvgg_hw.targets import registry as targets
from repvgg_hw.targets.target import ProofOptions

ZYNQ = Array(n=9, pi=1, po=2, lanes=1, line_depth=32, out_words=16, c_max=512, acc_w=32)
CLOSE = 0.01  # of the simulated cycles


def check(network: IntegerNetwork, array: Array, folder: Path, frames: int) -> int:
    """The whole network is golden's, in the cycles that were planned. Returns those from frame to frame."""
    interval = 0
    plan = EnginePlan(schedule.plan(network, array), 100)
    request = parse("verilog", multipliers=array.multipliers, architecture="engine")
    design = Design(folder / "design", request, network, plan, {})
    generate.write(design)
    images = np.stack([random_frame(network, seed) for seed in range(frames)])
    for count, planned in ((frames, plan.frame_interval), (1, plan.latency_estimate)):
        result = targets.get("verilog").prove(design, images[:count], ProofOptions())
        assert result.problems == ()
        found = result.latency_cycles if count == 1 else result.frame_interval
        assert found is not None
        assert abs(found / planned - 1) < CLOSE, f"{count} frames: {found:,} cycles, planned {planned:,}"
        interval = interval or found
    return interval


@pytest.mark.parametrize("array", DIGITS_CYCLES, ids=lambda array: f"{array.n}-{array.pi}-{array.po}")
def test_the_digits_network(array: Array, tmp_path: Path) -> None:
    """Eleven layers, the last ones a tile each: what is lost between layers counts."""
    assert check(network_of(DIGITS, (1, 32, 32), 10), array, tmp_path, 3) == DIGITS_CYCLES[array]


def test_strips_as_large_as_the_memory(tmp_path: Path) -> None:
    """B1's: four tiles of 512 channels are 2048 words, and so are those of the layer behind."""
    network = network_of([(512, 1, 1), (64, 2, 1)], (512, 14, 14), classes=0)
    planned = schedule.plan(network, ZYNQ)
    words = [layer.words * y * x for layer, (y, x) in zip(planned.layers, planned.cuts, strict=True)]
    assert words == [ZYNQ.word_depth] * 2
    check(network, ZYNQ, tmp_path, 2)
