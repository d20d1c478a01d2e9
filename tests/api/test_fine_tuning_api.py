"""`LoadedNetwork.fine_tune`: the file of `train --qat` byte for byte, and what it refuses."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import repvgg_hw
from repvgg_hw.api import LoadedNetwork
from repvgg_hw.cli import main
from repvgg_hw.errors import InputError
from repvgg_hw.files import sha256
from repvgg_hw.model.images import synthetic
from repvgg_hw.model.preprocessing import preprocessing
from repvgg_hw.network import Architecture
from repvgg_hw.training.finish import finish
from repvgg_hw.training.start import new_network
from tests.abuse import world

SHAPE = Architecture("custom", (4, 4, 6), (1, 2, 1), (2, 2, 2), num_classes=2)
PIXELS = synthetic(12, (3, 16, 16), 0)
LABELS = np.arange(12) % 2


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint, and images as .npz and as class folders."""
    folder = tmp_path_factory.mktemp("fine-tuning")
    finish(new_network(SHAPE, "repvgg", 0), SHAPE, "repvgg", folder / "net.pth")
    np.savez(folder / "set.npz", images=PIXELS, labels=LABELS)
    world.pictures(folder / "set", 12)
    return folder


@pytest.fixture(scope="module")
def loaded(place: Path) -> LoadedNetwork:
    return repvgg_hw.load(place / "net.pth")


@pytest.mark.parametrize("folders", [False, True])
def test_fine_tuned_integers_are_the_commands_byte_for_byte(
    place: Path, loaded: LoadedNetwork, tmp_path: Path, folders: bool
) -> None:
    images = place / ("set" if folders else "set.npz")
    typed = ("--weight-bits", 4, "--method", "minmax", "--epochs", 3, "--batch-size", 4, "--rate", 0.02)
    sized = ("--input-size", 8) if folders else ("--val", images)
    output = ("-o", tmp_path / "typed.npz", "--json")
    words = ("-q", "train", images, "--qat", place / "net.pth", *typed, *sized, *output)
    done = CliRunner().invoke(main, [*map(str, words)])
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    files = {"input_size": 8, "preprocess": preprocessing("timm", 1.0)} if folders else {}
    start = loaded.quantize(images, method="minmax", weight_bits=4, **files)  # type: ignore[arg-type]
    told: list[float | None] = []
    tuned = loaded.fine_tune(
        start,
        images,
        epochs=3,
        batch_size=4,
        rate=0.02,
        val=None if folders else images,
        progress=lambda share, what: told.append(share),
    )
    assert (tuned.kept, tuned.loss_after) == (said["kept"], said["loss_after"])
    assert sha256(tuned.network.save(tmp_path / "called.npz")) == sha256(tmp_path / "typed.npz")
    assert tuned.top1 == said["val"]
    assert (tuned.top1 is None) == folders
    assert told[0] == 0.0
    assert told[-1] == 1.0
    assert tuned.network.options == start.options
    assert f"<FineTunedNetwork net: distance from the float network {tuned.loss_before:.4g}, " in repr(tuned)


def test_what_fine_tuning_refuses(
    place: Path, loaded: LoadedNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = place / "set.npz"
    start = loaded.quantize(images, method="minmax")
    cases: list[tuple[dict[str, Any], str]] = [
        ({"class_index": "x"}, "class_index: labels are used by val alone"),
        ({"val_labels": LABELS}, "val_labels: labels are used by val alone"),
        ({"val": PIXELS}, "evaluation needs labels"),
        ({"batch_size": 13}, "12 images do not fill one batch of 13"),
        ({"images": PIXELS[:, :8]}, r"data is \(N, 16, 16, 3\) uint8"),
        ({"workers": 0}, "workers: 0 is not"),
        ({"augment": "x"}, "unknown augmentation 'x'"),
    ]
    for words, said in cases:
        given = {"images": images, "batch_size": 4, **words}
        with pytest.raises(InputError, match=said):
            loaded.fine_tune(start, **given)
    other = repvgg_hw.random_network("A0", classes=2)
    with pytest.raises(InputError, match="A0 has random weights: there is nothing to teach"):
        other.fine_tune(start, images)
    backbone = repvgg_hw.load(place / "net.pth", head="none")
    with pytest.raises(InputError, match="are not of the checkpoint given"):
        backbone.fine_tune(start, images)
    with pytest.raises(InputError, match="--val measures classes, and this network has no linear layer"):
        backbone.fine_tune(backbone.quantize(images, method="minmax"), images, val=images)
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(InputError, match="fine-tuning runs in one process"):
        loaded.fine_tune(start, images)


def test_noise_that_was_measured_before_is_not_said_of_what_was_tuned(loaded: LoadedNetwork) -> None:
    start = loaded.quantize(PIXELS, method="minmax", weight_bits=4)
    assert "sqnr_db" in start.integers.provenance["quantization"]
    tuned = loaded.fine_tune(start, PIXELS, epochs=1, batch_size=8)
    assert "sqnr_db" not in tuned.network.integers.provenance["quantization"]
    assert "fine_tuned" in tuned.network.integers.provenance["quantization"]


def test_its_recipe_is_trainings_but_where_the_commands_help_says_so() -> None:
    tuned = inspect.signature(LoadedNetwork.fine_tune).parameters
    trained = inspect.signature(repvgg_hw.train).parameters
    shared = {name: value.default for name, value in tuned.items() if name in trained}
    assert {*shared} == {*tuned} - {"self", "integers", "images", "preprocess"}
    apart = {name: value for name, value in shared.items() if value != trained[name].default}
    assert apart == {"batch_size": 32, "warmup": 1.0, "rate": 0.15, "augment": "jitter"}
