"""Every family against an independent definition of its training-time forward pass, at 1e-9 in float64."""

from __future__ import annotations

import copy
from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F
import trained_blocks as blocks
from torch import nn

from repvgg_hw.errors import InputError
from repvgg_hw.fuse import fuse_block

# (c_in, c_out, stride, groups): with and without identity, grouped, depthwise
SHAPES = ((8, 8, 1, 1), (8, 8, 2, 1), (4, 12, 1, 1), (4, 12, 2, 1), (8, 8, 1, 2), (8, 16, 2, 4), (6, 6, 1, 6))
SIZES = ((7, 5), (4, 9), (1, 1), (2, 3))
CASES = [
    (family, shape)
    for family in blocks.FAMILIES
    for shape in SHAPES
    if not (family is blocks.OREPARepVGG and shape[3] > 1)  # not defined by its authors
]


def state_of(module: nn.Module) -> dict[str, np.ndarray]:
    return {key: value.numpy() for key, value in module.state_dict().items()}


@torch.no_grad()
def difference(module: nn.Module, kernel: np.ndarray, bias: np.ndarray, c_in: int, stride: int, groups: int):
    """Largest |trained - fused| over several sizes, relative to the largest trained value."""
    worst = 0.0
    for size in SIZES:
        x = torch.randn(2, c_in, *size, dtype=torch.float64)
        expected = module(x)
        got = F.conv2d(x, torch.from_numpy(kernel), torch.from_numpy(bias), stride, 1, groups=groups)
        assert got.shape == expected.shape
        worst = max(worst, float((got - expected).abs().max() / expected.abs().max().clamp_min(1)))
    return worst


@pytest.mark.parametrize(
    ("family", "shape"), CASES, ids=lambda v: v.__name__ if isinstance(v, type) else str(v)
)
def test_fused_equals_trained(family: type[nn.Module], shape: tuple[int, int, int, int]) -> None:
    torch.manual_seed(0)
    c_in, c_out, stride, groups = shape
    module = blocks.trained(family(c_in, c_out, stride, groups))
    state = state_of(module)
    before = copy.deepcopy(state)
    kernel, bias = fuse_block(state, groups=groups, stride=stride)
    assert kernel.dtype == bias.dtype == np.float64
    assert kernel.shape == (c_out, c_in // groups, 3, 3)
    assert bias.shape == (c_out,)
    assert difference(module, kernel, bias, c_in, stride, groups) < 1e-9
    assert all(np.array_equal(state[key], before[key]) for key in before)  # pure


@pytest.mark.parametrize("shape", [(8, 8, 1, 1), (8, 8, 2, 1)], ids=str)
def test_training_branches_win_over_a_placeholder(shape: tuple[int, int, int, int]) -> None:
    module = blocks.trained(blocks.RepVGG(*shape))
    state = state_of(module)
    placeholder = {"rbr_reparam.weight": np.ones((8, 8, 3, 3)), "rbr_reparam.bias": np.ones(8)}
    for got, expected in zip(fuse_block(state | placeholder), fuse_block(state), strict=True):
        np.testing.assert_array_equal(got, expected)


def test_a_fused_block_is_itself() -> None:
    kernel, bias = np.random.default_rng(0).normal(size=(4, 2, 3, 3)), np.arange(4.0)
    got = fuse_block({"rbr_reparam.weight": kernel, "rbr_reparam.bias": bias}, groups=2)
    np.testing.assert_array_equal(got[0], kernel)
    np.testing.assert_array_equal(got[1], bias)


def test_eps_is_an_option_that_matters() -> None:
    state = state_of(blocks.trained(blocks.RepVGG(8, 8, 1, 1)))
    module = blocks.trained(blocks.RepVGG(8, 8, 1, 1))
    for norm in module.modules():
        if isinstance(norm, nn.BatchNorm2d):
            norm.eps = 1e-3
    state = state_of(module)
    assert difference(module, *fuse_block(state, eps=1e-3), 8, 1, 1) < 1e-9
    assert difference(module, *fuse_block(state), 8, 1, 1) > 1e-3


@pytest.mark.parametrize("family", [blocks.OREPA, blocks.OREPARepVGG])
def test_orepa_without_its_stored_prior(family: type[nn.Module]) -> None:
    """The cosines are a formula: a file that left the buffer out gives the same kernel."""
    torch.manual_seed(0)
    state = state_of(blocks.trained(family(6, 10, 2, 1)))
    without = {key: value for key, value in state.items() if not key.endswith("prior")}
    assert len(without) == len(state) - 1
    np.testing.assert_allclose(
        fuse_block(without, stride=2)[0], fuse_block(state, stride=2)[0], rtol=1e-9, atol=1e-9
    )


def test_squeeze_excite_keys_stay_outside() -> None:
    state = state_of(blocks.trained(blocks.RepVGG(8, 8, 1, 1)))
    se = {"se.down.weight": np.ones((2, 8, 1, 1)), "se.down.bias": np.ones(2)}
    np.testing.assert_array_equal(fuse_block(state | se)[0], fuse_block(state)[0])


@pytest.mark.parametrize("spelling", ["timm", "mmpretrain", "yolo"])
def test_other_spellings_of_a_block(spelling: str) -> None:
    state = state_of(blocks.trained(blocks.RepVGG(8, 8, 1, 1)))
    renames = {
        "timm": (("rbr_dense", "conv_kxk"), ("rbr_1x1", "conv_1x1"), ("rbr_identity", "identity")),
        "mmpretrain": (
            ("rbr_dense", "branch_3x3"),
            ("rbr_1x1", "branch_1x1"),
            ("rbr_identity", "branch_norm"),
            (".bn.", ".norm."),
        ),
        "yolo": ((".conv.", ".0."), (".bn.", ".1.")),
    }[spelling]
    renamed = {}
    for key, value in state.items():
        for old, new in renames:
            key = key.replace(old, new)
        renamed[key] = value
    assert renamed.keys() != state.keys()
    np.testing.assert_array_equal(fuse_block(renamed)[0], fuse_block(state)[0])


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda s: s.pop("rbr_1x1.bn.running_var"), "rbr_1x1.bn.running_var"),
        (lambda s: s.pop("rbr_dense.conv.weight"), "rbr_dense.conv.weight"),
        (lambda s: s.update({"gate.weight": np.ones(3)}), "gate.weight"),
        (lambda s: s.update({"rbr_1x1.conv.weight": np.ones((8, 4, 1, 1))}), "RepVGG"),
        (lambda s: s.update({"rbr_1x1.bn.weight": np.ones(7)}), "rbr_1x1.bn"),
        (lambda s: s.update({"rbr_dense.conv.weight": np.ones((8, 8, 5, 5))}), "rbr_dense.conv.weight"),
        (lambda s: s.update({"rbr_dense.bn.running_var": -np.ones(8)}), "rbr_dense.bn.running_var"),
        (lambda s: [s.pop(k) for k in list(s)] and s.update({"gru.weight_hh": np.ones(3)}), "gru.weight_hh"),
    ],
)
def test_a_damaged_block_is_refused_by_naming_its_keys(change: Callable, named: str) -> None:
    state = state_of(blocks.trained(blocks.RepVGG(8, 8, 1, 1)))
    change(state)
    with pytest.raises(InputError, match=named.replace(".", r"\.")):
        fuse_block(state)
