"""A design of five layers whose proofs are made up, and counted; an engine's that is simulated."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from concurrent.futures import Executor
from pathlib import Path

import engine_designs
import numpy as np
import pytest
from hls_networks import Layer, random_images, random_network
from layer_provers import InOrder, Prover
from numpy.typing import NDArray

from repvgg_hw.design import Design
from repvgg_hw.plan.engine.plan import EnginePlan
from repvgg_hw.plan.request import Request
from repvgg_hw.plan.stream.plan import Plan
from repvgg_hw.targets.verilog import emit
from repvgg_hw.targets.verilog.layers import layerwise


@pytest.fixture
def prover(monkeypatch: pytest.MonkeyPatch) -> Prover:
    @contextlib.contextmanager
    def executor(scheduler: str | None, jobs: int) -> Iterator[Executor]:
        yield InOrder()

    prover = Prover()
    monkeypatch.setattr(layerwise, "prove_layer", prover)
    monkeypatch.setattr(layerwise, "executor", executor)
    return prover


@pytest.fixture
def design(tmp_path: Path) -> Design[Plan]:
    layers = [Layer(4, stride=2, pi=3, po=2), Layer(4, pi=2, po=4), Layer(2)]
    network, plan = random_network(layers, in_shape=(3, 6, 6), classes=3, seed=1)
    design = Design(tmp_path / "design", Request("verilog", plan.budget), network, plan, {})
    emit.emit(design)
    return design


@pytest.fixture
def images(design: Design[Plan]) -> NDArray[np.int8]:
    return random_images(design.network, 2)


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Design[EnginePlan]:
    """An engine's design; its simulator is built once for all tests."""
    return engine_designs.write(tmp_path_factory.mktemp("engine") / "design")
