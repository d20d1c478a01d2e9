"""The data memory filled to its last word, in RTL: layers of B1's 512 channels on the Zynq-7020's engine."""

from __future__ import annotations

from pathlib import Path

from engine_cases import network_of, random_frame

from repvgg_hw.design import Design
from repvgg_hw.plan.engine import schedule
from repvgg_hw.plan.engine.array import Array
from repvgg_hw.plan.engine.plan import EnginePlan
from repvgg_hw.plan.request import parse
from repvgg_hw.targets import generate
from repvgg_hw.targets import registry as targets
from repvgg_hw.targets.target import ProofOptions

ARRAY = Array(n=9, pi=1, po=2, lanes=1, line_depth=128, out_words=64, c_max=512, acc_w=32)


def test_strips_as_large_as_the_memory(tmp_path: Path) -> None:
    """Four tiles of 512 channels are 2048 words, and so are those of the layer behind: cycles as planned."""
    network = network_of([(512, 1, 1), (64, 2, 1)], (512, 14, 14), classes=0)
    plan = EnginePlan(schedule.plan(network, ARRAY), 100)
    assert all(
        layer.words * rows * columns == ARRAY.word_depth
        for layer, (rows, columns) in zip(plan.schedule.layers, plan.schedule.cuts, strict=True)
    )
    request = parse("verilog", multipliers=ARRAY.multipliers, architecture="engine")
    design = Design(tmp_path / "design", request, network, plan, {})
    generate.write(design)
    result = targets.get("verilog").prove(design, random_frame(network)[None], ProofOptions())
    assert result.problems == ()
    assert result.frame_interval is not None
    assert abs(result.frame_interval / plan.frame.cycles - 1) < 0.01
