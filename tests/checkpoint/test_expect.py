"""The proof from outside: faults that trained and fused network have in common turn it red.

The truth is a torch module (tests/support/expected_net.py); `fuse` sees its state dict only, which is
the same in every case.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from expected_net import ARGUMENTS, IMAGES, KNOWN, State, fuse, outputs, trained, truth
from safetensors import safe_open
from torch import nn

from repvgg_hw.checkpoint import import_network, load_expectation, random_model
from repvgg_hw.checkpoint.expect import Expectation, require
from repvgg_hw.cli import main
from repvgg_hw.design import load as load_design
from repvgg_hw.errors import CheckFailed
from repvgg_hw.network import Architecture

torch.set_num_threads(1)


@pytest.fixture
def state(tmp_path: Path) -> State:
    return trained(tmp_path)


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
