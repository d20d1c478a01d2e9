"""`repvgg_hw.train`: the command's file byte for byte, and what the command refuses in the same words."""

from __future__ import annotations

import inspect
import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import repvgg_hw
from repvgg_hw.api import TrainedCheckpoint
from repvgg_hw.cli import main
from repvgg_hw.cli.train import command
from repvgg_hw.cli.training import RECIPE
from repvgg_hw.cli.tune import QAT_ONLY, WIDTHS
from repvgg_hw.errors import InputError
from repvgg_hw.files import sha256
from repvgg_hw.training.recipe import Recipe
from repvgg_hw.training.state import state_path

COUNT, SIDE, CLASSES = 24, 12, 3
SMALL: dict[str, Any] = {"widths": (4, 4, 6), "depths": (1, 2, 1), "epochs": 2, "batch_size": 8}
TYPED = ("--widths", "4,4,6", "--depths", "1,2,1", "--epochs", "2", "--batch-size", "8")
LABELS = np.arange(COUNT) % CLASSES


def pixels() -> np.ndarray:
    """Noise, of which each class has more in a channel of its own."""
    images = np.random.default_rng(0).integers(0, 120, (COUNT, SIDE, SIDE, 3), dtype=np.uint8)
    images[np.arange(COUNT), :, :, LABELS] += 100
    return images


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Labelled images as .npz and as class folders."""
    folder = tmp_path_factory.mktemp("training")
    np.savez(folder / "set.npz", images=pixels(), labels=LABELS)
    for index, (image, label) in enumerate(zip(pixels(), LABELS, strict=True)):
        (folder / "set" / "abc"[label]).mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / "set" / "abc"[label] / f"{index}.png")
    return folder


def run(*words: object) -> str:
    """What `repvgg-hw train` prints. It must end well."""
    done = CliRunner().invoke(main, ["-q", "train", *map(str, words)])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_a_checkpoint_is_the_commands_byte_for_byte(place: Path, tmp_path: Path) -> None:
    """Of an .npz, of folders, and of an array as of the .npz that holds it."""
    arrays = {"labels": LABELS, "val": pixels(), "val_labels": LABELS}
    ways: list[tuple[Any, dict[str, Any], str, tuple[object, ...]]] = [
        ("set.npz", {"seed": 3}, "net.pth", ("--seed", 3)),
        ("set.npz", {"seed": 4, "block": "orepa"}, "net.pth", ("--seed", 4, "--block", "orepa")),
        ("set", {"input_size": 8, "strides": (1, 2, 2), "ema": 0.5}, "net.safetensors",
         ("--input-size", 8, "--strides", "1,2,2", "--ema", 0.5)),
        (pixels(), arrays, "net.pth", ("--val", place / "set.npz")),
    ]  # fmt: skip
    digests = set()
    for data, words, name, typed in ways:
        folder = place / "set.npz" if isinstance(data, np.ndarray) else place / data
        given = data if isinstance(data, np.ndarray) else folder
        made = repvgg_hw.train(given, tmp_path / f"called-{name}", **SMALL, **words)
        said = json.loads(run(folder, *TYPED, *typed, "-o", tmp_path / f"typed-{name}", "--json"))
        digest = sha256(made.output)
        assert digest == sha256(tmp_path / f"typed-{name}") == said["sha256"]
        assert (made.top1, made.difference) == (said["val_top1"], said["fused_difference"])
        assert (made.classes, made.images, made.shape) == (said["classes"], said["images"], said["network"])
        assert ("--strides 1,2,2" in said["next"]) == ("strides" in words)
        assert not state_path(made.output).exists()
        digests.add(digest)
    assert len(digests) == len(ways)


def test_what_was_trained_goes_on_to_a_plan(place: Path, tmp_path: Path) -> None:
    """Read as it must be: with strides and assumptions that its keys do not say."""
    words = {**SMALL, "strides": (1, 2, 2)}
    trained = repvgg_hw.train(place / "set", tmp_path / "own.pth", block="qarepvgg", input_size=8, **words)
    assert trained.reading == {"assume": {"average-branch": "no"}, "strides": (1, 2, 2)}
    network = trained.load()
    assert [conv.stride for conv in network.fused.convs] == [1, 2, 1, 2]
    how = {"mean": trained.mean, "std": trained.std, "preprocess": trained.preprocessing}
    integers = network.quantize(place / "set", input_size=trained.size, method="minmax", **how)  # type: ignore[arg-type]
    assert integers.plan(multipliers=64).plan.name == "own"
    assert repr(trained) == (
        f"<TrainedCheckpoint {tmp_path / 'own.pth'}: (4, 4, 6) (1, 2, 1) (1, 2, 2) of qarepvgg, 3 classes, "
        "2 epochs of 24 images>"
    )
    with pytest.raises(AttributeError):
        trained.classes = 4  # type: ignore[misc]


def test_progress_and_an_unfinished_training(place: Path, tmp_path: Path) -> None:
    """What is told; an exception in it ends the training, which `resume` then goes on with."""
    told: list[tuple[float | None, str]] = []

    def listen(share: float | None, what: str) -> None:
        told.append((share, what))
        if len(told) == 5:
            raise KeyboardInterrupt

    def trained(name: str, **words: Any) -> TrainedCheckpoint:
        return repvgg_hw.train(place / "set.npz", tmp_path / name, save_every=1, **SMALL, **words)

    with pytest.raises(KeyboardInterrupt):
        trained("cut.pth", progress=listen)
    assert told[0] == (0.0, "")
    assert [share for share, _ in told[1:]] == [1 / 6, 2 / 6, 3 / 6, 4 / 6]
    assert "epoch 2 of 2, loss " in told[-1][1]
    assert state_path(tmp_path / "cut.pth").exists()
    assert not (tmp_path / "cut.pth").exists()
    resumed, whole = trained("cut.pth", resume=True), trained("whole.pth")
    assert sha256(resumed.output) == sha256(whole.output)


@pytest.mark.parametrize(
    ("words", "typed"),
    [
        ({"model": "A0", "widths": (4, 4)}, ("--model", "A0", "--widths", "4,4")),
        ({"model": "A0", "depths": (1, 2)}, ("--model", "A0", "--depths", "1,2")),
        ({"model": "A0", "strides": (2, 2)}, ("--model", "A0", "--strides", "2,2")),
        ({"widths": (4, 4), "scales": "net.pth"}, ("--widths", "4,4", "--scales", "net.pth")),
        ({"widths": (4, 4), "no_save": True, "save_every": 3},
         ("--widths", "4,4", "--no-save", "--save-every", "3")),
        ({"widths": (4, 4), "no_save": True, "resume": True}, ("--widths", "4,4", "--no-save", "--resume")),
        ({}, ()),
        ({"model": "Z9"}, ("--model", "Z9")),
        ({"widths": (4, 4), "depths": (1,)}, ("--widths", "4,4", "--depths", "1")),
        ({"widths": (4, 4), "depths": (2, 1)}, ("--widths", "4,4", "--depths", "2,1")),
        ({"widths": (4, 4)}, ("--widths", "4,4")),
        ({"widths": (4, 4), "mean": (0.5,)}, ("--widths", "4,4", "--mean", "0.5")),
        ({"widths": (4, 4), "std": (58.0, 57.0, 57.0)}, ("--widths", "4,4", "--std", "58,57,57")),
        ({"widths": (4, 4), "device": "tpu"}, ("--widths", "4,4", "--device", "tpu")),
        ({"widths": (4, 4), "val": "missing"}, ("--widths", "4,4", "--val", "missing")),
        ({"widths": (4, 4), "input_size": 8}, ("--widths", "4,4", "--input-size", "8")),
        ({"widths": (4, 4), "class_index": "x"}, ("--widths", "4,4", "--class-index", "x")),
        ({"widths": (4, 4), "batch_size": 8, "resume": True},
         ("--widths", "4,4", "--batch-size", "8", "--resume")),
        ({"model": "D2se", "block": "qarepvgg"}, ("--model", "D2se", "--block", "qarepvgg")),
        ({"widths": (4, 4), "log": "rows.txt"}, ("--widths", "4,4", "--log", "rows.txt")),
    ],
)  # fmt: skip
def test_the_same_is_refused_in_the_same_words(
    words: dict[str, Any], typed: tuple[str, ...], place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(place)
    done = CliRunner().invoke(main, ["-q", "train", "set.npz", *typed, "-o", "new.pth"])
    assert done.exit_code == 2
    said = done.stderr.removeprefix("error: ").partition(" (see ")[0].strip()
    said = said.removeprefix("Invalid value for '--log': ").replace(" or --qat", "")
    with pytest.raises(InputError) as refusal:
        repvgg_hw.train("set.npz", "new.pth", **words)
    assert in_python(str(refusal.value)) == in_python(said)
    assert not Path("new.pth").exists()


def in_python(text: str) -> str:
    """Options as keywords: --save-every is save_every."""
    return re.sub("--([a-z-]+)", lambda option: option[1].replace("-", "_"), text)


@pytest.mark.parametrize("name", RECIPE)
def test_numbers_have_the_limits_of_the_commands_options(name: str) -> None:
    kind = next(option for option in command.params if option.name == name).type
    if name in ("augment", "amp"):
        return
    values = (-1, -0.5, 0, 0.5, 1, 1.5, 2, 100_000, 100_001, 1 << 20, (1 << 20) + 1, 2**63 - 1, 2**63)
    for value in (*values, float("nan"), float("inf")):
        words: dict[str, Any] = {name: value}
        try:
            kind.convert(str(value), None, None)
        except click.BadParameter:
            with pytest.raises(InputError, match=f"^{'batch_size' if name == 'batch' else name}: "):
                replace(Recipe(), **words)
        else:
            assert vars(replace(Recipe(), **words))[name] == value


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"data": pixels()}, "labels are missing: an array has one for each image"),
        ({"labels": LABELS}, "labels go with an array: files have their own"),
        ({"val_labels": LABELS}, "val_labels belongs to val"),
        ({"val": pixels()}, "val_labels are missing"),
        ({"val": pixels()[:, :8], "val_labels": LABELS}, r"val is \(N, 12, 12, 3\), as data is"),
        ({"val": pixels(), "val_labels": LABELS + 1}, "labels run from 1 to 3"),
        ({"data": pixels(), "labels": LABELS[1:]}, "labels are 24 integers, one for each image"),
        ({"data": pixels() / 255, "labels": LABELS}, r"images are \(N, H, W, C\) uint8"),
        ({"data": pixels(), "labels": LABELS * 0}, "at least two classes"),
        ({"data": pixels(), "labels": LABELS, "input_size": 8, "channels": 3},
         "input_size and channels: of files alone"),
        ({"data": pixels(), "labels": LABELS, "class_index": "x"}, "class_index: of files alone"),
        ({"output": "net.npz"}, r"ends in \.pth or \.safetensors"),
        ({"workers": 0}, "workers: 0 is not a whole number from 1 to 256"),
        ({"save_every": 0}, "save_every: 0 is not a whole number"),
        ({"channels": 0}, "channels: 0 is not a whole number from 1 to 3"),
        ({"input_size": 0}, "input_size: 0 is not a whole number"),
        ({"widths": (4, 0)}, "widths: 0 is not a whole number from 1"),
        ({"block": "nope"}, "unknown block 'nope'; choose one of plain"),
    ],
)  # fmt: skip
def test_what_only_python_can_say_wrongly(
    words: dict[str, Any], said: str, place: Path, tmp_path: Path
) -> None:
    given = {"data": place / "set.npz", "widths": (4, 4), "batch_size": 8, "epochs": 1, **words}
    output = tmp_path / given.pop("output", "new.pth")
    with pytest.raises(InputError, match=said):
        repvgg_hw.train(given.pop("data"), output, **given)
    assert not list(tmp_path.iterdir())


def test_every_option_of_the_command_is_a_keyword() -> None:
    """With its name and default; those of --qat are told to other stages."""
    options = {max(p.opts, key=len)[2:].replace("-", "_") for p in command.params if p.opts[0][0] == "-"}
    shown = {"json", "quiet", "verbose", "output", "qat"}
    of_qat = {name[2:].replace("-", "_") for name in (*QAT_ONLY, *WIDTHS)}
    parameters = inspect.signature(repvgg_hw.train).parameters.values()
    found = {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}
    assert set(found) - {"labels", "val_labels", "progress"} == options - shown - of_qat
    recipe = vars(Recipe())
    assert {name: found["batch_size" if name == "batch" else name] for name in recipe} == recipe


def test_torch_is_imported_by_training_alone_and_its_package_hides_nothing() -> None:
    code = "import sys; from repvgg_hw import train, TrainedCheckpoint; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
    code = "import repvgg_hw.training.recipe, repvgg_hw.api.trained; assert callable(repvgg_hw.train)"
    subprocess.run([sys.executable, "-c", code], check=True)
