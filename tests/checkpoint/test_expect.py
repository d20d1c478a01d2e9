"""The proof from outside: faults that trained and fused network have in common turn it red.

The truth is a torch module of this file; `fuse` sees its state dict only, which is the same in every case.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from safetensors import safe_open
from torch import Tensor, nn

from repvgg_hw.checkpoint import import_network, load_expectation, random_model
from repvgg_hw.checkpoint.expect import Expectation, require
from repvgg_hw.cli import main
from repvgg_hw.design import load as load_design
from repvgg_hw.errors import CheckFailed, InputError
from repvgg_hw.network import Architecture

torch.set_num_threads(1)

State = dict[str, Tensor]


class Net(nn.Module):
    """Four blocks of convolution, BN and ReLU; what a state dict does not say can be varied."""

    def __init__(
        self,
        strides: tuple[int, ...] = (2, 1, 1, 2),
        eps: float = 1e-5,
        order: tuple[int, ...] = (0, 1, 2, 3),
        activation: Callable[[Tensor], Tensor] = torch.relu,
        shuffled: bool = False,
    ):
        super().__init__()
        widths, groups = (3, 8, 8, 8, 12), (1, 1, 1, 2)
        self.features = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(widths[i], widths[i + 1], 3, strides[i], 1, groups=groups[i], bias=False),
                nn.BatchNorm2d(widths[i + 1], eps=eps),
            )
            for i in range(4)
        )
        self.linear = nn.Linear(12, 5)
        self.order, self.activation, self.shuffled = order, activation, shuffled

    def forward(self, x: Tensor) -> Tensor:
        for i in self.order:
            if i == 3 and self.shuffled:  # the groups take every second channel, not halves
                x = torch.cat((x[:, ::2], x[:, 1::2]), 1)
            x = self.activation(self.features[i](x))
        logits: Tensor = self.linear(x.mean((2, 3)))
        return logits


class Known(TypedDict):
    strides: tuple[int, ...]
    groups: tuple[int, ...]


KNOWN: Known = {"strides": (2, 1, 1, 2), "groups": (1, 1, 1, 2)}
ARGUMENTS = ("--strides", "2,1,1,2", "--groups", "1,1,1,2")
IMAGES = torch.randn(3, 3, 12, 11, generator=torch.Generator().manual_seed(1))


def outputs(net: nn.Module, path: Path, x: Tensor = IMAGES) -> Path:
    """What the documentation shows: x and y of a float32 module in eval mode."""
    with torch.no_grad():
        y = net.float().eval()(x)
    np.savez(path, x=x.numpy(), y=y.numpy())
    return path


def fuse(folder: Path, *arguments: str | Path) -> Result:
    command = ["fuse", str(folder / "net.pth"), "-o", str(folder / "out.safetensors"), *ARGUMENTS]
    return CliRunner().invoke(main, [*command, *map(str, arguments)])


@pytest.fixture
def state(tmp_path: Path) -> State:
    torch.manual_seed(0)
    net = Net()
    for norm in net.modules():
        if isinstance(norm, nn.BatchNorm2d):
            assert norm.running_mean is not None
            assert norm.running_var is not None
            for values, low in ((norm.weight.data, 0.5), (norm.bias.data, -0.5), (norm.running_mean, -0.5)):
                values.uniform_(low, low + 1)
            norm.running_var.uniform_(0.05, 0.3)
    state = net.state_dict()
    torch.save(state, tmp_path / "net.pth")
    return state


def truth(state: State, **options: Any) -> Net:
    net = Net(**options)
    net.load_state_dict(state)
    return net


def test_the_right_network_passes_and_it_is_recorded(state: State, tmp_path: Path) -> None:
    expect = outputs(truth(state), tmp_path / "y.npz")
    result = fuse(tmp_path, "--expect", expect)
    assert result.exit_code == 0, result.output
    assert "equal to y.npz: largest difference" in result.output
    with safe_open(tmp_path / "out.safetensors", "pt") as file:
        record = json.loads(file.metadata()["repvgg_hw"])["expect"]
    assert record["images"] == 3
    assert record["input_size"] == [12, 11]
    assert 0 < record["relative"] < 1e-5  # float32 on their side, float64 on ours
    assert len(record["sha256"]) == 64
    assert not record["unseen_strides"]
    assert import_network(tmp_path / "out.safetensors").architecture.strides == (2, 1, 2)
    assert json.loads(fuse(tmp_path, "--expect", expect, "--json").output)["expect"] == record
    assert json.loads(fuse(tmp_path, "--json").output)["expect"] is None


FAULTS: dict[str, dict[str, Any]] = {
    "strides": {"strides": (2, 1, 2, 1)},
    "stride of the stem": {"strides": (1, 1, 1, 2)},
    "eps": {"eps": 1e-3},
    "swapped blocks": {"order": (0, 2, 1, 3)},
    "leaky ReLU": {"activation": nn.LeakyReLU(0.01)},
    "ReLU6": {"activation": nn.ReLU6()},
    "SiLU": {"activation": nn.SiLU()},
    "order of groups": {"shuffled": True},
}


ADVICE = {
    "eps": "it does with --eps 0.001",
    "strides": "it does with strides 2,1,2,1 (--strides)",
    "stride of the stem": "it does with strides 1,1,1,2 (--strides)",
    "swapped blocks": "it does with features.1.0 and features.2.0 swapped",
    "leaky ReLU": "it does with LeakyReLU(0.01) in place of ReLU",
    "ReLU6": "it does with ReLU6 in place of ReLU",
    "SiLU": "it does with SiLU in place of ReLU, and hardware has ReLU only",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_that_keys_do_not_show_end_with_exit_1(fault: str, state: State, tmp_path: Path) -> None:
    assert fuse(tmp_path).exit_code == 0  # the proof inside cannot see them
    (tmp_path / "out.safetensors").unlink()
    expect = outputs(truth(state, **FAULTS[fault]), tmp_path / "y.npz")
    net, calibration = tmp_path / "net.pth", ["--calibration", tmp_path]
    for command in (
        ["fuse", net, "-o", tmp_path / "out.safetensors"],
        ["inspect", net],
        ["generate", "--weights", net, *calibration, "-o", tmp_path / "design"],
        ["evaluate", net, *calibration, "--data", tmp_path],
    ):
        arguments = [*command, *ARGUMENTS, "--expect", expect]
        result = CliRunner().invoke(main, list(map(str, arguments)))
        assert result.exit_code == 1, result.output
        assert result.output.count("\n") == 1
        for word in ("at image", "output", "expected", "got", ADVICE.get(fault, "--eps")):
            assert word in result.output
    assert sorted(p.name for p in tmp_path.iterdir()) == ["net.pth", "y.npz"]


def test_the_largest_difference_is_named(state: State, tmp_path: Path) -> None:
    path = outputs(truth(state), tmp_path / "y.npz")
    arrays = dict(np.load(path))
    arrays["y"][2, 4] += 1000
    np.savez(path, **arrays)
    named = f"image 2, output 4 expected {arrays['y'][2, 4]:.6g}, got "
    with pytest.raises(CheckFailed, match=re.escape(named)):
        import_network(tmp_path / "net.pth", **KNOWN, expect=load_expectation(path))


def test_the_tolerance_is_the_limit(state: State, tmp_path: Path) -> None:
    expect = outputs(truth(state, eps=1.1e-5), tmp_path / "y.npz")
    assert fuse(tmp_path, "--expect", expect, "--tolerance", "1e-9").exit_code == 1
    assert fuse(tmp_path, "--expect", expect, "--tolerance", "0.2").exit_code == 0
    for bad in ("0", "-1", "nan", "inf", "1"):
        assert fuse(tmp_path, "--expect", expect, "--tolerance", bad).exit_code == 2
    assert fuse(tmp_path, "--tolerance", "1e-3").exit_code == 2


def test_probabilities_are_told_from_logits(state: State, tmp_path: Path) -> None:
    net = nn.Sequential(truth(state), nn.Softmax(1))
    result = fuse(tmp_path, "--expect", outputs(net, tmp_path / "y.npz"))
    assert result.exit_code == 1
    assert "it does with softmax behind its logits: give the logits as y" in result.output


def test_strides_on_maps_of_one_pixel_are_not_called_proven(state: State, tmp_path: Path) -> None:
    net = truth(state, strides=(2, 2, 2, 2))
    path = outputs(net, tmp_path / "y.npz", IMAGES[:, :, :7, :8])
    result = fuse(tmp_path, "--expect", path, "--strides", "2,2,2,1")  # the last layer reads 1 x 1
    assert result.exit_code == 0, result.output
    assert "do not show the strides of" in result.output


# --- an expectation that could not fail ------------------------------------------------------------------


def bias_only(state: State) -> None:
    state["linear.bias"] += 1e6


def never_negative(state: State) -> None:
    for key, value in state.items():
        if value.ndim == 4:
            value.abs_()
        elif key.endswith("1.bias"):
            value += 20


CANNOT_FAIL: dict[str, tuple[Callable[[State], None] | None, Tensor, str]] = {
    "constant images": (
        None,
        torch.ones(3, 3, 12, 11) * torch.arange(3.0)[:, None, None, None],
        "x is constant",
    ),
    "one image, thrice": (None, IMAGES[:1].expand(3, -1, -1, -1), "y is the same for all 3 images"),
    "one pixel": (None, IMAGES[:, :, :1, :1], "x is constant"),
    "symmetric": (None, IMAGES + IMAGES.flip(2, 3), "with its images turned upside down"),
    "bias alone": (bias_only, IMAGES[:1], "with its images turned upside down"),
    "ReLU does nothing": (never_negative, IMAGES, "with every ReLU left out"),
}


@pytest.mark.parametrize("case", CANNOT_FAIL)
def test_a_check_that_cannot_fail_is_refused(case: str, state: State, tmp_path: Path) -> None:
    change, x, message = CANNOT_FAIL[case]
    if change is not None:
        change(state)
        torch.save(state, tmp_path / "net.pth")
    result = fuse(tmp_path, "--expect", outputs(truth(state), tmp_path / "y.npz", x))
    assert result.exit_code == 2, result.output
    assert message in result.output
    assert "proves nothing" in result.output
    assert not (tmp_path / "out.safetensors").exists()


def test_zeros_prove_nothing(state: State, tmp_path: Path) -> None:
    np.savez(tmp_path / "y.npz", x=IMAGES.numpy(), y=np.zeros((3, 5)))
    assert "y is zero everywhere" in fuse(tmp_path, "--expect", tmp_path / "y.npz").output


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        ((3, 12, 11), (3, 5), r"x has shape \(3, 12, 11\)"),
        ((3, 3, 12, 11), (5,), r"y has shape \(5,\)"),
        ((3, 3, 12, 11), (2, 5), r"y has shape \(2, 5\); \(3, classes\)"),
        ((3, 3, 12, 11), (3, 6), r"y has shape \(3, 6\), the network gives \(3, 5\)"),
        ((3, 3, 12, 11), (3, 12, 3, 3), r"the network gives \(3, 5\)"),
        ((3, 1, 12, 11), (3, 5), "x has 1 channels, the network reads 3"),
    ],
)
def test_shapes_that_do_not_fit(
    x: tuple[int, ...], y: tuple[int, ...], message: str, state: State, tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "y.npz", x=rng.standard_normal(x), y=rng.standard_normal(y))
    with pytest.raises(InputError, match=message):
        import_network(
            tmp_path / "net.pth",
            **KNOWN,
            expect=load_expectation(tmp_path / "y.npz"),
        )


def test_the_other_commands_say_and_record_it(state: State, tmp_path: Path) -> None:
    expect = outputs(truth(state), tmp_path / "y.npz")
    net, images = str(tmp_path / "net.pth"), str(tmp_path / "images.npz")
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8, 8, 3), np.uint8)
    np.savez(images, images=pixels[:4], labels=np.zeros(4, int))
    np.savez(tmp_path / "test.npz", images=pixels[4:], labels=np.zeros(4, int))
    inspect = ["inspect", net, *ARGUMENTS, "--expect", str(expect)]
    record = json.loads(CliRunner().invoke(main, [*inspect, "--json"]).output)["expect"]
    assert record["file"] == "y.npz"
    assert "equal to y.npz" in CliRunner().invoke(main, inspect).output
    options = ["--calibration", images, "--method", "minmax", *ARGUMENTS, "--expect", str(expect)]
    arguments = ["generate", "--weights", net, "-o", str(tmp_path / "design"), *options]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    assert "equal to y.npz" in result.stderr
    assert load_design(tmp_path / "design").network.provenance["expect"] == record
    arguments = ["evaluate", net, "--data", str(tmp_path / "test.npz"), *options, "--json"]
    result = CliRunner().invoke(main, arguments)
    assert json.loads(result.stdout)["expect"] == record
    random = CliRunner().invoke(main, ["generate", "--model", "A0", "--expect", str(expect)])
    assert random.exit_code == 2
    assert "--expect belongs to --weights" in random.output


@pytest.mark.parametrize("se", [None, "D2se", "plus"])
def test_networks_with_gates_are_run_with_them(se: str | None, tmp_path: Path) -> None:
    module = random_model(Architecture("custom", (16, 32), (1, 2), (2, 2), {}, 4, 3, se), seed=0)
    torch.save(module.state_dict(), tmp_path / "net.pth")
    with torch.no_grad():
        y = module.double()(IMAGES.double()).numpy()
    expectation = Expectation(IMAGES.double().numpy(), y, "the model", 1e-5)
    assert import_network(tmp_path / "net.pth", expect=expectation).provenance["expect"]["relative"] < 1e-5
    with pytest.raises(CheckFailed):
        require(import_network(tmp_path / "net.pth"), Expectation(expectation.x, 1.001 * y, "the model"))
