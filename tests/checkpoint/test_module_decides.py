"""What a state dict leaves open, and a live module does not: it is run, and says it itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import pytest
import torch
import trained_blocks as blocks
from torch import Tensor, nn

import repvgg_hw
from repvgg_hw.checkpoint import Checkpoint, Imported, import_state, random_model
from repvgg_hw.errors import CheckFailed, InputError
from repvgg_hw.network import Architecture

torch.set_num_threads(1)


def layer(c_in: int, c_out: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(c_in, c_out, 3, stride, 1, groups=groups, bias=False), nn.BatchNorm2d(c_out)
    )


def names(imported: Imported) -> list[str]:
    """Its layers, without the convolution's place in `layer`."""
    return [prefix.removesuffix(".0") for prefix in imported.prefixes]


class Net(nn.Module):
    """Layers by name, run in an order of their own, each with a ReLU behind."""

    def __init__(self, layers: Mapping[str, nn.Module], order: Sequence[str], bias: bool = True) -> None:
        super().__init__()
        for name, module in layers.items():
            self.add_module(name, module)
        self.order = order
        self.linear = nn.Linear(6, 4, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        for name in self.order:
            x = torch.relu(self.get_submodule(name)(x))
        logits: Tensor = self.linear(x.mean((2, 3)))
        return logits


def from_file(module: nn.Module) -> Imported:
    """The same network from its state dict alone."""
    state = {key: value.numpy() for key, value in module.state_dict().items()}
    return import_state(Checkpoint(state, source="file"))


def read(module: nn.Module) -> Imported:
    got = repvgg_hw.from_torch(blocks.trained(module))
    assert got.provenance["module"]["relative"] < 1e-12
    return got


ORDERS: dict[str, tuple[dict[str, nn.Module], list[str]]] = {
    "numbers run otherwise": (
        {"layers": nn.Sequential(layer(3, 6), layer(6, 6), layer(6, 6, 2), layer(6, 6))},
        ["layers.0", "layers.2", "layers.3", "layers.1"],
    ),
    "the first is defined last": (
        {"blocks": nn.Sequential(layer(6, 6), layer(6, 6, 2)), "input_block": layer(3, 6)},
        ["input_block", "blocks.0", "blocks.1"],
    ),
    "names without numbers": (
        {"b": layer(6, 6), "c": layer(6, 6, 2), "a": layer(3, 6)},
        ["a", "c", "b"],
    ),
    "stages run otherwise": (
        {
            "stage0": layer(3, 6),
            "stage1": nn.Sequential(layer(6, 6, 2), layer(6, 6)),
            "stage2": nn.Sequential(layer(6, 6), layer(6, 6)),
        },
        ["stage0", "stage2.0", "stage1.0", "stage1.1", "stage2.1"],
    ),
}


@pytest.mark.parametrize("case", ORDERS)
def test_the_order_is_that_of_the_calls(case: str) -> None:
    torch.manual_seed(0)
    layers, order = ORDERS[case]
    assert names(read(Net(layers, order))) == order


def test_groups_are_those_of_its_convolutions() -> None:
    torch.manual_seed(0)
    layers = {"layers": nn.Sequential(layer(3, 6), layer(6, 12), layer(12, 6, 1, 2), layer(6, 6, 2, 3))}
    module = Net(layers, [f"layers.{i}" for i in range(4)])
    assert [conv.groups for conv in read(module).convs] == [1, 1, 2, 3]
    with pytest.raises(InputError, match="--groups"):
        from_file(module)


@pytest.mark.parametrize("se", [None, "D2se"])
def test_groups_beside_gates(se: str | None) -> None:
    architecture = Architecture("custom", (16, 32), (1, 2), (2, 2), {1: 4, 2: 8}, 4, 3, se)
    got = repvgg_hw.from_torch(random_model(architecture, seed=0))
    assert [conv.groups for conv in got.convs] == [1, 4, 8]


def test_maps_that_would_end_without_inner_pixels_get_a_larger_image() -> None:
    torch.manual_seed(0)
    layers = {"layers": nn.Sequential(layer(3, 6, 2), *(layer(6, 6, 2) for _ in range(5)))}
    module = Net(layers, [f"layers.{i}" for i in range(6)])
    assert read(module).provenance["module"]["input_size"] == [129, 129]


def test_a_linear_layer_without_bias() -> None:
    torch.manual_seed(0)
    module = Net({"layers": nn.Sequential(layer(3, 6), layer(6, 6))}, ["layers.0", "layers.1"], bias=False)
    linear = read(module).linear
    assert linear is not None
    assert not linear.bias.any()
    with pytest.raises(InputError, match="--assume linear-bias=none"):
        from_file(module)


@pytest.mark.parametrize("family", [blocks.QARepVGG, blocks.QARepVGGAverage])
def test_an_average_branch_without_keys(family: type[nn.Module]) -> None:
    torch.manual_seed(0)
    layers = {"layers": nn.Sequential(family(3, 6, 2, 1), family(6, 6, 1, 1), family(6, 6, 1, 1))}
    module = Net(layers, [f"layers.{i}" for i in range(3)])
    read(module)
    with pytest.raises(InputError, match=r"--assume average-branch=yes\|no"):
        from_file(module)


class Pair(nn.Module):
    """A 3x3 and a 1x1 convolution of one module: added up, or two layers one after the other."""

    def __init__(self, c_in: int, *, added: bool) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(c_in, 6, 3, padding=1), nn.Conv2d(c_in if added else 6, 6, 1)
        self.added = added

    def forward(self, x: Tensor) -> Tensor:
        first = self.conv1(x)
        y: Tensor = first + self.conv2(x) if self.added else self.conv2(torch.relu(first))
        return y


@pytest.mark.parametrize("added", [True, False])
def test_two_convolutions_of_one_module(added: bool) -> None:
    torch.manual_seed(0)
    layers = {"layers": nn.Sequential(layer(3, 6), Pair(6, added=added), Pair(6, added=added))}
    got = read(Net(layers, ["layers.0", "layers.1", "layers.2"]))
    assert len(got.convs) == (3 if added else 5)


class Supervised(Net):
    """With heads that only training uses."""

    def __init__(self) -> None:
        super().__init__({"layers": nn.Sequential(layer(3, 6), layer(6, 6))}, ["layers.0", "layers.1"])
        self.second = nn.Sequential(layer(6, 6), nn.Linear(6, 4))

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) + (self.second[1](self.second[0](x).mean((2, 3))) if self.training else 0)


def test_what_is_never_called_plays_no_part() -> None:
    torch.manual_seed(0)
    module = Supervised()
    assert names(read(module)) == ["layers.0", "layers.1"]
    with pytest.raises(InputError, match="exactly one linear layer"):
        from_file(module)


class Functional(Net):
    """Its linear layer is never called, yet used."""

    def forward(self, x: Tensor) -> Tensor:
        for name in self.order:
            x = torch.relu(self.get_submodule(name)(x))
        return torch.nn.functional.linear(x.mean((2, 3)), self.linear.weight, self.linear.bias)


def test_what_is_used_without_a_call_is_read_all_the_same() -> None:
    torch.manual_seed(0)
    layers = {"layers": nn.Sequential(layer(3, 6), layer(6, 6))}
    assert len(read(Functional(layers, ["layers.0", "layers.1"])).convs) == 2


def shuffle(x: Tensor) -> Tensor:
    return x.flip(1)


HIDDEN: dict[str, Callable[[Tensor], Tensor]] = {
    "channels reversed": shuffle,
    "a shift": lambda x: x + 0.1,
    "rows rolled": lambda x: x.roll(1, 2),
    "dropped pixels": lambda x: x[:, :, ::2, ::2],
    "clamped": lambda x: x.clamp(max=3),
}


@pytest.mark.parametrize("case", HIDDEN)
def test_what_happens_between_its_layers_is_seen(case: str) -> None:
    """Nothing of it leaves a key or a module."""

    class Hiding(Net):
        def forward(self, x: Tensor) -> Tensor:
            x = HIDDEN[case](torch.relu(self.get_submodule("layers.0")(x)))
            x = torch.relu(self.get_submodule("layers.1")(x))
            logits: Tensor = self.linear(x.mean((2, 3)))
            return logits

    torch.manual_seed(0)
    module = Hiding({"layers": nn.Sequential(layer(3, 6), layer(6, 6))}, [])
    with pytest.raises(CheckFailed, match="does not give y of Hiding itself"):
        repvgg_hw.from_torch(blocks.trained(module))
