"""`repvgg-hw train`: each block to a checkpoint that is read as it was trained; resume, processes, errors."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from PIL import Image

from repvgg_hw.checkpoint import import_network
from repvgg_hw.cli import main
from repvgg_hw.errors import CheckFailed, InputError
from repvgg_hw.network import Architecture
from repvgg_hw.training import finish as finishing
from repvgg_hw.training import loop
from repvgg_hw.training.blocks import BLOCKS
from repvgg_hw.training.data import load_data
from repvgg_hw.training.distributed import Processes
from repvgg_hw.training.recipe import Recipe
from repvgg_hw.training.start import new_network
from repvgg_hw.training.state import state_path

SMALL = Architecture("custom", (4, 4, 6), (1, 2, 1), (2, 2, 2), num_classes=3)
MODEL = ("--widths", "4,4,6", "--depths", "1,2,1", "--batch-size", "8", "--epochs", "2")
ALONE = {key: value for key, value in os.environ.items() if key not in ("RANK", "WORLD_SIZE")}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty images of three classes that differ in colour, as .npz and as class folders."""
    folder = tmp_path_factory.mktemp("images")
    rng = np.random.default_rng(0)
    labels = np.arange(40) % 3
    images = rng.integers(0, 120, (40, 16, 16, 3), dtype=np.uint8)
    images[np.arange(40), :, :, labels] += 100
    np.savez(folder / "set.npz", images=images, labels=labels)
    for index, (image, label) in enumerate(zip(images, labels, strict=True)):
        (folder / "set" / "abc"[label]).mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / "set" / "abc"[label] / f"{index}.png")
    return folder


def run(*words: object) -> Result:
    return CliRunner().invoke(main, ["train", *map(str, words)])


def weights(path: Path) -> dict[str, torch.Tensor]:
    found: dict[str, torch.Tensor] = torch.load(path, weights_only=True)
    return found


def equal(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(value, b[key]) for key, value in a.items())


@pytest.mark.parametrize("block", BLOCKS)
def test_a_checkpoint_of_each_block_is_read_as_what_was_trained(
    place: Path, tmp_path: Path, block: str
) -> None:
    output = tmp_path / "net.pth"
    done = run(
        place / "set.npz", *MODEL, "--block", block, "-o", output, "--json", "--val", place / "set.npz"
    )
    assert done.exit_code == 0, done.output
    result = json.loads(done.stdout)
    assert result["fused_difference"] < 1e-9
    assert result["block"] == block
    reading = {"assume": {"average-branch": "no"}} if block == "qarepvgg" else {}
    assert ("--assume average-branch=no" in result["next"]) == bool(reading)
    imported = import_network(output, **reading)  # type: ignore[arg-type]
    assert imported.architecture.widths == (4, 4, 6)
    assert imported.architecture.depths == (1, 2, 1)
    assert not state_path(output).exists()


def test_it_learns_and_logs(place: Path, tmp_path: Path) -> None:
    output, log = tmp_path / "net.safetensors", tmp_path / "log.csv"
    done = run(
        *(place / "set", "--input-size", 16, *MODEL[:4], "--batch-size", 8, "--epochs", 8, "--rate", 0.2),
        *("--warmup", 1, "--val", place / "set", "--ema", 0.5, "--amp", "--log", log, "-o", output),
    )
    assert done.exit_code == 0, done.output
    rows = list(csv.DictReader(log.open()))
    assert [row["epoch"] for row in rows] == [str(n + 1) for n in range(8)]
    assert float(rows[-1]["loss"]) < float(rows[0]["loss"])
    assert float(rows[-1]["val_top1"]) > 0.9
    assert f"top-1 on --val: {float(rows[-1]['val_top1']):.2%}" in done.stdout
    assert f"next: repvgg-hw generate --weights {output} --calibration IMAGES" in done.stdout
    assert done.stdout.strip().endswith("--input-size 16x16 --preprocess timm --crop-pct 1")
    assert import_network(output).architecture.num_classes == 3


def test_the_same_seed_gives_the_same_file(place: Path, tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        assert run(place / "set.npz", *MODEL, "--seed", seed, "-o", tmp_path / f"{name}.pth").exit_code == 0
    a, b, c = (weights(tmp_path / f"{name}.pth") for name in "abc")
    assert equal(a, b)
    assert not equal(a, c)


def test_killed_in_an_epoch_and_resumed(place: Path, tmp_path: Path) -> None:
    """SIGKILL where a state of the middle of an epoch lies on disk; then the same weights as without it."""
    words = [
        place / "set.npz",
        *MODEL[:4],
        "--batch-size",
        4,
        "--epochs",
        30,
        "--ema",
        0.9,
        "--save-every",
        7,
    ]
    whole, killed = tmp_path / "whole.pth", tmp_path / "killed.pth"
    assert run(*words, "-o", whole).exit_code == 0
    command = [sys.executable, "-m", "repvgg_hw", "train", *map(str, words), "-o", str(killed)]
    state = state_path(killed)
    with subprocess.Popen(command, env=ALONE, stderr=subprocess.DEVNULL) as process:
        while not state.exists() and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert not killed.exists()
    step = torch.load(state, weights_only=True)["step"]
    assert 0 < step < 300
    other = run(*words, "--resume", "--rate", 0.5, "-o", killed)
    assert other.exit_code == 2
    assert "was trained with rate 0.1, not 0.5" in other.stderr
    done = run(*words, "--resume", "-o", killed)
    assert done.exit_code == 0, done.output
    assert equal(weights(whole), weights(killed))
    assert not state.exists()
    again = run(*words, "--resume", "-o", killed)
    assert again.exit_code == 2
    assert "there is no unfinished training to resume" in again.stderr


def test_a_state_from_the_middle_of_an_epoch_resumes(place: Path, tmp_path: Path) -> None:
    """As above without chance: the loop stops right after a save in mid-epoch."""
    words = (place / "set.npz", *MODEL[:4], "--batch-size", 4, "--epochs", 2, "--save-every", 3)
    assert run(*words, "-o", tmp_path / "whole.pth").exit_code == 0
    step, calls = loop._step, [0]

    def stopping(*arguments: Any) -> None:
        calls[0] += 1
        if calls[0] == 15:  # of 20; the last state is of step 12, in the second epoch
            raise CheckFailed("cut")
        step(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "_step", stopping)
        assert run(*words, "-o", tmp_path / "cut.pth").exit_code == 1
    assert torch.load(state_path(tmp_path / "cut.pth"), weights_only=True)["step"] == 12
    assert run(*words, "--resume", "-o", tmp_path / "cut.pth").exit_code == 0
    assert equal(weights(tmp_path / "whole.pth"), weights(tmp_path / "cut.pth"))


def test_two_processes_train_one_network(place: Path, tmp_path: Path) -> None:
    output = tmp_path / "net.pth"
    words = ["train", str(place / "set.npz"), *MODEL, "--val", str(place / "set.npz"), "-o", str(output)]
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = subprocess.run(
        [*command, "-m", "repvgg_hw", *words], env=ALONE, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("wrote ") == 1
    assert import_network(output).architecture.widths == (4, 4, 6)


def test_a_batch_divides_among_processes(place: Path) -> None:
    around = loop.Surroundings(torch.device("cpu"), Processes(0, 2), (0.5,) * 3, (0.5,) * 3)
    with pytest.raises(InputError, match="--batch-size 7 does not divide among 2 processes"):
        loop.train(new_network(SMALL, "plain", 0), load_data(place / "set.npz"), Recipe(batch=7), around)


def test_ctrl_c_ends_it_and_leaves_no_half_file(place: Path, tmp_path: Path) -> None:
    output = tmp_path / "net.pth"
    words = [str(place / "set.npz"), *MODEL[:4], "--batch-size", "4", "--epochs", "5000", "-o", str(output)]
    command = [sys.executable, "-m", "repvgg_hw", "train", *words]
    with subprocess.Popen(command, env=ALONE, stderr=subprocess.PIPE) as process:
        while not state_path(output).exists() and process.poll() is None:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        started = time.monotonic()
        code = process.wait(20)
        assert time.monotonic() - started < 2
        assert process.stderr is not None
        assert process.stderr.read().decode().splitlines()[-1].endswith("error: interrupted")
    assert code == 130
    assert {path.name for path in tmp_path.iterdir()} == {state_path(output).name}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "give either --model NAME, or --widths and --depths"),
        (("--model", "Z9"), "unknown model 'Z9'"),
        (("--model", "A0", "--widths", "4,4"), "--model and --widths exclude each other"),
        (("--widths", "4,4", "--depths", "1"), "have 2, 1 and 2 values"),
        (("--widths", "4,4", "--depths", "2,1"), "the stem is one block"),
        (("--widths", "4,4", "--batch-size", "64"), "40 images do not fill one batch of 64"),
        (("--widths", "4,4", "--block", "nope"), "'nope' is not one of"),
        (("--widths", "4,4", "--mean", "0.5"), "--mean needs 3 numbers"),
        (("--widths", "4,4", "--scales", "x"), "--scales belongs to --block repopt"),
        (
            ("--model", "B1g4", "--block", "orepa-repvgg", "--batch-size", "8"),
            "defined for one only",
        ),
        (
            ("--model", "D2se", "--block", "qarepvgg", "--batch-size", "8"),
            "with squeeze-and-excitation",
        ),
        (("--widths", "4,4", "--device", "tpu"), "--device tpu is not there"),
        (("--widths", "4,4", "--val", "missing"), "missing: no such file"),
        (("--widths", "4,4", "--rate", "1e30", "--batch-size", "8"), "the loss is"),
        (("--widths", "4,4", "--input-size", "8"), "images are 16x16 pixels, the input is 8x8"),
    ],
)
def test_wrong_input(place: Path, tmp_path: Path, words: tuple[str, ...], message: str) -> None:
    done = run(place / "set.npz", *words, "-o", tmp_path / "net.pth")
    assert done.exit_code == (1 if "loss" in message else 2)
    assert message in done.stderr
    assert done.stderr.strip().splitlines()[-1].startswith("error: ")
    assert not (tmp_path / "net.pth").exists()


def test_folders_need_a_size_and_a_class_each(place: Path, tmp_path: Path) -> None:
    output = ("-o", tmp_path / "net.pth")
    assert "give --input-size, for example 16" in run(place / "set", *MODEL, *output).stderr
    flat = run(place / "set" / "a", "--input-size", 16, *MODEL, *output)
    assert "no class folders with images" in flat.stderr
    np.savez(tmp_path / "bare.npz", images=np.zeros((4, 8, 8, 3), np.uint8))
    assert "training needs 'labels'" in run(tmp_path / "bare.npz", *MODEL, *output).stderr


def test_scales_that_were_searched_begin_repopt(place: Path, tmp_path: Path) -> None:
    searched, output = tmp_path / "searched.pth", tmp_path / "net.pth"
    words = (place / "set.npz", *MODEL)
    assert run(*words, "--block", "repopt-search", "-o", searched).exit_code == 0
    assert run(*words, "--block", "repopt", "--scales", searched, "-o", output).exit_code == 0
    begun, plain = (new_network(SMALL, "repopt", 0, scales) for scales in (searched, None))
    found = weights(searched)["stage1.1.scale_conv.weight"]
    factor = begun.blocks()["stage1.1"].get_buffer("factor")
    assert torch.allclose(factor[:, 0, 0, 0], found**2)
    assert not torch.equal(factor, plain.blocks()["stage1.1"].get_buffer("factor"))
    wrong = run(*words[:1], "--widths", "4,6", "--block", "repopt", "--scales", searched, "-o", output)
    assert wrong.exit_code == 2
    assert "--scales takes what --block repopt-search made" in wrong.stderr


def test_a_checkpoint_that_is_read_otherwise_is_not_written(tmp_path: Path) -> None:
    """The import of another network than was trained: of one with another weight."""
    network = new_network(SMALL, "repvgg", 0)
    read = finishing._read

    def other(state: dict[str, np.ndarray], *rest: Any) -> Any:
        return read(
            state | {"stage1.1.rbr_1x1.conv.weight": state["stage1.1.rbr_1x1.conv.weight"] * 1.001}, *rest
        )

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(finishing, "_read", other)
        with pytest.raises(CheckFailed, match="gives other logits than the trained network"):
            finishing.finish(network, SMALL, "repvgg", tmp_path / "net.pth")
    assert not (tmp_path / "net.pth").exists()
    assert finishing.finish(network, SMALL, "repvgg", tmp_path / "net.pth").difference < 1e-9


def test_squeeze_and_excitation_and_other_strides_are_read_back(tmp_path: Path) -> None:
    gated = Architecture("custom", (16, 32), (1, 2), (2, 2), num_classes=2, se="D2se")
    assert (
        finishing.finish(new_network(gated, "repvgg", 0), gated, "repvgg", tmp_path / "a.pth").difference
        < 1e-9
    )
    slow = Architecture("custom", (4, 4), (1, 2), (1, 2), num_classes=2)
    finished = finishing.finish(new_network(slow, "orepa", 0), slow, "orepa", tmp_path / "b.pth")
    assert finished.reading == {"strides": (1, 2)}
