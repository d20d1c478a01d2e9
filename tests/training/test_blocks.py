"""Every trainable block against definitions from other hands: as trained, fused, and its gradients."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
import trained_blocks as other
from torch import Tensor, nn

from repvgg_hw.errors import InputError
from repvgg_hw.fuse import fuse_block
from repvgg_hw.network import ConvShape
from repvgg_hw.training.blocks import BLOCKS, Block
from repvgg_hw.training.blocks.orepa import OREPA, SqueezedDense
from repvgg_hw.training.blocks.repopt import RepOpt, RepOptSearch

LIMIT = 1e-12  # relative
# (c_in, c_out, stride, groups)
SHAPES = ((8, 8, 1, 1), (8, 8, 2, 1), (4, 12, 1, 1), (12, 4, 2, 1), (8, 8, 1, 2), (8, 16, 2, 4), (6, 6, 1, 6))
# Beyond four groups the other hand's OREPA has a middle of twice the width, an option that ours has not.
CASES = [(name, s) for name in BLOCKS for s in SHAPES if s[3] == 1 or BLOCKS[name].grouped]

SHARED = [case for case in CASES if not (case[0] == "orepa" and case[1][3] > 4)]


class ExpandNetBN(nn.Module):
    """The published block without biases, and the BN that a network puts behind it."""

    def __init__(self, c_in: int, c_out: int, stride: int, groups: int):
        super().__init__()
        for index, layer in enumerate(
            (
                nn.Conv2d(c_in, 4 * c_in, 1, padding=1, groups=groups, bias=False),
                nn.Conv2d(4 * c_in, 4 * c_out, 3, stride, groups=groups, bias=False),
                nn.Conv2d(4 * c_out, c_out, 1, groups=groups, bias=False),
            )
        ):
            self.add_module(str(index), layer)
        self.bn = nn.BatchNorm2d(c_out)

    def forward(self, x: Tensor) -> Tensor:
        first, second, third = (getattr(self, name) for name in "012")
        y: Tensor = self.bn(third(second(first(x))))
        return y


class DOConvWithoutBias(other.DOConvBN):
    def __init__(self, c_in: int, c_out: int, stride: int, groups: int):
        super().__init__(c_in, c_out, stride, groups)
        self.conv.bias = None  # type: ignore[assignment]


# Who else defines the block, written from the papers for the tests of `fuse`. Keys are the same.
OTHERS: dict[str, type[nn.Module]] = {
    "plain": other.RepOpt,
    "repvgg": other.RepVGG,
    "acb": other.ACB,
    "dbb": other.DBB,
    "orepa": other.OREPA,
    "orepa-repvgg": other.OREPARepVGG,
    "qarepvgg": other.QARepVGG,
    "mobileone": other.MobileOne,
    "doconv": DOConvWithoutBias,
    "expandnet": ExpandNetBN,
    "repopt": other.RepOpt,
    "repopt-search": other.LinearAdd,
}


def made(name: str, shape: tuple[int, int, int, int]) -> Block:
    """A block in float64 and eval mode, every parameter and statistic drawn as after training."""
    c_in, c_out, stride, groups = shape
    torch.manual_seed(0)
    return other.trained(BLOCKS[name](ConvShape("stage1.0", c_in, c_out, stride, groups)))


def state_of(module: nn.Module) -> dict[str, np.ndarray]:
    return {key: value.numpy() for key, value in module.state_dict().items()}


def inputs(c_in: int) -> list[Tensor]:
    generator = torch.Generator().manual_seed(1)
    sizes = ((7, 5), (4, 9), (1, 1), (2, 3))
    return [torch.randn(2, c_in, *size, dtype=torch.float64, generator=generator) for size in sizes]


def close(a: Tensor, b: Tensor, limit: float = LIMIT) -> bool:
    return a.shape == b.shape and float((a - b).detach().abs().max()) <= limit * float(
        b.detach().abs().max().clamp_min(1e-300)
    )


def same(name: str, shape: tuple[int, int, int, int]) -> tuple[Block, nn.Module]:
    """Our block, and the other hand's with the same numbers."""
    block = made(name, shape)
    twin = OTHERS[name](*shape).double().eval()
    if name == "mobileone":
        twin = other.MobileOne(*shape, branches=4).double().eval()
    missing, unexpected = twin.load_state_dict(adapted(name, block, twin), strict=False)
    assert set(missing) <= {"dbb_1x1_kxk.idconv1.id_tensor"}
    assert not unexpected
    return block, twin


def adapted(name: str, block: Block, twin: nn.Module) -> dict[str, Tensor]:
    """The block's numbers; the other hand gives OREPA's RepVGG form one more row that nobody reads."""
    state = dict(block.state_dict())
    if name == "orepa-repvgg":
        rows = len(twin.state_dict()["rbr_dense.vector"])
        state["rbr_dense.vector"] = F.pad(state["rbr_dense.vector"], (0, 0, 0, rows - 5))
    return state


@pytest.mark.parametrize(("name", "shape"), CASES)
@torch.no_grad()
def test_fused_equals_trained(name: str, shape: tuple[int, int, int, int]) -> None:
    c_in, _, stride, groups = shape
    block = made(name, shape)
    average = False if name == "qarepvgg" else None
    kernel, bias = fuse_block(state_of(block), stride=stride, groups=groups, average=average)
    k, b = torch.from_numpy(kernel), torch.from_numpy(bias)
    for x in inputs(c_in):
        assert close(F.conv2d(x, k, b, stride, 1, groups=groups), block.linear_part(x))


@pytest.mark.parametrize(("name", "shape"), SHARED)
@torch.no_grad()
def test_another_hands_block_gives_the_same(name: str, shape: tuple[int, int, int, int]) -> None:
    block, twin = same(name, shape)
    for x in inputs(shape[0]):
        assert close(block.linear_part(x), twin(x))
        assert torch.equal(block(x), torch.relu(block.linear_part(x)))


@pytest.mark.parametrize(("name", "shape"), SHARED)
def test_gradients_are_those_of_the_explicit_branches(name: str, shape: tuple[int, int, int, int]) -> None:
    """In train mode, of every parameter. OREPA squeezes its terms, the other hand runs each on the map."""
    if name in ("dbb", "repopt"):
        return  # DBB's padding has no gradient, as published; RepOpt's gradient is scaled: see below
    block, twin = same(name, shape)
    block.train(), twin.train()
    x = inputs(shape[0])[0]
    for module in (block, twin):
        run = block.linear_part if module is block else module
        (run(x) * torch.linspace(-1, 2, 5, dtype=x.dtype)[: run(x).shape[3]]).sum().backward()
    gradients = {key: p.grad for key, p in twin.named_parameters()}
    for key, parameter in block.named_parameters():
        expected = gradients[key]
        assert parameter.grad is not None
        assert expected is not None
        scale = float(expected.abs().max())
        wanted = expected[: len(parameter)]
        assert float((parameter.grad - wanted).abs().max()) <= 1e-10 * max(scale, 1), key


@pytest.mark.parametrize("shape", [(8, 8, 1, 1), (8, 16, 2, 4), (8, 8, 1, 2)])
@torch.no_grad()
def test_the_squeezed_kernel_is_the_fused_one(shape: tuple[int, int, int, int]) -> None:
    """Before BN; and a term that is left out is seen."""
    block = made("orepa", shape)
    assert isinstance(block, OREPA)
    block.bn.weight.fill_(1), block.bn.bias.fill_(0)
    block.bn.running_mean.fill_(0), block.bn.running_var.fill_(1)  # type: ignore[union-attr]
    kernel, bias = fuse_block(state_of(block), stride=shape[2], groups=shape[3], eps=0)
    assert close(block.kernel(), torch.from_numpy(kernel))
    assert not bias.any()
    for row in range(6):
        block.vector[row] += 0.1
        assert not close(block.kernel(), torch.from_numpy(kernel))
        block.vector[row] -= 0.1


def test_orepa_runs_one_convolution() -> None:
    """The RepVGG form: one for the squeezed 3x3, one for the 1x1 branch. No map of a term exists."""
    from torch.utils._python_dispatch import TorchDispatchMode

    class Count(TorchDispatchMode):  # type: ignore[no-untyped-call]
        calls = 0

        def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
            self.calls += "convolution" in str(func)
            return func(*args, **(kwargs or {}))

    for name, expected in (("orepa", 1), ("orepa-repvgg", 2), ("dbb", 5)):
        block = made(name, (8, 8, 1, 1))
        with Count() as count:  # type: ignore[no-untyped-call]
            block(inputs(8)[0])
        assert count.calls == expected, name


def test_the_published_start() -> None:
    dense = SqueezedDense(ConvShape("s", 4, 4))
    assert [round(float(row[0]), 3) for row in dense.vector.detach()] == [0.25, 0.25, 0.0, 0.5, 0.5]
    assert torch.equal(dense.part("1x1_kxk_idconv1"), torch.zeros(4, 4, 1, 1))


@pytest.mark.parametrize("shape", [(6, 6, 1, 1), (6, 8, 2, 1), (8, 8, 1, 2)])
def test_repopt_is_its_branches_with_constant_scales_step_by_step(shape: tuple[int, int, int, int]) -> None:
    """SGD with momentum on one kernel with scaled gradients, and on explicit branches: the same kernels."""
    c_in, c_out, stride, groups = shape
    conv_shape = ConvShape("stage1.0", c_in, c_out, stride, groups)
    torch.manual_seed(3)
    searched = RepOptSearch(conv_shape, 2).double()
    with torch.no_grad():
        for scale in (searched.scale_conv, searched.scale_1x1, searched.scale_identity):
            if scale is not None:
                scale.weight.uniform_(0.5, 1.5)
    target = RepOpt(conv_shape, 2).double()
    target.begin(searched)
    k3, k1 = (nn.Parameter(c.weight.detach().clone()) for c in (searched.conv, searched.conv_1x1))
    s3, s1 = (s.weight.detach()[:, None, None] for s in (searched.scale_conv, searched.scale_1x1))
    identity = searched.scale_identity
    u = None if identity is None else nn.Parameter(identity.weight.detach().clone())
    parameters = [p for p in (k3, k1, u) if p is not None]
    optimizers = [torch.optim.SGD(p, 0.05, momentum=0.9) for p in (parameters, [target.conv.weight])]
    start = target.conv.weight.detach().clone()
    for _ in range(4):
        x = torch.randn(3, c_in, 6, 6, dtype=torch.float64)
        y = s3 * F.conv2d(x, k3, None, stride, 1, groups=groups)
        y = y + s1 * F.conv2d(x, k1, None, stride, 0, groups=groups)
        y = y if u is None else y + u[:, None, None] * x
        z = target.conv(x)
        assert close(z, y, 1e-10)
        for loss, optimizer in zip((y.square().mean(), z.square().mean()), optimizers, strict=True):
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    assert not close(target.conv.weight, start, 1e-3)


@pytest.mark.parametrize("name", [name for name, block in BLOCKS.items() if not block.grouped])
def test_groups_are_refused_where_they_are_not_defined(name: str) -> None:
    with pytest.raises(InputError, match=r"stage2\.1 has 2 groups"):
        BLOCKS[name](ConvShape("stage2.1", 4, 4, 1, 2))


def test_squeeze_and_excitation_stands_before_relu_and_not_in_qarepvgg() -> None:
    shape = ConvShape("stage1.0", 32, 32)
    block = BLOCKS["repvgg"](shape, se=True)
    assert "se.down.weight" in block.state_dict()
    with pytest.raises(InputError, match="not defined with squeeze-and-excitation"):
        BLOCKS["qarepvgg"](shape, se=True)
