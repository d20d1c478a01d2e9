"""Accuracy in the report: what evaluate found of this network, what generate recorded, what is missing."""

from __future__ import annotations

import json
import shutil
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from numpy.typing import NDArray

import repvgg_hw
from repvgg_hw.api import GeneratedDesign, LoadedNetwork
from repvgg_hw.checkpoint.files import save_state
from repvgg_hw.cli import main
from repvgg_hw.design import accuracy
from repvgg_hw.design.results import SimulationResult
from repvgg_hw.errors import InputError
from repvgg_hw.model.images import load_images
from repvgg_hw.report import pictures, summarize, write_html
from tests.abuse import world


def run(*arguments: object) -> tuple[int, str]:
    done = CliRunner().invoke(main, [str(a) for a in arguments])
    return done.exit_code, done.output


@pytest.fixture(scope="module", autouse=True)
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder of kept integers and accuracies of its own: what other tests evaluated is not known here."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("kept")
        patch.setenv("XDG_CACHE_HOME", str(folder))
        yield folder / "repvgg-hw/quantized"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, kept: Path) -> Path:
    """A checkpoint, another one, images, a design."""
    folder = tmp_path_factory.mktemp("quality")
    world.save(folder)
    save_state(folder / "other.safetensors", world.network(1))
    weights = ("--weights", folder / "net.pth", "--calibration", folder / "images", "--method", "minmax")
    assert run("generate", *weights, "-o", folder / "design")[0] == 0
    return folder


@pytest.fixture
def design(place: Path, tmp_path: Path) -> GeneratedDesign:
    """A copy of its own."""
    shutil.copytree(place / "design", tmp_path / "design")
    return repvgg_hw.open_design(tmp_path / "design")


@pytest.fixture(scope="module")
def loaded(place: Path) -> LoadedNetwork:
    return repvgg_hw.load(place / "net.pth")


def conv(x: NDArray[Any], weight: NDArray[Any], bias: NDArray[Any], stride: int) -> NDArray[np.float64]:
    """3x3 with a border of zeros, in float64."""
    image, kernel, start = (torch.from_numpy(np.asarray(array, np.float64)) for array in (x, weight, bias))
    return np.asarray(torch.conv2d(image, kernel, start, stride, 1))


def test_generate_records_each_layer_s_noise(
    place: Path, design: GeneratedDesign, loaded: LoadedNetwork
) -> None:
    """Of the first layer as the definition says: each channel's integers times the factor that fits best."""
    network = design.contents.network
    noise = accuracy.of_calibration(network)
    assert noise is not None
    assert (noise.on, noise.images) == ("calibration", 6)
    assert list(noise.layers) == [layer.name for layer in design.plan.layers]
    layer, integer = loaded.fused.convs[0], network.convs[0]
    pixels = load_images(place / "images").pixels.transpose(0, 3, 1, 2) / 255
    x = (pixels - np.reshape(network.mean, (3, 1, 1))) / np.reshape(network.std, (3, 1, 1))
    y = np.maximum(conv(x, layer.weight, layer.bias, layer.stride), 0)
    q = np.clip(np.rint(x / network.input_scale), -128, 127)
    factor = (integer.multiplier / 2.0**integer.shift)[:, None, None]
    got = np.clip(np.floor(conv(q, integer.weight, integer.bias, integer.stride) * factor + 0.5), 0, 255)
    left = 0.0
    for channel in range(len(layer.weight)):
        a, b = y[:, channel].ravel(), got[:, channel].ravel()
        left += float(((a - b * (a @ b) / max(1, b @ b)) ** 2).sum())
    assert noise.layers[layer.name] == pytest.approx(10 * np.log10((y**2).sum() / left), abs=0.05)


def test_what_nobody_measured_is_said(design: GeneratedDesign) -> None:
    said = summarize(design.contents).quality
    assert said.rows == ()
    assert [line.partition(":")[0] for line in said.missing] == ["float network", "hardware"]
    page = write_html(summarize(design.contents)).read_text()
    assert "Float network: not measured on labelled images" in page
    assert "Hardware: not simulated on labelled images" in page
    assert "on 6 images of calibration" in page
    network = design.contents.network
    old = replace(network, provenance={**network.provenance, "quantization": {"sqnr_db": {"images": "six"}}})
    without = replace(design.contents, network=old)
    assert "each layer's noise: not recorded with these integers" in summarize(without).quality.missing
    random = replace(design.contents, options={"random": True})
    assert summarize(random).quality.missing == ("its weights are random: there is no accuracy",)
    headless = replace(design.contents, network=replace(network, linear=None))
    assert "it ends with a map and has no classes: there is no top-1" in summarize(headless).quality.missing


def test_evaluate_puts_float_and_integers_beside_the_hardware(place: Path, design: GeneratedDesign) -> None:
    typed = ("evaluate", place / "net.pth", "--data", place / "images", "--design", design.directory)
    code, said = run("-q", *typed, "--json")
    assert code == 0, said
    found = json.loads(said)["methods"][0]
    kept = accuracy.load(design.directory, design.contents.network)
    assert kept is not None
    assert (kept.data, kept.images) == ("images", 6)
    assert kept.float_correct == found["float"]["correct"]
    assert kept.integer_correct == found["integer"]["correct"]
    summary = summarize(design.contents)
    result = SimulationResult("verilog", "network", 4, 4, 0, (), (), 1, top1_golden=0.5, top1_simulated=0.25)
    shown = replace(summary, result=result)
    which = f"images (SHA-256 {kept.sha256[:12]}...)"
    rows = [(row.of, row.top1, row.images, row.on) for row in shown.quality.rows]
    assert rows == [
        ("float network", kept.float_correct / 6, 6, which),
        ("integer model", kept.integer_correct / 6, 6, which),
        ("integer model", 0.5, 4, "as simulated"),
        ("hardware", 0.25, 4, "as simulated"),
    ]
    assert shown.quality.missing == ()
    assert kept.noise is not None
    page = write_html(shown).read_text()
    assert "<td>hardware</td><td>25.00%</td><td>4</td>" in page
    assert "on 6 images of images" in page
    assert page.count("</b>of 4 images</div>") == 2  # the tiles, too
    assert f"top-1, float network: {kept.float_correct / 6:.2%} of 6 images, images" in str(shown)
    bars = [e for e in ET.fromstring(pictures.noise(kept.noise)).iter() if e.tag.endswith("rect")]
    assert len(bars) == len(kept.noise.layers) == len(design.plan.layers)


def test_what_evaluate_measured_first_is_in_the_design_of_these_integers(place: Path, kept: Path) -> None:
    """The tutorial's order: evaluate, generate, report."""
    for path in kept.glob("*.json"):
        path.unlink()
    known = ("--calibration", place / "images", "--method", "minmax")

    def report(name: str, *words: object) -> str:
        weights = ("--weights", place / "net.pth", *known)
        assert run("-q", "generate", *weights, "-o", place / name, *words)[0] == 0
        return run("-q", "report", place / name)[1]

    unknown = "float network: not measured on labelled images"
    evaluate = ("-q", "evaluate", place / "net.pth", "--data", place / "images.npz", *known)
    assert run(*evaluate, "--no-cache")[0] == 0
    assert unknown in report("before")
    code, said = run(*evaluate, "--json")
    assert code == 0
    found = json.loads(said)["methods"][0]
    own = report("behind")
    for of, name in (("float network", "float"), ("integer model", "integer")):
        line = f"top-1, {of}: {found[name]['top1'] / 100:.2%} of 4 images, images.npz (SHA-256 "
        assert line in own
    assert "signal over quantization noise, on 6 images of calibration" in own
    assert unknown in report("anew", "--no-cache")
    assert unknown in report("other", "--weight-bits", "7")
    save_state(place / "again.safetensors", world.network())
    assert unknown in report(
        "file", "--weights", place / "again.safetensors"
    )  # the same numbers, another file
    assert run(*evaluate, "--weight-bits", "7")[0] == 0
    assert unknown not in report("seven", "--weight-bits", "7") + report("still")
    for path in kept.glob("*.json"):
        path.write_text("{}")
    assert unknown in report("damaged")


def test_it_is_void_for_other_integers(place: Path, design: GeneratedDesign, loaded: LoadedNetwork) -> None:
    loaded.evaluate(design, place / "images")
    path = design.directory / accuracy.FILE
    assert summarize(design.contents).measured is not None
    network = design.contents.network
    other = replace(
        network, convs=(replace(network.convs[0], bias=network.convs[0].bias + 1), *network.convs[1:])
    )
    assert accuracy.load(design.directory, other) is None
    content = json.loads(path.read_text())
    for wrong in ({"integer_correct": 7}, {"images": "6"}, {"agreement": 101.0}):
        path.write_text(json.dumps(content | wrong))
        with pytest.raises(InputError, match="evaluate again: "):
            summarize(design.contents)


def test_another_checkpoint_is_refused(place: Path, design: GeneratedDesign, loaded: LoadedNetwork) -> None:
    typed = (
        "evaluate",
        place / "other.safetensors",
        "--data",
        place / "images",
        "--design",
        design.directory,
    )
    code, said = run("-q", *typed)
    assert code == 2
    assert "are not of the checkpoint given" in said
    assert not (design.directory / accuracy.FILE).exists()
    narrow = loaded.quantize(place / "images", method="minmax")
    convs = narrow.integers.convs
    cut = replace(narrow, integers=replace(narrow.integers, convs=convs[:-1]))
    with pytest.raises(InputError, match="are not of the checkpoint given"):
        loaded.evaluate(cut, place / "images")


def test_design_and_calibration_exclude_each_other(place: Path, design: GeneratedDesign) -> None:
    typed = ("evaluate", place / "net.pth", "--data", place / "images")
    assert "--calibration" in run("-q", *typed)[1]
    code, said = run("-q", *typed, "--design", design.directory, "--calibration", place / "images")
    assert code == 2
    assert "--calibration means nothing beside --design" in said
