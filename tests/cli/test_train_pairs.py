"""Pairs of options of `train`: refused by a rule, or both reach the training.

As in test_pairs.py the command really runs, and what it hands to the loop is recorded in the loop's place.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from repvgg_hw.api.quantizer import Quantized, Quantizer
from repvgg_hw.checkpoint import load_fused
from repvgg_hw.cli import main
from repvgg_hw.design.network_file import save_network
from repvgg_hw.network import Architecture, FusedNetwork
from repvgg_hw.quantize import quantize
from repvgg_hw.training import finish, loop, tune
from repvgg_hw.training.data import Data
from repvgg_hw.training.start import new_network
from tests.abuse import world
from tests.abuse.pairs import RULE, Sample
from tests.abuse.training import SAMPLES

# They go together, where the scales are those of the same network: these are not.
# Likewise integers of the checkpoint as it is read, for the images' size.
COMPATIBLE = (
    *({"--depths", "--scales"}, {"--strides", "--scales"}),
    *({"--input-size", "--integers"}, {"--head", "--integers"}),
)
BASE = ("-q", "train", "images", "--input-size", "8", "--epochs", "1", "--batch-size", "2")
NORM: dict[str, Any] = {"mean": (0.5,) * 3, "std": (0.5,) * 3}
OUTPUTS = ("new.pth", "new.npz", "log.csv")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint, images, and what the samples name."""
    folder = tmp_path_factory.mktemp("pairs")
    world.save(folder)
    world.pictures(folder / "small", 12, 4)
    small = Architecture("custom", (4, 4), (1, 1), (2, 2), num_classes=2)
    torch.save(new_network(small, "repopt-search", 1).state_dict(), folder / "scales.pth")
    start = quantize(
        load_fused(folder / "net.pth"), np.zeros((2, 8, 8, 3), np.uint8), method="minmax", **NORM
    )
    save_network(start, folder / "ints.npz")
    (folder / "classes.json").write_text(json.dumps({"cat": 1, "dog": 0}))
    (folder / "bits.json").write_text(json.dumps({"weights": 5, "activations": 6}))
    return folder


def described(data: Data | None) -> object:
    if data is None:
        return None
    pixels = data.batch(np.arange(len(data))).numpy().tobytes()
    return hashlib.sha256(pixels).hexdigest(), data.labels.tolist(), data.classes, data.channels, data.size


@pytest.fixture
def handed(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the command handed on; nothing is trained, and fine-tuning begins with integers of one method."""
    record: list[Any] = []

    def train(network: Any, data: Data, recipe: Any, around: Any, **others: Any) -> Any:
        state = network.state_dict()
        total = {key: float(value.double().sum()) for key, value in state.items()}
        record.append((total, described(data), recipe, around, described(others["validation"])))
        record.append(others["log"]._path)
        return network

    def finished(network: Any, architecture: Any, block: str, path: Path) -> finish.Finished:
        record.append((architecture, block))
        path.touch()
        return finish.Finished(None, 0.0, {})  # type: ignore[arg-type]  # of which nothing is printed

    def quantized(
        self: Quantizer, fused: FusedNetwork, pixels: Any, progress: Any, *, measure: bool
    ) -> Quantized:
        weights = [float(conv.weight.sum()) for conv in fused.convs], fused.linear is None
        record.append((self, weights, hashlib.sha256(pixels.tobytes()).hexdigest()))
        integers = quantize(fused, pixels, method="minmax", **NORM)
        return Quantized(integers, cached=False)

    def tuned(network: Any, fused: Any, data: Data, recipe: Any, **others: Any) -> tune.Tuned:
        teacher = [float(conv.weight.sum()) for conv in fused.convs]
        record.append((teacher, described(data), recipe, others["workers"]))
        return tune.Tuned(network, 0.0, 0.0, False)

    monkeypatch.setattr(loop, "train", train)
    monkeypatch.setattr(finish, "finish", finished)
    monkeypatch.setattr(Quantizer, "quantize", quantized)
    monkeypatch.setattr(tune, "tune", tuned)
    return record


def line(*options: tuple[Sample, bool]) -> list[str]:
    """The command with these options, or only with what they need; with a network, where none is said."""
    typed = [word for sample, given in options for word in (*sample.needs, *(sample.typed if given else ()))]
    named = {"--model", "--widths", "--qat"} & {*typed}
    return [*BASE, "-o", "new.pth", *(() if named else ("--widths", "4,4")), *typed]


def test_both_of_a_pair_reach_the_training(
    place: Path, handed: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(place)
    known: dict[tuple[str, ...], tuple[Any, ...]] = {}

    def outcome(*options: tuple[Sample, bool]) -> tuple[Any, ...]:
        words = line(*options)
        if tuple(words) not in known:
            handed.clear()
            for name in OUTPUTS:
                Path(name).unlink(missing_ok=True)
            result = CliRunner().invoke(main, words)
            written = [Path(name).exists() for name in OUTPUTS]
            known[tuple(words)] = result.exit_code, result.stdout, result.stderr, written, repr(handed)
        return known[tuple(words)]

    wrong, refused = [], 0
    for first, second in itertools.combinations(SAMPLES.values(), 2):
        pair = {first.typed[0], second.typed[0]}
        if first.options & second.options - {"--qat", "--widths"} or first.typed[0] in second.needs:
            continue
        if pair in COMPATIBLE:
            continue
        both = outcome((first, True), (second, True))
        name = f"{first.typed[0]} {second.typed[0]}"
        if both[0] == 2:
            refused += 1
            if not (RULE.search(both[2]) and any(o in both[2] for o in first.options | second.options)):
                wrong.append(f"{name}: refused, and no rule says so: {both[2]}")
            continue
        if both[0]:
            wrong.append(f"{name}: {both[2]}")
            continue
        if both == outcome((first, True), (second, False)):
            wrong.append(f"{name}: {second.typed[0]} changes nothing")
        if both == outcome((first, False), (second, True)):
            wrong.append(f"{name}: {first.typed[0]} changes nothing")
    assert not wrong, "\n".join(wrong)
    assert 100 < refused < len(known) / 2
