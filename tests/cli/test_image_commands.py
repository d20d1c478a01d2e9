"""Images on the command line: sizes, preprocessing and its record in the design, class folders, units."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result
from PIL import Image

from repvgg_hw import design as designs
from repvgg_hw.api.pictures import Pictures
from repvgg_hw.checkpoint import load_fused, random_model
from repvgg_hw.cli import main
from repvgg_hw.model.images import load_images
from repvgg_hw.model.preprocessing import NONE, preprocessing
from repvgg_hw.network import Architecture
from repvgg_hw.plan.stream.plan import Plan
from repvgg_hw.quantize import forward

CLASSES = ("ant", "bee", "cat", "dog", "elk")
SIZE = (33, 20)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network of five classes, and photographs of all kinds of sizes in folders of four of them."""
    folder = tmp_path_factory.mktemp("images")
    shape = Architecture("tiny", widths=(8, 8, 16), depths=(1, 2, 1), strides=(2, 2, 2), num_classes=5)
    torch.save(random_model(shape, seed=1).state_dict(), folder / "net.pth")
    rng = np.random.default_rng(0)
    for name, count in (("val", 3), ("train", 6)):
        for label in ("ant", "cat", "dog", "elk"):
            (folder / name / label).mkdir(parents=True)
            for i in range(count):
                pixels = rng.integers(0, 256, (*rng.integers(40, 90, 2), 3), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / name / label / f"{i}.png")
    (folder / "classes.json").write_text(json.dumps(CLASSES))
    return folder


def run(command: str, *arguments: object) -> Result:
    return CliRunner().invoke(main, [command, *map(str, arguments)])


def generate(files: Path, out: Path, *options: object) -> Result:
    known = ("--weights", files / "net.pth", "--calibration", files / "train", "--method", "minmax")
    return run("generate", *known, "-o", out, *options)


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_generate_records_how_images_came_to_the_size_and_simulate_does_the_same(
    files: Path, tmp_path: Path
) -> None:
    done = generate(files, tmp_path / "net", "--input-size", "33x20", "--preprocess", "timm")
    assert done.exit_code == 0, done.output
    assert f"next: repvgg-hw simulate {tmp_path / 'net'} --images {files / 'train'} --limit 4" in done.stdout
    design = designs.load(tmp_path / "net")
    assert design.network.in_shape == (3, *SIZE)
    assert isinstance(design.plan, Plan)
    assert (design.plan.convs[0].height, design.plan.convs[0].width) == SIZE
    assert design.options["preprocess"] == {"kind": "timm", "crop_pct": 0.875, "interpolation": "bilinear"}
    for chosen, expected in ((None, preprocessing("timm")), (preprocessing("resize"),) * 2):
        pixels, _ = Pictures(files / "val", preprocessing=chosen).of(design)
        assert np.array_equal(pixels, load_images(files / "val", size=SIZE, preprocessing=expected).pixels)
    with pytest.raises(Exception, match="must have one size"):
        Pictures(files / "val", preprocessing=NONE).of(design)


def test_simulate_gives_top_1_only_where_folders_are_classes(
    files: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "repvgg_hw")
    assert generate(files, tmp_path / "net", "--input-size", 16, "--preprocess", "resize").exit_code == 0
    design = designs.load(tmp_path / "net")
    assert Pictures(files / "val").of(design)[1] is None
    assert "no top-1: 4 class folders, the network has 5 classes; --class-index" in caplog.text
    labels = Pictures(files / "val", class_index=files / "classes.json").of(design)[1]
    assert labels is not None
    assert labels.tolist() == [label for label in (0, 2, 3, 4) for _ in range(3)]


def test_options_of_images_need_images(files: Path, tmp_path: Path) -> None:
    assert generate(files, tmp_path / "net", "--input-size", 16, "--preprocess", "resize").exit_code == 0
    for options in (("--preprocess", "timm"), ("--class-index", files / "classes.json")):
        done = run("simulate", tmp_path / "net", *options)
        assert done.exit_code == 2
        assert "belongs to --images" in done.stderr


def test_images_of_any_size_need_a_word_about_it(files: Path, tmp_path: Path) -> None:
    for options, message in (
        ((), "--preprocess resize or timm"),
        (("--input-size", 32), "--preprocess resize or timm"),
        (("--preprocess", "timm"), "give --input-size"),
        (("--crop-pct", 0.9), "--crop-pct belongs to --preprocess timm"),
        (("--input-size", "3 by 4"), "not a size in pixels"),
    ):
        done = generate(files, tmp_path / "net", *options)
        assert done.exit_code == 2, done.output
        assert message in done.stderr
        assert not (tmp_path / "net").exists()


def evaluate(files: Path, *options: object) -> Result:
    folders = ("--data", files / "val", "--calibration", files / "train")
    size = ("--input-size", "33x20", "--preprocess", "timm", "--method", "minmax", "--json")
    return run("evaluate", files / "net.pth", *folders, *size, *options)


def test_evaluate_maps_a_subset_of_the_classes_and_refuses_without_an_index(files: Path) -> None:
    done = evaluate(files)
    assert done.exit_code == 2
    assert "4 class folders (ant, cat, dog, ...), but the network has 5 classes: --class-index" in done.stderr
    done = evaluate(files, "--class-index", files / "classes.json")
    assert done.exit_code == 0, done.output
    images = load_images(files / "val", size=SIZE, preprocessing=preprocessing("timm"))
    fused = load_fused(str(files / "net.pth"))
    logits = forward.float_outputs(fused, images.pixels, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    expected = int((logits.argmax(axis=1) == np.repeat((0, 2, 3, 4), 3)).sum())
    assert json.loads(done.stdout)["methods"][0]["float"]["correct"] == expected


@pytest.mark.parametrize("command", [generate, evaluate])
def test_units_of_0_to_255_are_refused(files: Path, tmp_path: Path, command: object) -> None:
    units = ("--mean", "123.675,116.28,103.53", "--std", "58.395,57.12,57.375")
    if command is generate:
        done = generate(files, tmp_path / "net", "--input-size", 16, "--preprocess", "resize", *units)
    else:
        done = evaluate(files, "--class-index", files / "classes.json", *units)
    assert done.exit_code == 2
    assert "units of 0..255" in done.stderr
    assert "--mean 0.485,0.456,0.406 --std 0.229,0.224,0.225" in done.stderr
    assert not (tmp_path / "net").exists()


def test_other_commands_take_the_same_sizes(files: Path) -> None:
    done = run("models", "--input-size", "64x32", "--json")
    assert json.loads(done.stdout)["input_size"] == [64, 32]
    square = json.loads(run("models", "--input-size", "64", "--json").stdout)
    half = json.loads(done.stdout)["models"][0]["macs"] / square["models"][0]["macs"]
    assert 0.49 < half < 0.51  # the linear layer is the same
    done = run("inspect", files / "net.pth", "--input-size", "33x20", "--json")
    found = json.loads(done.stdout)
    assert [layer["map"] for layer in found["layers"]] == [[17, 10], [9, 5], [9, 5], [5, 3]]
