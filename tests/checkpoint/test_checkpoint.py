"""Checkpoints: wrappers, formats and strides give the same fused network, and its proof can fail."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from safetensors.torch import save_file
from small_checkpoint import SMALL, State, assert_same, fused_arrays, imported, small_state

from repvgg_hw.checkpoint import Imported, import_network, load_state, random_model, save_fused
from repvgg_hw.cli import main
from repvgg_hw.errors import CheckFailed, InputError
from repvgg_hw.fuse.graph import Affine, Chain
from repvgg_hw.fuse.proof import prove
from repvgg_hw.model.repvgg import build_model
from repvgg_hw.network import Architecture

A0 = Path(__file__).resolve().parents[3] / "shared/data/repvgg_a0_tiny_imagenet.pth"


@pytest.fixture(scope="module")
def state() -> State:
    return small_state()


@pytest.fixture(scope="module")
def reference(state: State) -> Imported:
    return imported(state)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda s: s,
        lambda s: {"state_dict": s, "epoch": 3},
        lambda s: {"model": {"module." + k: v for k, v in s.items()}},
        lambda s: {"model": {k: v + 1 for k, v in s.items()}, "ema": s},
        lambda s: {"checkpoint": 1, "state_dict": {"model": s}},
    ],
    ids=["plain", "state_dict", "model module.", "ema", "nested"],
)
def test_wrappers(wrap: Callable[[State], Any], state: State, reference: Imported, tmp_path: Path) -> None:
    torch.save(wrap(state), tmp_path / "net.pth")
    assert_same(import_network(tmp_path / "net.pth"), reference)


def test_safetensors_and_half_precision(state: State, tmp_path: Path) -> None:
    save_file(state, tmp_path / "net.safetensors")
    assert load_state(tmp_path / "net.safetensors").keys() == state.keys()
    halves = {k: v.bfloat16() if v.is_floating_point() else v for k, v in state.items()}
    torch.save(halves, tmp_path / "half.pth")
    assert import_network(tmp_path / "half.pth").convs[0].weight.dtype == np.float64


@torch.no_grad()
def test_the_fused_model_computes_what_the_trained_one_does(reference: Imported) -> None:
    trained, x = random_model(SMALL, seed=0), torch.randn(2, 3, 33, 47)
    torch.testing.assert_close(reference.model()(x), trained(x), rtol=1e-4, atol=1e-4)
    assert reference.proof.relative < 1e-12
    assert reference.proof.inside > 0  # float64 rounding: something was compared
    assert reference.proof.border > 0


def test_fused_files_keep_strides_and_round_trip(tmp_path: Path) -> None:
    odd = Architecture("custom", (8, 8, 12), (1, 2, 2), (1, 1, 2), {}, 5, 1)
    trained = random_model(odd, seed=0).state_dict()
    first = imported(trained, strides=(1, 1, 2))
    save_fused(tmp_path / "fused.safetensors", first)
    keys = load_state(tmp_path / "fused.safetensors").keys()
    assert {"stage0.rbr_reparam.weight", "stage2.1.rbr_reparam.bias", "linear.weight"} <= keys
    again = import_network(tmp_path / "fused.safetensors")
    assert again.architecture == first.architecture == odd
    np.testing.assert_allclose(again.convs[3].weight, first.convs[3].weight, rtol=1e-6)


def test_strides_override_and_contradict(state: State) -> None:
    fused = {k: torch.from_numpy(v) for k, v in fused_arrays(state).items()}
    assert imported(fused, strides=(1, 2, 1, 2)).architecture.strides == (1, 2, 1, 2)
    per_layer = imported(fused, strides=(1, 1, 2, 1, 1, 2, 1))
    assert [c.stride for c in per_layer.convs] == [1, 1, 2, 1, 1, 2, 1]
    with pytest.raises(InputError, match=r"3 strides given.*stage \(4\).*layer \(7\)"):
        imported(fused, strides=(1, 2, 1))
    with pytest.raises(InputError, match=r"stage1\.1: stride 2 contradicts the identity"):
        imported(state, strides=(2, 2, 2, 2, 1, 1, 2))
    with pytest.raises(InputError, match="strides are 1 or 2"):
        imported(fused, strides=(3, 2, 1, 2))


def test_a_fusion_that_is_wrong_fails_the_proof(reference: Imported) -> None:
    graphs = [block.graph for block in reference.blocks]
    graphs[3] = Chain((graphs[3], Affine(np.full(12, 1.001), np.zeros(12))))
    proof = prove(graphs, reference.chain)
    with pytest.raises(CheckFailed, match=r"stage2\.0 inside the map"):
        proof.require()
    assert proof.worst.name == "stage2.0"


def test_a_difference_at_the_border_only_is_told_apart(reference: Imported) -> None:
    """An inner bias behind zero padding: the classic cause of a fusion that differs at borders only."""
    from repvgg_hw.fuse.collapse import collapse
    from repvgg_hw.fuse.graph import Conv
    from repvgg_hw.network import FusedConv, FusedLinear, FusedNetwork

    rng = np.random.default_rng(0)
    inner = Conv(rng.normal(size=(4, 3, 1, 1)), rng.normal(size=4))
    graph = Chain((inner, Conv(rng.normal(size=(4, 4, 3, 3)), padding=(1, 1))))
    kernel, bias = collapse(graph, 3)
    fused = FusedNetwork(
        "t", (FusedConv("stage0", kernel, bias, 1, 1),), FusedLinear(np.ones((2, 4)), np.zeros(2))
    )
    proof = prove([graph], fused, size=6)
    assert proof.inside < 1e-12
    assert proof.border > 1e-3
    with pytest.raises(CheckFailed, match="at the border only"):
        proof.require()


def test_fuse_writes_and_proves(state: State, tmp_path: Path) -> None:
    torch.save(state, tmp_path / "net.pth")
    out = tmp_path / "out.safetensors"
    result = CliRunner().invoke(main, ["fuse", str(tmp_path / "net.pth"), "-o", str(out), "--json"])
    assert result.exit_code == 0, result.output
    assert out.exists()
    assert '"relative"' in result.output
    assert sorted(p.name for p in tmp_path.iterdir()) == ["net.pth", "out.safetensors"]


@pytest.mark.skipif(not A0.exists(), reason="the trained RepVGG-A0 of ../shared/data is not here")
def test_the_trained_a0_imports() -> None:
    got = import_network(A0)
    assert (got.architecture.name, got.architecture.num_classes) == ("A0", 200)
    assert got.proof.relative < 1e-12
    trained = build_model(got.architecture).eval()
    trained.load_state_dict(torch.load(A0, weights_only=True))
    x = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(got.model()(x), trained(x), rtol=1e-3, atol=1e-3)
