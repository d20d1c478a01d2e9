"""`train --qat` from a checkpoint to the integers that `generate --integers` takes as they are."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from repvgg_hw import design
from repvgg_hw.checkpoint import load_fused
from repvgg_hw.cli import main
from repvgg_hw.design.network_file import load_network
from repvgg_hw.model.images import synthetic
from repvgg_hw.network import Architecture
from repvgg_hw.training.data import unlabelled
from repvgg_hw.training.finish import finish
from repvgg_hw.training.recipe import Recipe
from repvgg_hw.training.start import new_network
from repvgg_hw.training.tune import tune

SMALL = Architecture("custom", (4, 4, 6), (1, 2, 1), (2, 2, 2), num_classes=3)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("qat")
    finish(new_network(SMALL, "orepa", 0), SMALL, "orepa", folder / "net.pth")
    images = synthetic(12, (3, 16, 16), 0)
    np.savez(folder / "bare.npz", images=images)
    np.savez(folder / "set.npz", images=images, labels=np.arange(12) % 3)
    return folder


def run(place: Path, *words: object) -> Result:
    base = ("train", place / "bare.npz", "--qat", place / "net.pth")
    return CliRunner().invoke(main, [*map(str, (*base, "--epochs", 3, "--batch-size", 4, *words))])


def test_integers_are_generated_as_they_are(place: Path, tmp_path: Path) -> None:
    output, built = tmp_path / "tuned.npz", tmp_path / "design"
    words = (
        "--method",
        "minmax",
        "--weight-bits",
        4,
        "--activation-bits",
        5,
        "-o",
        output,
        "--json",
        "--val",
        place / "set.npz",
    )
    done = run(place, "--method", "minmax", *words)
    assert done.exit_code == 0, done.output
    result = json.loads(done.stdout)
    assert set(result["val"]) == {"float", "before", "after"}
    assert result["loss_after"] < result["loss_before"] or result["kept"]
    network = load_network(output)
    assert {conv.weight_bits for conv in network.convs} == {4}
    assert {conv.out_bits for conv in network.convs} == {5}
    assert network.name == "net"
    generated = CliRunner().invoke(main, ["generate", "--integers", str(output), "-o", str(built), "--json"])
    assert generated.exit_code == 0, generated.output
    record = json.loads(generated.stdout)["provenance"]
    assert record["method"] == "minmax"
    assert (built / "network.npz").read_bytes() == output.read_bytes()
    assert design.load(built).network.convs[0].weight.tolist() == network.convs[0].weight.tolist()


def test_a_second_round_begins_with_the_integers_of_the_first(place: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "first.npz", tmp_path / "second.npz"
    assert run(place, "--method", "minmax", "--weight-bits", 4, "-o", first).exit_code == 0
    done = run(place, "--integers", first, "--rate", 0.05, "-o", second, "--json")
    assert done.exit_code == 0, done.output
    result = json.loads(done.stdout)
    assert result["integers"] == str(first)
    fused, images = load_fused(place / "net.pth"), np.load(place / "bare.npz")["images"]
    recipe = Recipe(3, 4, rate=0.05, warmup=1, augment="jitter", seed=0)
    expected = tune(load_network(first), fused, unlabelled(images), recipe)
    assert result["loss_before"] == expected.loss_before
    got = load_network(second)
    for conv, same in zip(got.convs, expected.network.convs, strict=True):
        assert conv.weight.tolist() == same.weight.tolist()
        assert conv.bias.tolist() == same.bias.tolist()
    assert {conv.weight_bits for conv in got.convs} == {4}


def test_a_round_that_finds_nothing_better_leaves_what_it_began_with(place: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "first.npz", tmp_path / "second.npz"
    assert run(place, "--method", "minmax", "--weight-bits", 4, "--epochs", 60, "-o", first).exit_code == 0
    done = run(place, "--integers", first, "--rate", 50, "--epochs", 1, "-o", second, "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["kept"]
    before, after = load_network(first), load_network(second)
    assert before.provenance["quantization"]["fine_tuned"]
    assert after.provenance == before.provenance
    assert [c.weight.tolist() for c in after.convs] == [c.weight.tolist() for c in before.convs]


def test_integers_of_another_network_or_size_are_refused(place: Path, tmp_path: Path) -> None:
    assert run(place, "--method", "minmax", "-o", tmp_path / "a.npz").exit_code == 0
    finish(new_network(SMALL, "orepa", 1), SMALL, "orepa", tmp_path / "other.pth")
    for words, message in (
        (("--qat", tmp_path / "other.pth"), "are not of the checkpoint given (other), but of"),
        (("--head", "none"), "are not of the checkpoint given as it is read here: read it with the head"),
        (("--input-size", "20x16"), "--input-size 20x16: "),
    ):
        done = run(place, "--integers", tmp_path / "a.npz", *words, "-o", tmp_path / "b.npz")
        assert done.exit_code == 2
        assert message in done.stderr
        assert not (tmp_path / "b.npz").exists()


def test_other_words_and_json_say_the_same(place: Path, tmp_path: Path) -> None:
    done = run(place, "--method", "minmax", "-o", tmp_path / "tuned.npz", "--val", place / "set.npz")
    assert done.exit_code == 0, done.output
    assert "distance from the float network" in done.stdout
    assert f"next: repvgg-hw generate --integers {tmp_path / 'tuned.npz'}" in done.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("-o", "net.pth"), "--qat writes integers, in a file that ends in .npz"),
        (("-o", "a.npz", "--block", "dbb"), "--block means nothing beside --qat"),
        (("-o", "a.npz", "--ema", "0.9"), "--ema means nothing beside --qat"),
        (("-o", "a.npz", "--model", "A0"), "--model and --qat exclude each other"),
        (("-o", "a.npz", "--bits", "x", "--weight-bits", "4"), "exclude each other"),
        (("-o", "a.npz", "--batch-size", "13"), "do not fill one batch of 13"),
        (("-o", "a.npz", "--val", "bare.npz"), "training needs 'labels'"),
    ],
)
def test_wrong_input(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bare.npz").write_bytes((place / "bare.npz").read_bytes())
    done = run(place, "--method", "minmax", *words)
    assert done.exit_code == 2
    assert message in done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"bare.npz"}


def test_options_of_fine_tuning_need_it_and_its_file_needs_its_option(place: Path, tmp_path: Path) -> None:
    base = ["train", str(place / "set.npz"), "--widths", "4,4", "--batch-size", "4"]
    for words, message in (
        (("--weight-bits", "4", "-o", "a.pth"), "--weight-bits belongs to --qat"),
        (("--method", "gptq", "-o", "a.pth"), "--method belongs to --qat"),
        (("-o", "a.npz"), "integers are what --qat writes"),
    ):
        done = CliRunner().invoke(main, [*base, *words])
        assert done.exit_code == 2
        assert message in done.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--integers", "missing.npz"), "missing.npz: no such file"),
        (("--integers", "bare.npz"), "error: bare.npz"),
        (("--integers", "a.npz", "--weights", "net.pth"), "--weights and --integers exclude each other"),
        (("--integers", "a.npz", "--method", "gptq"), "--method means nothing beside --integers"),
        (("--integers", "a.npz", "--calibration", "images"), "--calibration belongs to --weights"),
    ],
)
def test_integers_decide_everything(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], message: str
) -> None:
    monkeypatch.chdir(place)
    done = CliRunner().invoke(main, ["generate", *words, "-o", str(tmp_path / "design")])
    assert done.exit_code == 2
    assert message in done.stderr


def test_fine_tuning_has_a_batch_of_its_own(place: Path, tmp_path: Path) -> None:
    base = ["train", str(place / "bare.npz"), "--qat", str(place / "net.pth"), "-o", str(tmp_path / "a.npz")]
    done = CliRunner().invoke(main, base)
    assert done.exit_code == 2
    assert "12 images do not fill one batch of 32" in done.stderr
