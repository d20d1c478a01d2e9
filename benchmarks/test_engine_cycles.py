"""Planned beside simulated cycles, values equal; and the data memory filled to its last word, in RTL."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from engine_cases import network_of, random_frame

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
SMALL = Array(
    n=5, pi=1, po=3, lanes=3, word_depth=1024, line_depth=32, out_words=16, c_max=128, pool_w=16, acc_w=32
)
CLOSE = 0.01  # of the simulated cycles
DIGITS = [(16, 2), (16, 2), (16, 1), (32, 2), (32, 1), (32, 1), (64, 2), (64, 1), (64, 1), (64, 1), (128, 2)]


def check(network: IntegerNetwork, array: Array, folder: Path, frames: int) -> None:
    """The whole network is golden's, in the cycles that were planned."""
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


def test_the_digits_network(tmp_path: Path) -> None:
    """Eleven layers, the last ones a tile each: what is lost between layers counts."""
    check(network_of([(c, s, 1) for c, s in DIGITS], (1, 32, 32), 10), SMALL, tmp_path, 3)


def test_strips_as_large_as_the_memory(tmp_path: Path) -> None:
    """B1's: four tiles of 512 channels are 2048 words, and so are those of the layer behind."""
    network = network_of([(512, 1, 1), (64, 2, 1)], (512, 14, 14), classes=0)
    planned = schedule.plan(network, ZYNQ)
    words = [layer.words * y * x for layer, (y, x) in zip(planned.layers, planned.cuts, strict=True)]
    assert words == [ZYNQ.word_depth] * 2
    check(network, ZYNQ, tmp_path, 2)
