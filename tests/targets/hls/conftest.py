"""Emitted HLS projects, and copies of them to be broken."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hls_networks import Layer, hls_design, random_network

from repvgg_hw.network import IntegerNetwork
from repvgg_hw.plan.stream.plan import Plan
from repvgg_hw.targets.hls.emit import emit


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, IntegerNetwork, Plan]:
    """A project of three layers that is never changed."""
    layers = [Layer(4, stride=2, po=2), Layer(6, groups=2, pi=2, po=3), Layer(6, stride=2, pi=3, po=6)]
    network, plan = random_network(layers, in_shape=(3, 9, 12), classes=4, linear=(3, 2))
    folder = tmp_path_factory.mktemp("small")
    emit(hls_design(folder, network, plan))
    return folder, network, plan


@pytest.fixture
def project(small: tuple[Path, IntegerNetwork, Plan], tmp_path: Path) -> tuple[Path, IntegerNetwork, Plan]:
    """A copy of it, to be broken."""
    folder, network, plan = small
    shutil.copytree(folder, tmp_path / "project", ignore=shutil.ignore_patterns("csim_build"))
    return tmp_path / "project", network, plan


@pytest.fixture(scope="module")
def tiled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, IntegerNetwork, Plan]:
    """A project whose layer is computed by F(4)."""
    network, plan = random_network([Layer(4, pi=1, po=4, m=4)], in_shape=(3, 9, 10), classes=2)
    folder = tmp_path_factory.mktemp("tiled")
    emit(hls_design(folder, network, plan))
    return folder, network, plan
