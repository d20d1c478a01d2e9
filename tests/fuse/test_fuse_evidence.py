"""What a block's keys say of its identity, and what the other blocks of a network say of a block."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest
import trained_blocks as blocks
from torch import nn

from repvgg_hw.errors import InputError
from repvgg_hw.fuse import read_block
from repvgg_hw.fuse.block import Block, block_shape, require_alike

State = dict[str, np.ndarray]


def state_of(module: nn.Module, seed: int = 0) -> State:
    return {key: value.numpy().copy() for key, value in blocks.trained(module, seed).state_dict().items()}


IDENTITY = {
    blocks.RepVGG: (True, False),
    blocks.RepVGGFolded: (True, False),
    blocks.MobileOne: (True, False),
    blocks.LinearAdd: (True, False),
    blocks.ThreeNorms: (True, False),
    blocks.OREPARepVGG: (True, False),
    blocks.QARepVGGNorms: (True, None),
    blocks.RepConvIdentity: (True, None),
    blocks.QARepVGG: (None, None),
    blocks.QARepVGGTwoNorms: (None, None),
    blocks.QARepVGGFused: (None, None),
    blocks.InsertedBN: (None, None),
    blocks.RepConv: (None, None),
    blocks.OREPA: (None, None),
    blocks.OREPA1x1: (None, None),
    blocks.DiracNet: (None, None),
    blocks.Plain: (None, None),
}


@pytest.mark.parametrize("family", IDENTITY, ids=lambda family: family.__name__)
def test_what_keys_say_of_an_identity_at_stride_1_and_2(family: type[nn.Module]) -> None:
    shapes = [block_shape(state_of(family(8, 8, stride, 1))) for stride in (1, 2)]
    assert tuple(shape.identity for shape in shapes) == IDENTITY[family]
    assert {(shape.c_in_per_group, shape.c_out) for shape in shapes} == {(8, 8)}


def named_blocks(
    family: type[nn.Module], change: Callable[[State], object], stride: int = 2
) -> list[tuple[str, Block]]:
    states = [state_of(family(8, 8, stride, 1), seed) for seed in range(3)]
    change(states[1])
    return [(f"stage1.{i}", read_block(state, stride=stride)) for i, state in enumerate(states)]


@pytest.mark.parametrize(
    ("family", "change", "named"),
    [
        (blocks.Plain, lambda s: s.pop("bias"), "stage1.1 has neither bias nor batch normalization"),
        (blocks.DOConv, lambda s: s.pop("bias"), "stage1.1 has neither bias nor batch normalization"),
        (blocks.DOConvBN, lambda s: s.pop("conv.bias"), r"stage1.1.conv.W has no bias"),
        (
            blocks.RepOpt,
            lambda s: [s.pop(k) for k in list(s) if k.startswith("bn.")],
            "stage1.1 has neither bias nor batch normalization, but stage1.0 has",
        ),
        (
            blocks.RepOpt,
            lambda s: [s.pop(f"bn.{k}") for k in ("weight", "bias")],
            r"stage1.1.bn has no weight and bias, but stage1.2.bn has",
        ),
        (
            blocks.RepOpt,
            lambda s: s.update({"conv.bias": np.ones(8)}),
            r"stage1.2.conv has no bias, but stage1.1.conv has",
        ),
    ],
)
def test_what_only_the_other_blocks_show(
    family: type[nn.Module], change: Callable[[State], object], named: str
) -> None:
    with pytest.raises(InputError, match=named):
        require_alike(named_blocks(family, change))


def test_an_identity_without_keys_where_others_have_a_bn() -> None:
    def drop_identity(state: State) -> None:
        for key in [k for k in state if k.startswith("rbr_identity.")]:
            del state[key]

    with pytest.raises(InputError, match=r"stage1.1 has no BN in its identity, but stage1.2"):
        require_alike(named_blocks(blocks.QARepVGGNorms, drop_identity, stride=1))
    for family in (blocks.QARepVGGNorms, blocks.QARepVGG):
        require_alike(named_blocks(family, lambda s: None, stride=1))


def test_blocks_that_are_alike_or_plainly_different_pass() -> None:
    for family, other in itertools.product((blocks.RepVGG, blocks.RepOpt, blocks.Plain), repeat=2):
        require_alike(named_blocks(family, lambda s: None) + named_blocks(other, lambda s: None))
    require_alike(named_blocks(blocks.Plain, lambda s: s.pop("bias"))[1:2])
    require_alike(
        named_blocks(blocks.RepVGG, lambda s: None) + named_blocks(blocks.RepVGGFolded, lambda s: None)
    )
