"""`generate` takes widths: integers have them; RTL and HLS of mixed widths equal golden bit for bit."""

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
from repvgg_hw.measure.accuracy import weight_bytes
from repvgg_hw.model.images import synthetic
from repvgg_hw.network import Architecture

REFUSED = 2
LAYERS = ("stage0", "stage1.0", "stage1.1", "stage2.0", "stage2.1")
WEIGHTS, ACTIVATIONS = (8, 4, 5, 6, 7), (7, 4, 8, 5, 6)
LINEAR_BITS = 4


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of five layers, images to calibrate on, and widths from 4 to 8 in every place."""
    folder = tmp_path_factory.mktemp("widths")
    shape = Architecture("tiny", widths=(4, 6, 8), depths=(1, 2, 2), strides=(2, 2, 1), num_classes=3)
    assert tuple(conv.name for conv in shape.convs()) == LAYERS
    torch.save(random_model(shape, seed=3).state_dict(), folder / "net.pth")
    np.savez(folder / "images.npz", images=synthetic(12, (3, 16, 16), seed=1))
    bits = {
        "weight_of": dict(zip(LAYERS, WEIGHTS, strict=True)) | {"linear": LINEAR_BITS},
        "activation_of": dict(zip(LAYERS, ACTIVATIONS, strict=True)),
    }
    (folder / "bits.json").write_text(json.dumps(bits))
    return folder


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in arguments])


def generate(files: Path, output: Path, *options: object, target: str = "verilog") -> Result:
    source = ("--weights", files / "net.pth", "--calibration", files / "images.npz", "--strides", "2,2,1")
    return run("generate", *source, "--target", target, "-o", output, "--method", "minmax", *options)


@pytest.mark.parametrize("target", ["verilog", "hls"])
def test_mixed_widths_are_bit_exact(files: Path, tmp_path: Path, target: str) -> None:
    design = tmp_path / "design"
    result = generate(files, design, "--bits", files / "bits.json", "--multipliers", 64, target=target)
    assert result.exit_code == 0, result.output
    network = designs.load(design).network
    assert tuple(conv.weight_bits for conv in network.convs) == WEIGHTS
    assert tuple(conv.out_bits for conv in network.convs) == ACTIVATIONS
    assert network.linear is not None
    assert network.linear.weight_bits == LINEAR_BITS
    for conv in network.convs:  # the widths are used, so a unit that cuts or extends wrongly would be seen
        assert abs(conv.weight.astype(int)).max() == (1 << (conv.weight_bits - 1)) - 1
    result = run("simulate", design, "--images", files / "images.npz", "--limit", 3, "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert (found["images"], found["bit_exact"]) == (3, 3)


def test_widths_for_all_layers_and_under_a_budget(files: Path, tmp_path: Path) -> None:
    result = generate(files, tmp_path / "all", "--weight-bits", 5, "--activation-bits", 6)
    assert result.exit_code == 0, result.output
    network = designs.load(tmp_path / "all").network
    assert {conv.weight_bits for conv in network.convs} == {5}
    assert {conv.out_bits for conv in network.convs} == {6}
    assert network.linear is not None
    whole = sum(conv.weight.size for conv in network.convs) + network.linear.weight.size
    budget = whole * 6 // 8
    result = generate(files, tmp_path / "budget", "--weight-memory", budget)
    assert result.exit_code == 0, result.output
    assert budget * 0.9 < weight_bytes(designs.load(tmp_path / "budget").network) <= budget


def test_random_weights_take_widths(tmp_path: Path) -> None:
    options = ("--model", "A0", "--input-size", 32, "--classes", 3, "--weight-bits", 4)
    result = run("generate", *options, "--target", "verilog", "-o", tmp_path / "a0")
    assert result.exit_code == 0, result.output
    assert {conv.weight_bits for conv in designs.load(tmp_path / "a0").network.convs} == {4}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--weight-bits", "3"), "from 4 to 8"),
        (("--weight-bits", "6", "--weight-memory", "9"), "exclude each other"),
        (("--weight-memory", "9"), "too small"),
        (("--bits", "absent.json"), "no readable JSON"),
    ],
)
def test_wrong_widths_write_nothing(
    files: Path, tmp_path: Path, options: tuple[str, ...], message: str
) -> None:
    result = generate(files, tmp_path / "design", *options)
    assert result.exit_code == REFUSED
    assert message in result.stderr.replace("\n", " ")
    assert not (tmp_path / "design").exists()
