"""A .pth backbone without a classifier through every command, to bit-exact simulation of both targets."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result

from repvgg_hw import design as designs
from repvgg_hw.checkpoint import random_model
from repvgg_hw.cli import main
from repvgg_hw.model.images import synthetic
from repvgg_hw.network import Architecture

SHAPE = Architecture("tiny", widths=(6, 8, 8), depths=(1, 1, 1), strides=(2, 1, 2), num_classes=0)
SIZE = (11, 9)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("backbone")
    model = random_model(SHAPE, seed=1)
    assert not [key for key in model.state_dict() if "linear" in key]
    torch.save(model.state_dict(), folder / "net.pth")
    x = torch.randn(2, 3, *SIZE)
    with torch.no_grad():
        np.savez(folder / "map.npz", x=x.numpy(), y=model(x).numpy())
    pixels = synthetic(8, (3, *SIZE))
    np.savez(folder / "images.npz", images=pixels, labels=np.arange(8))
    return folder


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


STRIDES = ("--strides", "2,1,2")


@pytest.mark.parametrize("target", ["verilog", "hls"])
def test_from_checkpoint_to_proof(files: Path, tmp_path: Path, target: str) -> None:
    fused = run("fuse", files / "net.pth", "-o", "fused.safetensors", "--head", "none", *STRIDES,
                "--expect", files / "map.npz")  # fmt: skip
    assert fused.exit_code == 0, fused.output
    assert "no linear layer, its last map is the output" in fused.output
    # The fused file says itself that it has no head.
    made = run("generate", "--weights", "fused.safetensors", "--calibration", files / "images.npz",
               "--target", target, "-o", "design", "--multipliers", 100)  # fmt: skip
    assert made.exit_code == 0, made.output
    assert "dB signal to quantization noise on 8 calibration images" in made.output
    assert "map 8 x 3 x 3, uint8" in made.output
    done = run("simulate", "design", "--images", files / "images.npz", "--limit", 4, "--json")
    assert done.exit_code == 0, done.output
    result = json.loads(done.stdout)
    assert result["bit_exact"] == 4
    assert result["layers"][-1]["values"] == 4 * 8 * 3 * 3
    assert result["top1_golden"] is None
    if target == "verilog":
        assert result["frame_interval"] == result["planned_interval"]
    design = designs.load(tmp_path / "design")
    assert design.network.linear is None
    report = run("report", "design")
    assert "output: map 8 x 3 x 3" in report.output
    assert f"{design.network.output_scale:.6g}" in report.output
    page = (tmp_path / "design" / "report.html").read_text()
    assert "byte (y W + x) C + c" in page
    told = json.loads(run("report", "design", "--json").stdout)
    assert told["output"]["shape"] == [8, 3, 3]
    assert told["output"]["scale"] == design.network.output_scale
    assert repr(design.network.output_scale) in (tmp_path / "design" / "README.md").read_text()


def test_a_classifiers_linear_layer_is_left_out_and_said(files: Path) -> None:
    model = random_model(Architecture("tiny", (4, 4), (1, 1), (2, 1), num_classes=3))
    torch.save(model.state_dict(), "whole.pth")
    made = run("generate", "--weights", "whole.pth", "--head", "none", "--strides", "2,1",
               "--calibration", files / "images.npz", "--method", "minmax", "-o", "design")  # fmt: skip
    assert made.exit_code == 0, made.output
    assert "left out: linear (3, 4)" in made.output
    seen = run("inspect", "whole.pth", "--head", "none", "--strides", "2,1")
    assert "left out: linear (3, 4)" in seen.output.replace("\n", " ")
    assert "no linear layer" in seen.output


def test_random_weights(tmp_path: Path) -> None:
    made = run("generate", "--model", "A0", "--head", "none", "--input-size", 17, "--multipliers", 4000,
               "-o", "design")  # fmt: skip
    assert made.exit_code == 0, made.output
    assert designs.load(tmp_path / "design").plan.output.shape == (1280, 1, 1)
    both = run("generate", "--model", "A0", "--head", "none", "--classes", 5, "-o", "other")
    assert both.exit_code == 2
    assert "--classes means nothing beside --head none" in both.stderr


def test_what_needs_classes_says_so_in_one_line(files: Path) -> None:
    images = ("--data", files / "images.npz", "--calibration", files / "images.npz")
    for options, message in (
        ((), "there is no linear layer (linear.weight, head.fc.weight): --head none reads a backbone"),
        (("--head", "none"), "top-1 needs classes"),
    ):
        done = run("evaluate", files / "net.pth", *images, *STRIDES, *options)
        assert done.exit_code == 2, done.output
        assert message in done.stderr
        assert done.stderr.strip().count("\n") == 0
    made = run("generate", "--weights", files / "net.pth", "--head", "none", *STRIDES, "--method", "minmax",
               "--calibration", files / "images.npz", "-o", "design")  # fmt: skip
    assert made.exit_code == 0, made.output
    classes = run("simulate", "design", "--images", files / "images.npz", "--class-index", files / "map.npz")
    assert classes.exit_code == 2
    assert "has no classes" in classes.stderr
    timed = run("latency", "--model", "A0", "--design", "design", "--device", "cpu")
    assert timed.exit_code == 2
    assert "ends with a map" in timed.stderr
