"""Networks without a linear layer: what is refused, left out and said; the map equals the network's own."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

import repvgg_hw
from repvgg_hw.checkpoint import import_network, load_expectation, save_fused
from repvgg_hw.checkpoint.run import outputs
from repvgg_hw.errors import CheckFailed, InputError

torch.set_num_threads(1)
X = torch.randn(2, 3, 14, 11, generator=torch.Generator().manual_seed(2))


class Block(nn.Module):
    """A RepVGG block as its authors write it."""

    def __init__(self, c_in: int, c_out: int, stride: int) -> None:
        super().__init__()
        self.rbr_identity = nn.BatchNorm2d(c_in) if c_in == c_out and stride == 1 else None
        self.rbr_dense = self.branch(c_in, c_out, 3, stride)
        self.rbr_1x1 = self.branch(c_in, c_out, 1, stride)

    @staticmethod
    def branch(c_in: int, c_out: int, kernel: int, stride: int) -> nn.Sequential:
        found = nn.Sequential()
        found.add_module("conv", nn.Conv2d(c_in, c_out, kernel, stride, kernel // 2, bias=False))
        found.add_module("bn", nn.BatchNorm2d(c_out))
        return found

    def forward(self, x: Tensor) -> Tensor:
        y = self.rbr_dense(x) + self.rbr_1x1(x)
        return torch.relu(y if self.rbr_identity is None else y + self.rbr_identity(x))


class Stages(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stage0 = Block(3, 8, 2)
        self.stage1 = nn.Sequential(Block(8, 8, 2), Block(8, 8, 1))
        self.stage2 = nn.Sequential(Block(8, 12, 2))
        self.settle()

    def settle(self) -> None:
        generator = torch.Generator().manual_seed(0)
        for norm in (m for m in self.modules() if isinstance(m, nn.BatchNorm2d)):
            for array, low in (
                (norm.weight, 0.5),
                (norm.running_var, 0.5),
                (norm.bias, -0.5),
                (norm.running_mean, -0.5),
            ):
                assert array is not None
                array.data = torch.rand(array.shape, generator=generator) + low
        self.eval()


class Backbone(Stages):
    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.stage2(self.stage1(self.stage0(x)))
        return y


class Classifier(Backbone):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(12, 5)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.linear(super().forward(x).mean((2, 3)))
        return logits


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """backbone.pth and classifier.pth, the same blocks, and the map that they give for X."""
    torch.manual_seed(0)
    whole = Classifier()
    backbone = Backbone()
    backbone.load_state_dict({k: v for k, v in whole.state_dict().items() if not k.startswith("linear")})
    torch.save(whole.state_dict(), tmp_path / "classifier.pth")
    torch.save(backbone.state_dict(), tmp_path / "backbone.pth")
    with torch.no_grad():
        np.savez(tmp_path / "map.npz", x=X.numpy(), y=backbone(X).numpy())
        np.savez(tmp_path / "logits.npz", x=X.numpy(), y=whole(X).numpy())
    return tmp_path


def map_of(folder: Path) -> np.ndarray:
    y: np.ndarray = np.load(folder / "map.npz")["y"]
    return y


@pytest.mark.parametrize("name", ["backbone", "classifier"])
def test_the_last_map_is_the_output(files: Path, name: str) -> None:
    got = import_network(files / f"{name}.pth", head="none")
    assert got.linear is got.fused.linear is None
    assert (got.architecture.num_classes, got.architecture.widths) == (0, (8, 8, 12))
    np.testing.assert_allclose(outputs(got, X.numpy()), map_of(files), atol=1e-5)
    assert got.proof.relative < 1e-12
    (made,) = [one for one in got.assumptions if one.subject == "head"]
    assert made.value.startswith("none, the map of stage2.0 is the output")
    assert ("left out: linear (5, 12)" in made.value) == (name == "classifier")
    assert ("linear.weight" in got.unused) == (name == "classifier")


def test_without_a_linear_layer_the_option_is_named(files: Path) -> None:
    for head in (None, "linear"):
        with pytest.raises(InputError, match=r"there is no linear layer .*--head none"):
            import_network(files / "backbone.pth", head=head)
    with pytest.raises(InputError, match="head is linear or none, not 'cls'"):
        import_network(files / "backbone.pth", head="cls")


def test_a_fused_file_says_itself_that_it_has_no_head(files: Path) -> None:
    read = import_network(files / "classifier.pth", head="none")
    save_fused(files / "fused.safetensors", read)
    assert not [key for key in load_file(files / "fused.safetensors") if "linear" in key]
    again = import_network(files / "fused.safetensors")
    assert again.linear is None
    np.testing.assert_allclose(outputs(again, X.numpy()), map_of(files), atol=1e-5)
    with pytest.raises(InputError, match="there is no linear layer"):
        import_network(files / "fused.safetensors", head="linear")


def test_several_linear_layers_are_left_out_by_name(files: Path) -> None:
    state = torch.load(files / "classifier.pth")
    state["head.fc.weight"] = torch.zeros(7, 5)
    torch.save(state, files / "two.pth")
    with pytest.raises(InputError, match=r"linear, head\.fc .*--head none"):
        import_network(files / "two.pth")
    got = import_network(files / "two.pth", head="none")
    assert {"linear.weight", "linear.bias", "head.fc.weight"} == set(got.unused)


def test_a_neck_goes_with_its_linear_layer(files: Path) -> None:
    """And one that stands elsewhere is refused as ever: it may belong to the blocks."""
    state = torch.load(files / "backbone.pth")
    norm = {k: v for k, v in nn.BatchNorm1d(12).state_dict().items() if k != "num_batches_tracked"}
    neck = {f"head.0.{key}": value for key, value in norm.items()} | {"head.1.weight": torch.zeros(5, 12)}
    torch.save(state | neck, files / "neck.pth")
    got = import_network(files / "neck.pth", head="none")
    assert set(neck) == set(got.unused)
    np.testing.assert_allclose(outputs(got, X.numpy()), map_of(files), atol=1e-5)
    torch.save(state | {f"neck.{key}": value for key, value in norm.items()}, files / "apart.pth")
    with pytest.raises(InputError, match="batch normalization neck is not directly behind"):
        import_network(files / "apart.pth", head="none")
    torch.save(state | {f"stage2.1.{key}": value for key, value in norm.items()}, files / "inside.pth")
    with pytest.raises(InputError, match=r"batch normalization stage2\.1"):
        import_network(files / "inside.pth", head="none")


@pytest.mark.parametrize("key", ["stage1.0.se.fc1.weight", "stage1.0.attention.weight", "stage1.head.weight"])
def test_a_linear_layer_among_the_blocks_is_not_left_out(files: Path, key: str) -> None:
    """A gate by linear layers inside a block would be lost without a word."""
    state = torch.load(files / "backbone.pth")
    state[key] = torch.zeros(4, 8)
    torch.save(state, files / "gated.pth")
    with pytest.raises(InputError, match=rf"the linear layer {re.escape(key[:-7])} stands in stage1"):
        import_network(files / "gated.pth", head="none")


def test_the_map_is_proven_from_outside(files: Path) -> None:
    """And a network with another stride, or values in another place, is not."""
    expectation = load_expectation(files / "map.npz")
    got = import_network(files / "classifier.pth", head="none", expect=expectation)
    assert got.provenance["expect"]["relative"] < 1e-5
    with pytest.raises(InputError, match=r"y has shape \(2, 12, 2, 2\), the network gives .*"):
        import_network(files / "classifier.pth", head="none", strides=[2, 2, 1], expect=expectation)
    with pytest.raises(InputError, match=r"the network gives \(2, 5\) \(--head none: maps\)"):
        import_network(files / "classifier.pth", expect=expectation)
    logits = load_expectation(files / "logits.npz")
    with pytest.raises(InputError, match=r"the network gives \(2, 12, 2, 2\) \(--head linear: logits\)"):
        import_network(files / "classifier.pth", head="none", expect=logits)
    y = map_of(files)
    y[1, 3, 0, 1] += 1
    np.savez(files / "wrong.npz", x=X.numpy(), y=y)
    with pytest.raises(CheckFailed, match="at image 1, channel 3, row 0, column 1 expected"):
        import_network(files / "classifier.pth", head="none", expect=load_expectation(files / "wrong.npz"))


def test_live_modules() -> None:
    """Without a linear layer the module's map is compared; of several maps the last block's."""
    torch.manual_seed(0)
    backbone = Backbone()
    got = repvgg_hw.from_torch(backbone, X)
    assert got.linear is None
    assert got.provenance["module"]["relative"] < 1e-6

    class Features(Stages):
        def forward(self, x: Tensor) -> list[Tensor]:
            first = self.stage1(self.stage0(x))
            return [first, self.stage2(first)]

    features = Features()
    assert repvgg_hw.from_torch(features, X).provenance["module"]["output"] == "1"
    whole = Classifier()
    with pytest.raises(
        CheckFailed, match=r"returns a tensor \(2, 5\), not the last map of shape \(2, 12, 2, 2\)"
    ):
        repvgg_hw.from_torch(whole, X, head="none")


def test_a_live_modules_linear_layer_that_is_not_called_plays_no_part() -> None:
    class Extractor(Classifier):
        def forward(self, x: Tensor) -> Tensor:
            return Backbone.forward(self, x)

    got = repvgg_hw.from_torch(Extractor(), X)
    assert got.linear is None
    assert got.provenance["module"]["relative"] < 1e-6


def test_a_live_module_with_something_behind_its_last_block() -> None:
    class Doubled(Backbone):
        def forward(self, x: Tensor) -> Tensor:
            return 2 * super().forward(x)

    with pytest.raises(CheckFailed, match="does not give"):
        repvgg_hw.from_torch(Doubled(), X)


def onnx_file(path: Path, steps: dict[str, Any]) -> Path:
    pytest.importorskip("onnx")
    from onnx_graphs import network

    return network(path, **steps)


def test_onnx_graphs(tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    from onnx_graphs import B0, B1, STRIDES, W0, W1, nothing

    x = X.double().numpy()
    expected = X.double()
    for w, b, stride in ((W0, B0, STRIDES[0]), (W1, B1, STRIDES[1])):
        weight, bias = (torch.from_numpy(a).double() for a in (w, b))
        expected = torch.relu(nn.functional.conv2d(expected, weight, bias, stride, 1))
    bare = onnx_file(tmp_path / "bare.onnx", {"pool": nothing, "flatten": nothing, "head": nothing})
    pooled = onnx_file(tmp_path / "pooled.onnx", {"head": nothing})
    whole = onnx_file(tmp_path / "whole.onnx", {})
    for path, left_out in ((bare, ""), (pooled, "the pooling"), (whole, "the pooling and the linear layer")):
        got = import_network(path, head="none")
        np.testing.assert_allclose(outputs(got, x), expected.numpy(), atol=1e-9)
        assert got.provenance["reference_evaluator"]["relative"] < 1e-12
        assert got.assumptions[0].value.endswith(left_out)
    with pytest.raises(InputError, match="with --head none"):
        import_network(bare)
    last = onnx_file(
        tmp_path / "linear_last.onnx",
        {"pool": nothing, "flatten": nothing, "head": lambda g, t: g("Mul", t, g.store([2.0]))},
    )
    with pytest.raises(InputError, match="is no ReLU's"):
        import_network(last, head="none")
