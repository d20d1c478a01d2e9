"""RepVGG in torch: free sizes, official key names, and random networks that stay alive."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from repvgg_hw.checkpoint import random_model, random_network
from repvgg_hw.model.repvgg import build_model
from repvgg_hw.model.variants import VARIANTS, get_variant
from repvgg_hw.network import Architecture

torch.set_num_threads(1)

SMALL = Architecture("custom", (8, 8, 12, 16), (1, 2, 3, 1), (1, 2, 2, 1), {2: 2, 4: 4}, 5, 1)


@pytest.mark.parametrize("deploy", [False, True])
@pytest.mark.parametrize("size", [(1, 1), (9, 14)])
def test_custom_networks_of_any_size(deploy: bool, size: tuple[int, int]) -> None:
    model = build_model(SMALL, deploy).eval()
    assert model(torch.randn(2, 1, *size)).shape == (2, 5)


def test_without_classes_the_last_map_is_the_output() -> None:
    shape = replace(SMALL, num_classes=0)
    model = build_model(shape).eval()
    assert model(torch.randn(2, 1, 9, 14)).shape == (2, 16, 3, 4)
    assert not [key for key in model.state_dict() if "linear" in key]
    assert shape.parameters() == SMALL.parameters() - 17 * 5
    assert shape.macs(9, 14) == SMALL.macs(9, 14) - 16 * 5
    imported = random_network(shape, seed=1)
    assert imported.architecture == shape
    assert imported.model()(torch.randn(2, 1, 9, 14)).shape == (2, 16, 3, 4)


def test_key_names_are_the_official_ones() -> None:
    with torch.device("meta"):
        trained = build_model(VARIANTS["A0"]).state_dict()
        fused = build_model(VARIANTS["D2se"], deploy=True).state_dict()
    for key in (
        "stage0.rbr_dense.conv.weight",
        "stage0.rbr_1x1.bn.running_var",
        "stage1.1.rbr_identity.weight",
        "stage2.1.rbr_dense.bn.num_batches_tracked",
        "linear.bias",
    ):
        assert key in trained
    assert not any(key.startswith("stage1.0.rbr_identity") for key in trained)  # stride 2
    assert fused["stage3.23.se.down.weight"].shape == (40, 640, 1, 1)
    assert "stage4.0.rbr_reparam.bias" in fused


def test_random_networks_repeat_and_differ_by_seed() -> None:
    states = [random_model(SMALL, seed).state_dict() for seed in (3, 3, 4)]
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])
    assert not torch.equal(states[0]["linear.weight"], states[2]["linear.weight"])


@torch.no_grad()
def test_random_activations_neither_die_nor_explode() -> None:
    imported = random_network(get_variant("A0", num_classes=10), seed=1)
    assert imported.architecture.name == "A0"
    assert imported.proof.relative < 1e-12
    x = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    for name, block in imported.model().blocks().items():
        x = block(x)
        assert 0.1 < float(x.std()) < 10, name
        assert 0.2 < float((x > 0).float().mean()) < 0.8, name
