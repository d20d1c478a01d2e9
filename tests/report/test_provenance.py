"""Where a design comes from is recorded when it is generated, and shown; never a path or a date."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from repvgg_hw import GENERATOR
from repvgg_hw import design as designs
from repvgg_hw.cli import main
from repvgg_hw.report.provenance import lines, provenance
from tests.abuse import world


def run(*arguments: object) -> str:
    """Standard output of a command that works."""
    result = CliRunner().invoke(main, [str(a) for a in arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint, images and a design of them."""
    place = tmp_path_factory.mktemp("provenance")
    world.save(place)
    run("generate", "--weights", place / "net.pth", *images(place), "-o", place / "design")
    return place


def images(place: Path) -> tuple[object, ...]:
    """Options of a quick calibration."""
    return ("--calibration", place / "images", "--method", "minmax", "--multipliers", 64)


def recorded(folder: Path) -> dict[str, Any]:
    """What report says in JSON."""
    found: dict[str, Any] = json.loads(run("report", folder / "design", "--json"))["provenance"]
    return found


def test_everything_that_decides_is_there(folder: Path) -> None:
    record = recorded(folder)
    digest = hashlib.sha256((folder / "net.pth").read_bytes()).hexdigest()
    assert record["checkpoint"] == {"source": "net.pth", "sha256": digest}
    assert record["method"] == "minmax"
    assert record["widths"]["weights"] == 8
    assert record["generator"] == GENERATOR
    assert record["calibration"]["source"] == "images"
    assert record["calibration"]["images"] == 6
    assert re.fullmatch("[0-9a-f]{64}", record["calibration"]["sha256"])
    text = run("report", folder / "design")
    assert f"weights: net.pth (SHA-256 {digest[:12]}...)" in text
    assert "quantization: minmax, calibrated on 6 images of images" in text
    assert f"SHA-256 {digest[:12]}" in (folder / "design" / "report.html").read_text()


def test_it_is_in_design_json_without_path_or_date(folder: Path) -> None:
    text = (folder / "design" / "design.json").read_text()
    assert json.loads(text)["provenance"]["quantization"]["method"] == "minmax"
    assert str(folder) not in text
    assert not re.search(r"20\d\d-\d\d|\d\d:\d\d", text)


def test_the_same_input_gives_the_same_record(folder: Path, tmp_path: Path) -> None:
    run("generate", "--weights", folder / "net.pth", *images(folder), "-o", tmp_path / "again")
    for name in ("design.json", "network.npz"):
        assert (tmp_path / "again" / name).read_bytes() == (folder / "design" / name).read_bytes()


def test_other_images_are_seen(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "images").symlink_to(folder / "images")
    other = (*images(tmp_path), "--calibration-limit", 5)
    run("generate", "--weights", folder / "net.pth", *other, "-o", tmp_path / "design")
    assert recorded(tmp_path)["calibration"]["images"] == 5
    assert recorded(tmp_path)["calibration"]["sha256"] != recorded(folder)["calibration"]["sha256"]


def test_commands_that_read_a_checkpoint_name_it(folder: Path, tmp_path: Path) -> None:
    digest = hashlib.sha256((folder / "net.pth").read_bytes()).hexdigest()
    for command in (
        ("inspect", folder / "net.pth"),
        ("fuse", folder / "net.pth", "-o", tmp_path / "fused.safetensors"),
        ("evaluate", folder / "net.pth", "--data", folder / "images.npz", *images(folder)[:4]),
    ):
        found = json.loads(run(*command, "--json"))
        assert (found["sha256"], found["generator"]) == (digest, GENERATOR), command


def test_a_record_that_somebody_edited_is_shown_or_left_out(folder: Path) -> None:
    design = designs.load(folder / "design")
    edited: tuple[Any, ...] = (None, [], "x", {"source": ["a"], "sha256": 3})
    for wrong in edited:
        design.network.provenance["quantization"] = wrong
        design.network.provenance["source"] = wrong
        assert len(lines(provenance(design))) == 3
