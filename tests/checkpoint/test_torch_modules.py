"""Live torch modules: strides and eps are read from their layers, and they are run themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import trained_blocks as blocks
from plain_networks import SMALL, Plain
from torch import Tensor, nn

import repvgg_hw
from repvgg_hw.checkpoint import random_model
from repvgg_hw.errors import CheckFailed, InputError
from repvgg_hw.network import Architecture

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
        logits: Tensor = self.model[-1](x.mean((2, 3)))
        return logits


@pytest.mark.parametrize("family", blocks.FAMILIES, ids=lambda family: family.__name__)
def test_modules_of_every_family(family: type[nn.Module]) -> None:
    torch.manual_seed(0)
    got = repvgg_hw.from_torch(blocks.trained(Chain(family)))
    assert [conv.stride for conv in got.convs] == [1, 1, 2, 1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"activation": nn.SiLU}, "it does with SiLU in place of ReLU, and hardware has ReLU only"),
        ({"pool": nn.AdaptiveMaxPool2d}, "another activation, pooling or order"),
    ],
)
def test_what_key_names_cannot_show_is_seen_by_running_the_module(
    options: dict[str, Any], message: str
) -> None:
    with pytest.raises(CheckFailed, match=message):
        repvgg_hw.from_torch(Plain(**options))


def test_batch_normalizations_may_have_different_eps() -> None:
    torch.manual_seed(0)
    module = blocks.trained(Plain()).float()
    layers = [layer for layer in module if isinstance(layer, nn.Conv2d)]
    norms = [norm for norm in module if isinstance(norm, nn.BatchNorm2d)]
    for norm, eps in zip(norms, (1e-3, 1e-5, 0.1), strict=True):
        norm.eps = eps
    got = repvgg_hw.from_torch(module)
    assert got.eps == 1e-5
    assert got.provenance["module"]["relative"] < 1e-12
    module.double()
    for conv, layer, norm in zip(got.convs, layers, norms, strict=True):
        assert layer.bias is not None
        assert norm.running_mean is not None
        assert norm.running_var is not None
        scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        bias = norm.bias + scale * (layer.bias - norm.running_mean)
        torch.testing.assert_close(torch.from_numpy(conv.bias), bias.detach(), rtol=1e-9, atol=1e-9)


# --- what it is run on, and what it returns ----------------------------------------------------------------


class Fixed(Plain):
    """Pools 4 x 6 pixels, whatever there is: only images of 8 x 12 fit."""

    def __init__(self) -> None:
        super().__init__()
        self[9] = nn.AvgPool2d((4, 6))


def test_it_is_run_on_the_example_input() -> None:
    example = torch.randn(2, 3, 8, 12)
    record = repvgg_hw.from_torch(Fixed(), example).provenance["module"]
    assert (record["images"], record["input_size"]) == (2, [8, 12])
    assert repvgg_hw.from_torch(Fixed(), size=(8, 12)).provenance["module"]["images"] == 1
    with pytest.raises(InputError, match=r"Fixed does not run on \(1, 3, 33, 33\) .*give an example_input"):
        repvgg_hw.from_torch(Fixed())


class Leak(nn.Module):
    """A ReLU that lets a thousandth of very negative values pass, which a normal image does not reach."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(x) + torch.where(x < -80, x / 1000, 0.0)


def test_what_the_example_alone_shows() -> None:
    torch.manual_seed(0)
    module = Plain(activation=Leak)
    repvgg_hw.from_torch(module)
    with pytest.raises(CheckFailed, match="another activation"):
        repvgg_hw.from_torch(module, 1000 * torch.randn(1, 3, 8, 8))


@pytest.mark.parametrize(
    ("example", "message"),
    [
        (torch.zeros(1, 3, 8, 8).int(), "a floating-point tensor"),
        (torch.randn(3, 8, 8), r"not torch\.Size\(\[3, 8, 8\]\)"),
        ([1, 2], "not list"),
        (torch.randn(1, 4, 8, 8), r"does not run on \(1, 4, 8, 8\)"),
        (torch.full((1, 3, 8, 8), float("nan")), "not finite"),
        (torch.randn(0, 3, 8, 8), "is empty"),
    ],
)
def test_example_inputs_that_do_not_fit(example: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        repvgg_hw.from_torch(Plain(), example)


def test_an_input_has_one_size() -> None:
    with pytest.raises(InputError, match="either example_input or size"):
        repvgg_hw.from_torch(Plain(), torch.randn(1, 3, 8, 8), size=(8, 8))


class Returning(nn.Module):
    """Plain, which returns its logits among other things."""

    def __init__(self, pack: Callable[[Tensor], Any]) -> None:
        super().__init__()
        self.net, self.pack = Plain(), pack

    def forward(self, x: Tensor) -> Any:
        return self.pack(self.net(x))


RETURNED: dict[str, tuple[Callable[[Tensor], Any], str]] = {
    "a tensor": (lambda y: y, ""),
    "a tuple": (lambda y: (y * 2, y, None), "1"),
    "a dictionary": (lambda y: {"aux": y + 1, "logits": y, "loss": y.sum()}, "logits"),
    "nested": (lambda y: ({"features": [y[:, :2]], "main": y},), "0.main"),
}


@pytest.mark.parametrize("kind", RETURNED)
def test_the_logits_are_found_among_what_it_returns(kind: str) -> None:
    pack, name = RETURNED[kind]
    assert repvgg_hw.from_torch(Returning(pack)).provenance["module"]["output"] == name


@pytest.mark.parametrize(
    ("pack", "message"),
    [
        (lambda y: None, "returns no tensor, not logits"),
        (lambda y: {"features": y[:, :2]}, r"returns features \(1, 2\), not logits of shape \(1, 4\)"),
        (lambda y: (y * 2, y + 1), "another activation"),
        (lambda y: y.softmax(1), "it does with softmax behind its logits"),
    ],
)
def test_what_it_returns_may_be_no_logits(pack: Callable[[Tensor], Any], message: str) -> None:
    with pytest.raises(CheckFailed, match=message):
        repvgg_hw.from_torch(Returning(pack))


@pytest.mark.parametrize("se", ["D2se", "plus"])
def test_gates_are_run_too(se: str) -> None:
    module = random_model(Architecture("custom", (16, 32), (1, 2), (2, 2), {}, 4, 3, se), seed=0)
    assert repvgg_hw.from_torch(module).provenance["module"]["relative"] < 1e-12


def test_a_network_whose_output_does_not_depend_on_the_image_is_warned_about(
    caplog: pytest.LogCaptureFixture,
) -> None:
    module = Plain()
    repvgg_hw.from_torch(module)
    assert "proves little" not in caplog.text
    last = module[7]
    assert isinstance(last, nn.BatchNorm2d)
    with torch.no_grad():
        last.bias.fill_(-1000)  # every channel of the last layer is dead
    repvgg_hw.from_torch(module)
    assert "equal to Plain itself, which proves little: with its images turned upside down" in caplog.text
