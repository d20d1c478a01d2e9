"""A small engine's design, for tests that simulate or program one."""

from __future__ import annotations

from pathlib import Path

from engine_cases import network_of

from repvgg_hw.design import Design
from repvgg_hw.network import IntegerNetwork
from repvgg_hw.plan.engine import schedule
from repvgg_hw.plan.engine.array import Array
from repvgg_hw.plan.engine.plan import EnginePlan
from repvgg_hw.plan.request import parse
from repvgg_hw.targets import generate

# Strides, groups, an odd map, channels that fill neither PI nor PO, classes that fill no block.
NETWORK = network_of([(5, 2, 1), (6, 1, 1), (4, 1, 2), (9, 2, 1)], (3, 11, 14), classes=10)
ARRAY = Array(
    n=5, pi=2, po=2, lanes=1, t_max=6, word_depth=32, line_depth=4, out_words=16, c_max=16, acc_w=24
)


def write(directory: Path, network: IntegerNetwork = NETWORK, array: Array = ARRAY) -> Design[EnginePlan]:
    """The design of this network on this engine, in a folder."""
    request = parse("verilog", multipliers=10_000, architecture="engine")
    plan = EnginePlan(schedule.plan_fastest(network, array), request.clock_mhz)
    design = Design(directory, request, network, plan, {})
    generate.write(design)
    return design
