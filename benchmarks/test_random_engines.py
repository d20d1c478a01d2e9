"""Random networks on random engines, whole, in RTL, with a memory that pauses, too; of `make test-long`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from engine_cases import random_array, random_frame, random_network

from repvgg_hw.design import Design
from repvgg_hw.plan.engine import schedule
from repvgg_hw.plan.engine.plan import EnginePlan
from repvgg_hw.plan.request import parse
from repvgg_hw.targets import generate
from repvgg_hw.targets import registry as targets
from repvgg_hw.targets.target import ProofOptions

SEEDS = range(40)


@pytest.mark.parametrize("seed", SEEDS)
def test_random_engine(seed: int, tmp_path: Path) -> None:
    network = random_network(seed)
    array = random_array(network, seed)
    request = parse("verilog", multipliers=array.multipliers, architecture="engine")
    plan = EnginePlan(schedule.plan_fastest(network, array), request.clock_mhz)
    design = Design(tmp_path / "design", request, network, plan, {})
    generate.write(design)
    images = np.stack([random_frame(network, seed + number) for number in range(2)])
    for stalls in (0, seed + 1):
        result = targets.get("verilog").prove(design, images, ProofOptions(stalls=stalls))
        assert result.problems == (), (array, [conv.shape for conv in network.convs])
