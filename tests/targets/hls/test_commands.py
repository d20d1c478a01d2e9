"""The commands on the trained example: generate --target hls, simulate, and their exit codes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from repvgg_hw import design as designs
from repvgg_hw.cli import main

CHECKPOINT = Path(__file__).resolve().parents[3] / "examples" / "digits" / "digits.safetensors"


def run(*arguments: object) -> Result:
    """One command."""
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The example as an HLS project, and images of its size."""
    folder = tmp_path_factory.mktemp("digits")
    images = folder / "images.npz"
    rng = np.random.default_rng(0)
    np.savez(
        images,
        images=rng.integers(0, 256, (12, 32, 32, 1), dtype=np.uint8),
        labels=rng.integers(0, 10, 12),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        done = run(
            "generate", "--weights", CHECKPOINT, "--target", "hls", "-o", folder / "design",
            "--calibration", images, "--mean", 0.305, "--std", 0.323, "--multipliers", 300,
        )  # fmt: skip
    assert done.exit_code == 0, done.output
    return folder / "design", images


def test_the_trained_example_is_bit_exact(
    generated: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`simulate` recognises the target and compares every layer."""
    design, images = generated
    monkeypatch.chdir(design.parent)
    done = run("simulate", design, "--images", images, "--limit", 3)
    assert done.exit_code == 0, done.output
    assert "3 of 3 images bit-exact" in done.output
    planned = designs.load(design).plan.frame_interval
    assert f"frame interval {planned:,} loop initiations, planned {planned:,}" in done.output


def test_extremes_are_frames_of_the_whole_network(
    generated: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bit-exact, and no bit lost, at the edges of the first layer's widths, too."""
    design, images = generated
    monkeypatch.chdir(design.parent)
    for options, layers in (((), "stage4.0"), (("--layer", "stage1.0"), "stage1.0")):
        done = run("simulate", design, "--images", images, "--limit", 3, "--extremes", *options)
        assert done.exit_code == 0, done.output
        assert re.search(r"\n3 images and \d+ frames of extremes\n", done.output), done.output
        assert "largest values, of the bound of their width: accumulator " in done.output
        assert layers in done.output
    assert "inputs of a layer's own are driven in Verilog designs" in done.output


def test_a_changed_weight_ends_with_its_layer_and_exit_code_1(
    generated: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One hexadecimal digit of one table."""
    design, images = generated
    monkeypatch.chdir(design.parent)
    table = design / "src" / "tables" / "stage1_1_weights.inc"
    text = table.read_text()
    at = text.index("0x") + 5
    try:
        table.write_text(text[:at] + ("0" if text[at] != "0" else "1") + text[at + 1 :])
        done = run("simulate", design, "--images", images, "--limit", 3)
    finally:
        table.write_text(text)
    assert done.exit_code == 1, done.output
    assert "stage1.1: src/tables/stage1_1_weights.inc, line 1 is not" in " ".join(done.output.split())


def test_a_lost_cycle_ends_with_its_loop_and_exit_code_1(
    generated: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line buffer that cannot write ahead: every value is right, the frame interval is not."""
    design, images = generated
    monkeypatch.chdir(design.parent)
    ring = design / "src" / "lib" / "ring.hpp"
    text = ring.read_text()
    assert "room = ROWS * G::ROW_WORDS - 1;" in text
    try:
        ring.write_text(text.replace("room = ROWS * ", "room = (ROWS - G::STEP) * "))
        done = run("simulate", design, "--images", images, "--limit", 3, "--layer", "stage1.1", "--json")
    finally:
        ring.write_text(text)
    assert done.exit_code == 1, done.output
    result = json.loads(done.output[done.output.index("{") :])
    assert result["bit_exact"] == 3
    assert result["frame_interval"] > result["planned_interval"]
    assert re.match(
        r"stage1\.1: line_buffer is initiated \d+ times per frame, planned \d+", result["problems"][0]
    )
