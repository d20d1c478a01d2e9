"""Live torch modules: strides and eps are read from their layers, and they are run themselves."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import trained_blocks as blocks
from plain_networks import SMALL, Plain
from torch import Tensor, nn

import repvgg_hw
from repvgg_hw.checkpoint import random_model
from repvgg_hw.errors import CheckFailed, InputError

torch.set_num_threads(1)


def test_a_module_brings_its_strides_and_eps() -> None:
    module = random_model(SMALL, seed=0)
    for norm in module.modules():
        if isinstance(norm, nn.BatchNorm2d):
            norm.eps = 1e-3
    before = {key: value.clone() for key, value in module.state_dict().items()}
    got = repvgg_hw.from_torch(module.train())
    assert got.architecture == SMALL
    assert got.eps == 1e-3
    assert module.training
    assert all(torch.equal(value, before[key]) for key, value in module.state_dict().items())


def test_a_plain_sequential_imports_without_a_word_about_strides() -> None:
    got = repvgg_hw.from_torch(Plain())
    assert [conv.stride for conv in got.convs] == [1, 2, 1]
    assert {block.family for block in got.blocks} == {"conv + BN"}


class Chain(nn.Module):
    """Blocks with ReLU between, numbered, behind a prefix that is taken off: numbers stand inside, too."""

    def __init__(self, family: type[nn.Module]) -> None:
        super().__init__()
        strides = (1, 1, 2, 1)
        self.model = nn.ModuleList(family(3 if i == 0 else 6, 6, s, 1) for i, s in enumerate(strides))
        self.model.append(nn.Linear(6, 4))

    def forward(self, x: Tensor) -> Tensor:
        for block in list(self.model)[:-1]:
            x = torch.relu(block(x))
        return self.model[-1](x.mean((2, 3)))


# conv1 and conv2 of a numbered parent may be two layers
NUMBERED = [f for f in blocks.NETWORK_FAMILIES if f not in (blocks.RepConv, blocks.RepConvIdentity)]


@pytest.mark.parametrize("family", NUMBERED, ids=lambda family: family.__name__)
def test_modules_of_every_family(family: type[nn.Module]) -> None:
    torch.manual_seed(0)
    got = repvgg_hw.from_torch(blocks.trained(Chain(family)))
    assert [conv.stride for conv in got.convs] == [1, 1, 2, 1]


@pytest.mark.parametrize("options", [{"activation": nn.SiLU}, {"pool": nn.AdaptiveMaxPool2d}])
def test_what_key_names_cannot_show_is_seen_by_running_the_module(options: dict[str, Any]) -> None:
    with pytest.raises(CheckFailed, match="another activation, pooling or order"):
        repvgg_hw.from_torch(Plain(**options))


def test_different_eps_are_refused() -> None:
    module = Plain()
    module[1].eps = 1e-3
    with pytest.raises(InputError, match="different eps"):
        repvgg_hw.from_torch(module)
