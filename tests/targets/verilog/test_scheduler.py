"""Layer-by-layer proof on a Dask cluster: the same tasks, on workers that share nothing with the caller."""

from __future__ import annotations

from pathlib import Path

import pytest
from hls_networks import Layer, random_images, random_network

from repvgg_hw import executor
from repvgg_hw.design import Design
from repvgg_hw.errors import InputError
from repvgg_hw.plan.request import Request
from repvgg_hw.plan.stream.plan import Plan
from repvgg_hw.targets.generate import write
from repvgg_hw.targets.verilog.layers import layerwise


def _design(folder: Path) -> Design[Plan]:
    network, plan = random_network([Layer(4, pi=1, po=2), Layer(4, pi=2, po=2)], in_shape=(2, 5, 5))
    design = Design(folder, Request("verilog", plan.budget), network, plan, {})
    write(design)
    return design


def test_layers_on_a_local_cluster(tmp_path: Path) -> None:
    """A worker process behind a scheduler's address proves a layer, and finds a changed weight."""
    distributed = pytest.importorskip("distributed", reason="needs the extra dask")
    design = _design(tmp_path / "design")
    images = random_images(design.network, 3)
    table = design.directory / "mem" / "stage1.0_weights.mem".replace(".0", "_0")
    sound = table.read_text()
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=True, dashboard_address=None
    ) as cluster:
        address = cluster.scheduler_address
        result = layerwise.prove_layers(design, images, names=["stage1.0"], scheduler=address)
        assert result.passed, result.problems
        assert result.layers[0].values == 3 * 4 * 5 * 5
        table.write_text("".join("0" if c in "123456789abcdef" else c for c in sound))
        broken = layerwise.prove_layers(design, images, names=["stage1.0"], scheduler=address)
    assert not broken.passed
    assert broken.layers[0].divergence is not None
    assert broken.layers[0].divergence.layer == "stage1.0"


def test_no_scheduler_at_the_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One clear line, not a traceback."""
    pytest.importorskip("distributed", reason="needs the extra dask")
    monkeypatch.setattr(executor, "SCHEDULER_TIMEOUT", "1s")
    with (
        pytest.raises(InputError, match="no Dask scheduler answers"),
        executor.executor("tcp://127.0.0.1:9", 1),
    ):
        pass
