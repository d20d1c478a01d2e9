"""Every family against an independent definition of its training-time forward pass, at 1e-9 in float64."""

from __future__ import annotations

import copy

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
