"""From a checkpoint to the proof where names, folders and the input's size are odd, in any kind of design."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result

from repvgg_hw import design as designs
from repvgg_hw.checkpoint import random_model
from repvgg_hw.cli import main
from repvgg_hw.network import Architecture
from repvgg_hw.plan.stream.winograd import WinogradPlan

SIZE = (33, 20)  # maps 17 x 10, 9 x 5, 9 x 5, 5 x 3
AUTO = ("--winograd", "auto")
ENGINE = ("--architecture", "engine")
NASTY = "my net$HOME $(x) #1 'é' \"\\;&|*?[red]%:=~\n!"
CASES = [
    ("verilog", "modèle 网络 [bold]$x\\", NASTY, ()),
    ("verilog", "module", "net", AUTO),
    ("verilog", "modèle 网络 [bold]$x\\", NASTY, ENGINE),
    ("hls", "modèle 网络 [bold]$x\\", NASTY, ()),
    ("hls", "int", "net", AUTO),
    ("hls", "2nd " + "long " * 40, "net", ()),
]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("odd")
    shape = Architecture("tiny", widths=(4, 4, 8), depths=(1, 2, 1), strides=(2, 2, 2), num_classes=3)
    torch.save(random_model(shape, seed=3).state_dict(), folder / "net.pth")
    pixels = np.random.default_rng(0).integers(0, 256, (6, *SIZE, 3), dtype=np.uint8)
    np.savez(folder / "images.npz", images=pixels, labels=np.arange(6) % 3)
    return folder


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in arguments])


@pytest.mark.parametrize(
    ("target", "name", "folder", "options"), CASES, ids=["-".join((c[0], *c[3][1:])) for c in CASES]
)
def test_it_builds_and_is_bit_exact(
    files: Path, tmp_path: Path, target: str, name: str, folder: str, options: tuple[str, ...]
) -> None:
    checkpoint, images = tmp_path / f"{name}.pth", files / "images.npz"
    shutil.copy(files / "net.pth", checkpoint)
    done = run(
        "generate", "--weights", checkpoint, "--calibration", images, "--method", "minmax",
        "--target", target, "--input-size", "33x20", *options,
        "--multipliers", 100, "-o", tmp_path / folder,
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    design = designs.load(tmp_path / folder)
    assert design.plan.name == name.strip()[:120] + ("..." if len(name) > 120 else "")
    assert design.network.in_shape == (3, *SIZE)
    plan: Any = design.plan
    layers = plan.schedule.layers if options == ENGINE else plan.convs
    assert [(c.out_height, c.out_width) for c in layers] == [(17, 10), (9, 5), (9, 5), (5, 3)]
    assert any(isinstance(c, WinogradPlan) for c in layers) == (options == AUTO)
    done = run("simulate", "--images", images, "--limit", 3)  # the folder that generate remembers
    assert done.exit_code == 0, done.output
    assert "3 of 3 images bit-exact" in done.output
    done = run("report")
    assert done.exit_code == 0, done.output


def test_a_folder_that_is_not_utf_8_is_refused_before_any_work(files: Path, tmp_path: Path) -> None:
    images = files / "images.npz"
    folder = tmp_path / "a\udcffb"
    done = run("generate", "--weights", files / "net.pth", "--calibration", images, "-o", folder)
    assert done.exit_code == 2, done.output
    assert "not valid UTF-8" in done.output
    assert not folder.exists()
