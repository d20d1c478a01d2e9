"""Random small networks at the plans that the search gives them: bit-exact, and at the planned interval.

Part of `make test-long`: each is a simulator of its own to build, twenty seconds. CHAINS=N sets how many.
"""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
from hls_networks import Layer, random_images, random_network

from repvgg_hw import design as designs
from repvgg_hw.design import Design
from repvgg_hw.errors import InputError
from repvgg_hw.network import IntegerNetwork
from repvgg_hw.plan.request import Algorithms, Request
from repvgg_hw.plan.stream.plan import Plan
from repvgg_hw.plan.stream.search import make_plan
from repvgg_hw.targets.verilog import emit
from repvgg_hw.targets.verilog.simulate import simulate_network
from repvgg_hw.winograd.matrices import TILES

CHAINS = int(os.environ.get("CHAINS", "20"))
FRAMES = 8


def random_plan(seed: int) -> tuple[IntegerNetwork, Plan]:
    """Two to five layers on odd and even maps; any tiles, direct layers among them or not."""
    rng = random.Random(seed)
    height = rng.choice([5, 7, 8, 9, 10, 11, 13, 14, 16, 20])
    width = rng.choice([height, height, rng.randint(4, 20)])
    channels = [rng.choice([4, 6, 8, 12]) for _ in range(rng.randint(2, 5))]
    layers = [Layer(c_out, stride=rng.choice([1, 1, 1, 2])) for c_out in channels]
    network, _ = random_network(layers, in_shape=(rng.choice([3, 4, 8]), height, width), seed=seed)
    tiles = rng.choice([tuple(TILES), (2,), (4,), (7,), (rng.choice(TILES),)])
    algorithms = Algorithms(tiles=tiles, direct=rng.random() < 0.5)
    budget = rng.choice([100, 200, 400, 700])
    while True:
        try:
            return network, make_plan(network, multipliers=budget, algorithms=algorithms)
        except InputError:  # too few for this network
            budget *= 2


@pytest.mark.parametrize("seed", range(CHAINS))
def test_chain(tmp_path: Path, seed: int) -> None:
    network, plan = random_plan(seed)
    design = Design(tmp_path / "chain", Request("verilog"), network, plan, {})
    emit.emit(design)
    designs.save(design)
    result = simulate_network(design, random_images(network, FRAMES, seed))
    assert result.passed, result.problems
    assert result.bit_exact == FRAMES
    assert result.frame_interval == plan.frame_interval
