"""Every family against an independent definition of its training-time forward pass, at 1e-12 in float64."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
import torch.nn.functional as F
import trained_blocks as blocks
from torch import nn

from repvgg_hw.fuse import fuse_block
from repvgg_hw.fuse.keys import OWN_KEY, PAIR_KEY

# (c_in, c_out, stride, groups): with and without identity, grouped, depthwise
SHAPES = ((8, 8, 1, 1), (8, 8, 2, 1), (4, 12, 1, 1), (12, 4, 2, 1), (8, 8, 1, 2), (8, 16, 2, 4), (6, 6, 1, 6))
SIZES = ((7, 5), (4, 9), (1, 1), (2, 3))
WITHOUT_GROUPS = (blocks.OREPARepVGG, blocks.OREPA1x1)  # so their authors' code
CASES = [
    (family, shape)
    for family in blocks.FAMILIES
    for shape in SHAPES
    if shape[3] == 1 or family not in WITHOUT_GROUPS
]
LIMIT = 1e-12  # relative; float64 leaves about 1e-15, a constant in float32 4e-9


def state_of(module: nn.Module) -> dict[str, np.ndarray]:
    return {key: value.numpy() for key, value in module.state_dict().items()}


def fused(
    module: nn.Module, shape: tuple[int, int, int, int], eps: float = 1e-5
) -> tuple[np.ndarray, np.ndarray]:
    average = getattr(module, "average", None)
    return fuse_block(state_of(module), stride=shape[2], groups=shape[3], eps=eps, average=average)


@torch.no_grad()
def outputs(module: nn.Module, c_in: int) -> list[torch.Tensor]:
    """module's maps on inputs of several sizes, the same at every call."""
    generator = torch.Generator().manual_seed(1)
    return [module(torch.randn(2, c_in, *size, dtype=torch.float64, generator=generator)) for size in SIZES]


class Fused(nn.Module):
    def __init__(self, kernel: np.ndarray, bias: np.ndarray, shape: tuple[int, int, int, int]):
        super().__init__()
        self.kernel, self.bias = torch.from_numpy(kernel), torch.from_numpy(bias)
        self.stride, self.groups = shape[2:]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.conv2d(x, self.kernel, self.bias, self.stride, 1, groups=self.groups)


def apart(a: list[torch.Tensor], b: list[torch.Tensor]) -> float:
    """Largest difference of two lists of maps, interior and border, relative to the largest value."""
    for x, y in zip(a, b, strict=True):
        assert x.shape == y.shape
    return max(
        float((x - y).abs().max() / y.abs().max().clamp_min(1e-300)) for x, y in zip(a, b, strict=True)
    )


def difference(
    module: nn.Module, kernel: np.ndarray, bias: np.ndarray, shape: tuple[int, int, int, int]
) -> float:
    """Trained against fused."""
    return apart(outputs(Fused(kernel, bias, shape), shape[0]), outputs(module, shape[0]))


@pytest.mark.parametrize("eps", [1e-5, 1e-3])
@pytest.mark.parametrize(
    ("family", "shape"), CASES, ids=lambda v: v.__name__ if isinstance(v, type) else str(v)
)
def test_fused_equals_trained(family: type[nn.Module], shape: tuple[int, int, int, int], eps: float) -> None:
    c_in, c_out, _, groups = shape
    module = blocks.trained(family(*shape), eps=eps)
    before = copy.deepcopy(state_of(module))
    kernel, bias = fused(module, shape, eps)
    assert kernel.dtype == bias.dtype == np.float64
    assert kernel.shape == (c_out, c_in // groups, 3, 3)
    assert bias.shape == (c_out,)
    assert difference(module, kernel, bias, shape) < LIMIT
    assert all(np.array_equal(value, before[key]) for key, value in state_of(module).items())  # pure


@pytest.mark.parametrize(
    ("family", "shape"),
    [
        (family, shape)
        for family in blocks.FAMILIES
        for shape in ((8, 8, 1, 1), (8, 16, 2, 4), (8, 8, 1, 2))
        if (family, shape) in CASES
    ],
    ids=lambda v: v.__name__ if isinstance(v, type) else str(v),
)
def test_every_number_of_a_block_matters(family: type[nn.Module], shape: tuple[int, int, int, int]) -> None:
    """Changing any one array changes the trained block, and the fused one with it: no term is left out."""
    names = [name for name in state_of(family(*shape)) if not name.endswith("num_batches_tracked")]
    unchanged = outputs(blocks.trained(family(*shape)), shape[0])
    for name in names:
        if name == "eye5_2_3_3":  # another layer's
            continue
        module = blocks.trained(family(*shape))
        value = module.state_dict()[name]
        with torch.no_grad():  # positive, so that variances stay so; another factor for every element
            value.mul_(1 + torch.rand(value.shape, generator=torch.Generator().manual_seed(2)))
        assert apart(outputs(module, shape[0]), unchanged) > 1e-6, name
        assert difference(module, *fused(module, shape), shape) < LIMIT, name


@pytest.mark.parametrize("family", blocks.FAMILIES, ids=lambda family: family.__name__)
def test_a_wrong_eps_or_a_wrong_order_of_rows_would_be_seen(family: type[nn.Module]) -> None:
    shape = (8, 16, 2, 4) if family not in WITHOUT_GROUPS else (8, 16, 2, 1)
    module = blocks.trained(family(*shape), eps=1e-3)
    kernel, bias = fused(module, shape, 1e-3)
    if any(isinstance(part, nn.BatchNorm2d) for part in module.modules()):
        assert difference(module, *fused(module, shape, 1e-5), shape) > 1e-3
    swapped = np.concatenate([kernel[1::2], kernel[::2]])
    assert difference(module, swapped, bias, shape) > 1e-3


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


@pytest.mark.parametrize("family", [blocks.OREPA, blocks.OREPARepVGG])
@pytest.mark.parametrize("buffer", ["prior", "avg_avg", "id_tensor"])
def test_orepa_without_a_stored_constant(family: type[nn.Module], buffer: str) -> None:
    """They are formulas: a file that left a buffer out gives the same kernel, rounding included."""
    state = state_of(blocks.trained(family(6, 10, 2, 1)))
    without = {key: value for key, value in state.items() if not key.endswith(buffer)}
    assert len(without) == len(state) - 1
    np.testing.assert_allclose(
        fuse_block(without, stride=2)[0], fuse_block(state, stride=2)[0], rtol=1e-12, atol=1e-12
    )


RENAMES: dict[str, tuple[type[nn.Module], tuple[tuple[str, str], ...]]] = {
    "timm": (
        blocks.RepVGG,
        (("rbr_dense", "conv_kxk"), ("rbr_1x1", "conv_1x1"), ("rbr_identity", "identity")),
    ),
    "mmpretrain": (
        blocks.RepVGG,
        (
            ("rbr_dense", "branch_3x3"),
            ("rbr_1x1", "branch_1x1"),
            ("rbr_identity", "branch_norm"),
            (".bn.", ".norm."),
        ),
    ),
    "yolo": (blocks.RepVGG, ((".conv.", ".0."), (".bn.", ".1."))),
    "mmpretrain's MobileOne": (
        blocks.MobileOne,
        (
            ("rbr_conv", "branch_conv_list"),
            ("rbr_scale", "branch_scale"),
            ("rbr_skip", "branch_norm"),
            (".bn.", ".norm."),
        ),
    ),
    "timm's MobileOne": (
        blocks.MobileOne,
        (("rbr_conv", "conv_kxk"), ("rbr_scale", "conv_scale"), ("rbr_skip", "identity")),
    ),
    "a fused OREPA 1x1": (blocks.QARepVGGFused, (("rbr_reparam", "or1x1_reparam"),)),
}


@pytest.mark.parametrize("spelling", RENAMES)
def test_other_spellings_of_a_block(spelling: str) -> None:
    family, renames = RENAMES[spelling]
    state = state_of(blocks.trained(family(8, 8, 1, 1)))
    renamed = {}
    for key, value in state.items():
        for old, new in renames:
            key = key.replace(old, new)
        renamed[key] = value
    assert renamed.keys() != state.keys()
    np.testing.assert_array_equal(fuse_block(renamed)[0], fuse_block(state)[0])
    assert all(OWN_KEY.match(key) for key in (*state, *renamed))


@pytest.mark.parametrize("family", blocks.FAMILIES, ids=lambda family: family.__name__)
def test_where_a_block_s_own_key_begins(family: type[nn.Module]) -> None:
    """What whoever splits a network's keys goes by; numbered keys alone need their network's numbers."""
    for key in state_of(family(8, 8, 1, 1)):
        numbered = family is blocks.ExpandNet
        pair = family in (blocks.RepConv, blocks.RepConvIdentity) and key.startswith("conv")
        assert bool(OWN_KEY.match(key)) == (not numbered and not pair), key
        assert bool(PAIR_KEY.match(key)) == pair, key
