"""Random networks on random engines, whole, in RTL, with a memory that pauses, too; of `make test-long`.

Building a simulator is most of the time, so each engine runs five networks by images alone: the one that it
was drawn for, without pauses and with them, and four more that fit it, whose memory pauses.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import engine_designs
import numpy as np
import pytest
from engine_cases import random_array, random_frame, random_network

from repvgg_hw.errors import InputError
from repvgg_hw.network import IntegerNetwork
from repvgg_hw.plan.engine.array import Array
from repvgg_hw.plan.engine.limits import check
from repvgg_hw.targets import registry as targets
from repvgg_hw.targets.program import program
from repvgg_hw.targets.target import ProofOptions

SEEDS = range(40)
OTHERS = 4  # networks of an engine, beside its own: 200 in all
APART = 1000  # between the seeds of one engine's networks and of the next one's


def others(array: Array, seed: int) -> Iterator[tuple[int, IntegerNetwork]]:
    """(seed, network) of random networks that fit the engine."""
    for number in itertools.count(APART * (seed + 1)):
        network = random_network(number)
        try:
            check(network, array)
        except InputError:
            continue
        yield number, network


def frames(network: IntegerNetwork, seed: int) -> np.ndarray:
    """Two frames (2, C, H, W) int8."""
    return np.stack([random_frame(network, seed + number) for number in range(2)])


@pytest.mark.parametrize("seed", SEEDS)
def test_random_engine(seed: int, tmp_path: Path) -> None:
    network = random_network(seed)
    array = random_array(network, seed)
    engine = engine_designs.write(tmp_path / "engine", network, array)
    prove = targets.get("verilog").prove
    for stalls in (0, seed + 1):
        result = prove(engine, frames(network, seed), ProofOptions(stalls=stalls))
        assert result.problems == (), (array, [conv.shape for conv in network.convs])
    for number, other in itertools.islice(others(array, seed), OTHERS):
        image = program(engine, other, tmp_path / f"image{number}", {})
        result = prove(image, frames(other, number), ProofOptions(stalls=number, hardware=engine))
        assert result.problems == (), (array, [conv.shape for conv in other.convs])
