"""The Python interface: what it imports, that it gives what the commands give, and what it refuses."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner

import repvgg_hw
from repvgg_hw import design as designs
from repvgg_hw.api import LoadedNetwork
from repvgg_hw.api.pictures import Pictures
from repvgg_hw.api.simulated import SimulatedDesign
from repvgg_hw.checkpoint import from_torch, random_model
from repvgg_hw.cli import main
from repvgg_hw.design import folder, results
from repvgg_hw.errors import CheckFailed, InputError
from repvgg_hw.model.images import synthetic
from repvgg_hw.network import Architecture
from repvgg_hw.plan.asked import OF_STREAMS, asked
from repvgg_hw.plan.folding import Folding

SHAPE = Architecture("small", widths=(4, 4, 8), depths=(1, 1, 1), strides=(2, 2, 1), num_classes=5)
PIXELS = synthetic(6, (3, 16, 16), 1)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint and images."""
    place = tmp_path_factory.mktemp("api")
    torch.save(random_model(SHAPE, seed=1).state_dict(), place / "net.pth")
    np.savez(place / "images.npz", images=PIXELS, labels=np.arange(6) % 5)
    return place


@pytest.fixture(scope="module")
def loaded(place: Path) -> LoadedNetwork:
    return repvgg_hw.load(place / "net.pth")


def test_importing_costs_nothing_until_a_part_is_asked_for() -> None:
    code = "import sys, repvgg_hw; sys.exit('numpy' in sys.modules or 'repvgg_hw.api' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
    code = "import sys; from repvgg_hw import open_design, load; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_all_that_is_named_is_there() -> None:
    assert sorted(repvgg_hw.__all__) == repvgg_hw.__all__
    assert set(repvgg_hw.__all__) <= set(dir(repvgg_hw))
    for name in repvgg_hw.__all__:
        assert getattr(repvgg_hw, name).__doc__
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = repvgg_hw.nothing


@pytest.mark.parametrize(
    ("words", "options"),
    [
        ({"multipliers": 64}, ("--multipliers", 64)),
        ({"winograd": 2, "multipliers": 200}, ("--winograd", 2, "--multipliers", 200)),
        ({"target": "hls", "fps": 999, "clock_mhz": 99}, ("--target", "hls", "--fps", 999, "--clock", 99)),
        ({"architecture": "engine", "multipliers": 99}, ("--architecture", "engine", "--multipliers", 99)),
        ({"device": "pynq-z2", "fill": 0.5}, ("--device", "pynq-z2", "--fill", 0.5)),
        ({"device": "pynq-z2", "phases": False, "winograd": "auto"},
         ("--device", "pynq-z2", "--no-phases", "--winograd", "auto")),
    ],
)  # fmt: skip
def test_a_design_is_the_commands_design_byte_for_byte(
    words: dict[str, Any], options: tuple[object, ...], place: Path, loaded: LoadedNetwork, tmp_path: Path
) -> None:
    typed = ("generate", "--weights", place / "net.pth", "--calibration", place / "images.npz")
    how = ("--calibration-limit", 4, "--method", "minmax", "-o", tmp_path / "typed")
    done = CliRunner().invoke(main, [*map(str, (*typed, *how, *options))])
    assert done.exit_code == 0, done.output
    plan = loaded.quantize(place / "images.npz", limit=4, method="minmax").plan(**words)
    design = plan.design(tmp_path / "called")
    names = folder.listed(design.directory)
    assert names == folder.listed(tmp_path / "typed")
    for name in names:
        assert (design.directory / name).read_bytes() == (tmp_path / "typed" / name).read_bytes(), name
    assert repvgg_hw.open_design(design.directory).plan.to_json() == plan.plan.to_json()


@pytest.mark.parametrize("name", OF_STREAMS)
def test_what_is_of_streams_alone_decides_for_one(name: str) -> None:
    value: Any = {"winograd": "auto", "phases": True, "dsp": "27x18", "folding": {}, "fps": 9.0}[name]
    words: dict[str, Any] = {"device": "pynq-z2", "clock_mhz": 100, "winograd": "auto", name: value}
    if name == "dsp":
        words = {name: value}
    assert [request.architecture for request in asked(**words)] == ["stream"]
    for architecture in ("engine", "auto"):
        with pytest.raises(InputError, match=f"{name} means nothing beside architecture {architecture}"):
            asked(architecture=architecture, **{name: value})


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"fill": 0.5}, "fill belongs to a device"),
        ({"target": "hls", "device": "pynq-z2"}, "device belongs to the target verilog"),
        ({"part": "xc7z020clg400-1"}, "part belongs to the target hls"),
        ({"dsp": "27x18", "device": "pynq-z2"}, "dsp means nothing beside device"),
        ({"phases": False}, "phases means nothing where winograd is off"),
        ({"architecture": "tree"}, "there is no architecture 'tree'"),
    ],
)
def test_words_that_mean_nothing_are_refused(words: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        asked(**words)


def test_a_device_alone_asks_for_both_architectures() -> None:
    assert [request.architecture for request in asked(device="pynq-z2")] == ["stream", "engine"]
    (request,) = asked(folding={"stage0": Folding(1, 2)}, winograd=2)
    assert request.folding == {"stage0": Folding(1, 2)}
    assert request.algorithms.tiles == (2,)


def test_modules_and_arrays_serve_as_files_do(place: Path, loaded: LoadedNetwork) -> None:
    module = random_model(SHAPE, seed=1)
    expected = loaded.quantize(place / "images.npz", method="minmax").integers
    for network in (repvgg_hw.load(module), repvgg_hw.load(from_torch(module))):
        got = network.quantize(PIXELS, method="minmax")
        assert got.options["calibration"] == "an array"
        for ours, theirs in zip(got.integers.convs, expected.convs, strict=True):
            assert np.array_equal(ours.weight, theirs.weight)
            assert np.array_equal(ours.bias, theirs.bias)


def test_what_cannot_be_meant_is_refused(place: Path, loaded: LoadedNetwork) -> None:
    with pytest.raises(InputError, match="trained weights need calibration images"):
        loaded.quantize()
    with pytest.raises(InputError, match="limit: of files alone"):
        loaded.quantize(PIXELS, limit=2)
    with pytest.raises(InputError, match="weight_bits and bits exclude each other"):
        loaded.quantize(PIXELS, weight_bits=4, bits="bits.json")
    with pytest.raises(InputError, match="strides: of files alone"):
        repvgg_hw.load(random_model(SHAPE, seed=1), strides=(2, 2, 1))
    integers = loaded.quantize(PIXELS, method="minmax")
    with pytest.raises(InputError, match="room for other networks"):
        integers.plan(device="pynq-z2", others=[integers])


def test_integers_are_saved_and_read(tmp_path: Path, loaded: LoadedNetwork) -> None:
    integers = loaded.quantize(PIXELS, method="minmax")
    with pytest.raises(InputError, match=r"ends in \.npz"):
        integers.save(tmp_path / "net.bin")
    again = repvgg_hw.load_integers(integers.save(tmp_path / "net.npz"))
    assert again.plan(multipliers=64).plan.to_json() == integers.plan(multipliers=64).plan.to_json()


def test_images_of_an_array_must_be_the_designs(tmp_path: Path, loaded: LoadedNetwork) -> None:
    integers = loaded.quantize(PIXELS, method="minmax")
    design = integers.plan(multipliers=64).design(tmp_path / "net").contents
    labels = np.arange(6) % 5
    pixels, found = Pictures(PIXELS, limit=4, labels=labels).of(design)
    assert found is not None
    assert (len(pixels), found.tolist()) == (4, [0, 1, 2, 3])
    for wrong, said in (
        (Pictures(PIXELS[:, :8]), "images of this design are"),
        (Pictures(PIXELS, labels=labels[:3]), "labels are 6 integers"),
        (Pictures(PIXELS, labels=labels + 1), "labels are from 0 to 4"),
        (Pictures(tmp_path, labels=labels), "labels go with an array"),
    ):
        with pytest.raises(InputError, match=said):
            wrong.of(design)


def test_a_failed_proof_says_so_and_can_be_raised(tmp_path: Path, loaded: LoadedNetwork) -> None:
    integers = loaded.quantize(PIXELS, method="minmax")
    integers.plan(multipliers=64).design(tmp_path / "net")
    result = results.not_proven("verilog", 1, 9, "stage0: expected 1, got 2")
    failed = SimulatedDesign(designs.load(tmp_path / "net"), result)
    assert "NOT proven: stage0: expected 1, got 2" in repr(failed)
    assert "FAILED stage0: expected 1, got 2" in str(failed)
    with pytest.raises(CheckFailed, match="stage0: expected 1, got 2"):
        failed.check()
    passed = SimulatedDesign(failed.design, replace(result, problems=(), bit_exact=1))
    assert passed.check() is passed
