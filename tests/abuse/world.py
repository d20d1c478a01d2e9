"""A small world in which commands are misused; built once, copied for each case."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from click.testing import CliRunner
from PIL import Image

from repvgg_hw.checkpoint.files import save_state
from repvgg_hw.cli import main
from repvgg_hw.errors import CheckFailed
from repvgg_hw.training import loop

# A training of six steps that was broken off behind the fourth, beside half.pth.
HALF, STEPS = "half.pth.unfinished", 4
RESUMED = (
    *("--input-size", "8", "--widths", "4,4", "--epochs", "2", "--batch-size", "2"),
    *("--ema", "0.5", "--save-every", "1"),
)
GENERATE = ("--calibration", "images", "--method", "minmax", "--multipliers", "64")
ENGINE = ("--architecture", "engine", "--multipliers", "27")  # the second of an option's values counts
SHELF = ".shelf"  # of the template: trees that only some cases find in their working directory
PLACES = {name: f"{SHELF}/{name}/{name}" for name in ("engine", "image")}  # an image is for the engine


def network(seed: int = 0) -> dict[str, np.ndarray]:
    """A RepVGG as trained, official names: 3 -> 4 -> 4 -> 8 channels, two classes, for 8 x 8 images."""
    rng, state, c_in = np.random.default_rng(seed), {}, 3
    for name, c_out, stride in (("stage0", 4, 2), ("stage1.0", 4, 2), ("stage1.1", 4, 1), ("stage2.0", 8, 2)):
        branches = [("rbr_dense.bn", c_out), ("rbr_1x1.bn", c_out)]
        branches += [("rbr_identity", c_in)] if c_in == c_out and stride == 1 else []
        for branch, channels in branches:
            state[f"{name}.{branch}.weight"] = rng.uniform(0.5, 1.5, channels)
            state[f"{name}.{branch}.bias"] = rng.normal(0, 0.1, channels)
            state[f"{name}.{branch}.running_mean"] = rng.normal(0, 0.1, channels)
            state[f"{name}.{branch}.running_var"] = rng.uniform(0.5, 1.5, channels)
        state[f"{name}.rbr_dense.conv.weight"] = rng.normal(0, 0.2, (c_out, c_in, 3, 3))
        state[f"{name}.rbr_1x1.conv.weight"] = rng.normal(0, 0.2, (c_out, c_in, 1, 1))
        c_in = c_out
    state["linear.weight"], state["linear.bias"] = rng.normal(0, 0.2, (2, c_in)), np.zeros(2)
    return {key: value.astype(np.float32) for key, value in state.items()}


def pictures(folder: Path, size: int = 8, seed: int = 1) -> None:
    """Two class folders of three RGB PNGs each."""
    rng = np.random.default_rng(seed)
    for name in ("cat", "dog"):
        (folder / name).mkdir(parents=True)
        for number in range(3):
            pixels = rng.integers(0, 256, (size, size, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number}.png")


def save(folder: Path) -> None:
    """A checkpoint in two formats and images, in two forms."""
    state = network()
    save_state(folder / "net.safetensors", state)
    torch.save({key: torch.from_numpy(value) for key, value in state.items()}, folder / "net.pth")
    pictures(folder / "images")
    rng = np.random.default_rng(2)
    np.savez(
        folder / "images.npz",
        images=rng.integers(0, 256, (4, 8, 8, 3), dtype=np.uint8),
        labels=np.arange(4) % 2,
    )


def leave_unfinished(folder: Path) -> None:
    """What a training leaves that is broken off, and its log."""
    step, calls = loop._step, [0]

    def stopping(*arguments: Any) -> None:
        calls[0] += 1
        if calls[0] > STEPS:
            raise CheckFailed("cut")
        step(*arguments)

    words = ["-q", "train", str(folder / "images"), *RESUMED, "-o", str(folder / "half.pth")]
    with patch.object(loop, "_step", stopping):
        CliRunner().invoke(main, [*words, "--log", str(folder / "half.csv")])
    assert (folder / HALF).is_file()


def build(folder: Path) -> None:
    """Everything that cases find in their working directory."""
    save(folder)
    (folder / "foreign").mkdir()
    (folder / "foreign" / "thesis.txt").write_text("not a design")
    (folder / "text.txt").write_text("words\n")
    (folder / "empty").write_bytes(b"")
    (folder / "folding.json").write_text(json.dumps({"stage0": {"pi": 1, "po": 1}}))
    (folder / "bits.json").write_text(json.dumps({"weights": 8}))
    for name, options in (("design", ()), ("hls", ("--target", "hls")), (PLACES["engine"], ENGINE)):
        command(folder, "generate", "--weights", "net.safetensors", *GENERATE, *options, "-o", name)
    save_state(folder / "other.safetensors", network(1))
    command(
        folder, "program", PLACES["engine"], "--weights", "other.safetensors", *GENERATE[:-2],
        "-o", PLACES["image"],
    )  # fmt: skip
    (folder / "build/.last-design").write_text("hls\n")
    leave_unfinished(folder)


def command(folder: Path, *words: str) -> None:
    """Run a command in a folder, in this process; it must end well."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        result = CliRunner().invoke(main, words)
    finally:
        os.chdir(before)
    assert result.exit_code == 0, result.output


def build_simulators(folder: Path) -> None:
    """Onto the shelf: what `simulate` compiles of two designs, so that not every case has to."""
    for name in ("design", "engine"):
        with tempfile.TemporaryDirectory() as place:
            copy(folder, Path(place) / "world", ("engine",))
            command(Path(place) / "world", "simulate", name, "--limit", "1")
            built = folder / SHELF / f"built {name}" / name / "build/sim"
            built.mkdir(parents=True)
            for file in ("bench", "fingerprint"):
                shutil.copy2(Path(place) / "world" / name / "build/sim" / file, built / file)


def copy(template: Path, folder: Path, beside: Sequence[str] = ()) -> None:
    """A fresh world for one case, and what it needs of the shelf."""
    shutil.copytree(template, folder, symlinks=True, ignore=lambda _, names: {SHELF} & set(names))
    for name in beside:
        shutil.copytree(template / SHELF / name, folder, symlinks=True, dirs_exist_ok=True)
