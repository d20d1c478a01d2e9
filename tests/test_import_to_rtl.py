"""A network with a block of every family, from its checkpoint through generate and simulate, bit for bit."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import trained_blocks as blocks
from click.testing import CliRunner, Result
from torch import Tensor, nn

from repvgg_hw import golden
from repvgg_hw.checkpoint import import_network
from repvgg_hw.cli import main
from repvgg_hw.model.images import synthetic
from repvgg_hw.network import IMAGENET_MEAN, IMAGENET_STD, FusedNetwork
from repvgg_hw.quantize import quantize

CLASSES, WIDTH, SIZE = 5, 8, 16


# of equally wide blocks, and of families of which one has a part of another's keys: what they leave open
KNOWN = {"pair": "added", "average-branch": "no", "missing": "nothing"}


@pytest.fixture(scope="module")
def trained() -> dict[str, nn.Module]:
    """stage0 and stage1.0 with stride 2, then each family once with stride 1, outputs of unit variance."""
    torch.manual_seed(0)
    chain: dict[str, nn.Module] = {"stage0": blocks.RepVGG(3, WIDTH, 2, 1)}
    chain["stage1.0"] = blocks.DBB(WIDTH, WIDTH, 2, 1)
    for index, family in enumerate(blocks.DISTINCT_FAMILIES, start=1):
        chain[f"stage1.{index}"] = family(WIDTH, WIDTH, 1, 1)
    x = torch.rand(64, 3, SIZE, SIZE, dtype=torch.float64) * 4 - 2
    for module in chain.values():
        x = torch.relu(normalised(module.double().eval(), x))
    return chain


@torch.no_grad()
def normalised(module: nn.Module, x: Tensor) -> Tensor:
    """module(x), its BN statistics set to what they see; without BN, its last parameters scaled instead."""
    norms = [m for m in module.modules() if isinstance(m, nn.BatchNorm2d)]
    hooks = [norm.register_forward_pre_hook(measure) for norm in norms]
    y: Tensor = module(x)
    for hook in hooks:
        hook.remove()
    if not norms:
        for name, parameter in module.named_parameters():
            if name in ("W", "bias", "weight", "2.weight", "2.bias"):
                parameter.div_(y.std())
    settled: Tensor = module(x)
    return settled


def measure(norm: nn.BatchNorm2d, arguments: tuple[Tensor]) -> None:
    (x,) = arguments
    assert norm.running_mean is not None
    assert norm.running_var is not None
    if x.shape[2:].numel() > 1:  # not the single zero of which BN's image is asked
        norm.running_mean.copy_(x.mean((0, 2, 3)))
        norm.running_var.copy_(x.var((0, 2, 3)))


@pytest.fixture(scope="module")
def checkpoint(trained: dict[str, nn.Module], tmp_path_factory: pytest.TempPathFactory) -> Path:
    state = {f"{name}.{k}": v for name, m in trained.items() for k, v in m.state_dict().items()}
    torch.manual_seed(1)
    state |= {f"linear.{key}": value for key, value in nn.Linear(WIDTH, CLASSES).state_dict().items()}
    path = tmp_path_factory.mktemp("checkpoint") / "net.pth"
    torch.save({"state_dict": state}, path)
    return path


def float_logits(network: FusedNetwork, x: np.ndarray) -> np.ndarray:
    y = torch.from_numpy(x)
    for conv in network.convs:
        weight, bias = torch.from_numpy(conv.weight), torch.from_numpy(conv.bias)
        y = torch.relu(nn.functional.conv2d(y, weight, bias, conv.stride, 1, groups=conv.groups))
    assert network.linear is not None
    return np.asarray(y.mean((2, 3)).numpy() @ network.linear.weight.T + network.linear.bias)


def test_every_family_reaches_the_integer_model(checkpoint: Path) -> None:
    imported = import_network(checkpoint, assume=KNOWN)
    assert len({block.family for block in imported.blocks}) >= 12
    assert imported.proof.relative < 1e-9
    pixels = synthetic(64, (3, SIZE, SIZE), seed=0)
    network = quantize(imported.fused, pixels, mean=IMAGENET_MEAN, std=IMAGENET_STD, method="minmax")
    x = golden.quantize_input(pixels[:16], network)
    integer = golden.forward(x, network) * network.output_scale
    expected = float_logits(imported.fused, x * network.input_scale)
    centred = [logits - logits.mean(0) for logits in (integer, expected)]
    noise = np.square(centred[0] - centred[1]).sum() / np.square(centred[1]).sum()
    assert noise < 0.25  # 17 layers of int8; an unrelated network gives 2
    for name, y in golden.trace(x, network):
        assert len(np.unique(y)) > 5, f"{name} is dead: nothing would be compared"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_every_family_in_rtl(checkpoint: Path, tmp_path: Path) -> None:
    layer_names = [conv.name for conv in import_network(checkpoint, assume=KNOWN).convs]
    assert len(layer_names) == 2 + len(blocks.DISTINCT_FAMILIES)
    images = tmp_path / "images.npz"
    pixels = synthetic(8, (3, SIZE, SIZE), seed=0)
    np.savez(images, images=pixels, labels=np.zeros(len(pixels), np.int64))
    design = tmp_path / "design"
    generated = run(
        *("generate", "--weights", checkpoint, "--calibration", images, "--target", "verilog", "-o", design),
        *("--multipliers", 256, "--method", "minmax"),
        *(word for name, value in KNOWN.items() for word in ("--assume", f"{name}={value}")),
    )
    assert generated.exit_code == 0, generated.output
    simulated = run("simulate", design, "--images", images, "--limit", 2, "--json")
    assert simulated.exit_code == 0, simulated.output
    result = json.loads(simulated.stdout)
    assert result["bit_exact"] == 2
    assert [layer["name"] for layer in result["layers"]] == [*layer_names, "pool", "linear"]
    assert all(len(layer["cycles"]) == 2 for layer in result["layers"])
