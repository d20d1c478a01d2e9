"""The example: its split leaks nothing, its checkpoint is what its script makes, its demo runs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

pytest.importorskip("sklearn", reason="the example needs scikit-learn: pip install 'repvgg-hw[example]'")

from examples.digits import data, demo, train
from repvgg_hw import design, golden
from repvgg_hw.checkpoint import import_network
from repvgg_hw.design import results
from repvgg_hw.model.images import normalise
from repvgg_hw.plan.stream.plan import Plan
from repvgg_hw.quantize import quantize

ROOT = Path(__file__).resolve().parents[1]


def test_the_parts_are_disjoint_and_hold_every_digit() -> None:
    ranks = [rank for part in data.PARTS.values() for rank in part]
    assert sorted(ranks) == list(range(10))
    sizes = {part: len(data.load(part)[1]) for part in data.PARTS}
    assert sum(sizes.values()) == 1797
    assert sizes["calibration"] >= 100
    assert sizes["test"] >= 300
    for part in data.PARTS:
        counts = np.bincount(data.load(part)[1], minlength=10)
        assert counts.max() - counts.min() <= 7, part


def test_no_image_is_in_two_parts() -> None:
    seen: dict[bytes, str] = {}
    for part in data.PARTS:
        for image in data.load(part)[0]:
            assert seen.setdefault(image.tobytes(), part) == part


@given(arrays(np.uint8, (1, 8, 8)))
def test_enlarging_is_bilinear(image: np.ndarray) -> None:
    """The same as torch's interpolation, up to the float32 rounding of values that lie half-way."""
    x = torch.from_numpy(image.astype(np.float64))[None]
    expected = torch.nn.functional.interpolate(x, scale_factor=data.ENLARGE, mode="bilinear")[0].numpy()
    enlarged = data.enlarge(image)
    assert enlarged.shape == (1, data.SIZE, data.SIZE)
    assert np.abs(enlarged - expected).max() <= 0.5 + 1e-9


@given(st.integers(0, 255))
def test_enlarging_keeps_a_constant(value: int) -> None:
    assert (data.enlarge(np.full((1, 8, 8), value, np.uint8)) == value).all()


def test_written_files_are_the_parts(tmp_path: Path) -> None:
    for part, path in data.write(tmp_path).items():
        with np.load(path) as archive:
            images, labels = data.load(part)
            assert archive["images"].dtype == np.uint8
            np.testing.assert_array_equal(archive["images"], images)
            np.testing.assert_array_equal(archive["labels"], labels)


def test_checkpoint_is_small_and_in_training_form() -> None:
    assert demo.CHECKPOINT.stat().st_size < 2_000_000
    found = import_network(demo.CHECKPOINT)
    assert {block.family for block in found.blocks} == {"RepVGG"}
    assert ",".join(map(str, found.architecture.widths)) == train.NETWORK[1]
    assert ",".join(map(str, found.architecture.depths)) == train.NETWORK[3]
    assert (found.architecture.in_channels, found.architecture.num_classes) == (1, 10)


def correct(checkpoint: Path) -> int:
    """Right answers of the float network on the 356 test images."""
    images, labels = data.load("test")
    x = normalise(images, (data.MEAN,), (data.STD,)).astype(np.float32)
    with torch.no_grad():
        logits = import_network(checkpoint).model()(torch.from_numpy(x))
    return int((logits.argmax(1).numpy() == labels).sum())


def test_checkpoint_has_the_accuracy_that_the_readme_states() -> None:
    assert correct(demo.CHECKPOINT) == 355  # of 356: 99.72 %


def test_integers_keep_the_accuracy() -> None:
    images, labels = data.load("test")
    fused = import_network(demo.CHECKPOINT).fused
    network = quantize(fused, data.load("calibration")[0], mean=(data.MEAN,), std=(data.STD,))
    predicted = golden.top1(golden.forward(golden.quantize_input(images, network), network))
    assert (predicted == labels).sum() >= 350


@pytest.mark.slow
def test_training_learns_and_is_reproducible(tmp_path: Path) -> None:
    """One epoch, twice, by the example's own command: the same file, and better than guessing by far."""
    for name in ("first", "second"):
        train.train(tmp_path / f"{name}.safetensors", tmp_path, epochs=1)
    first, second = (tmp_path / f"{name}.safetensors" for name in ("first", "second"))
    assert first.read_bytes() == second.read_bytes()
    assert correct(first) > 0.3 * 356


# In Python's place: the commands, which compile simulators as every other test does (tests/conftest.py).
COMMAND = f"""#!{sys.executable}
import sys
from repvgg_hw.cli import main
from repvgg_hw.targets.verilog.simulator import verilator
build = verilator.build
verilator.build = lambda *words, **options: build(*words, **options | {{"optimize": "-O0"}})
main(sys.argv[3:])
"""


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The demo itself, on a few images: its folder and what it printed."""
    folder = tmp_path_factory.mktemp("demo")
    words = ["--images", "4", "--multipliers", "160", "--output", str(folder)]
    command = tmp_path_factory.mktemp("command") / "python"
    command.write_text(COMMAND)
    command.chmod(0o755)
    code = f"from examples.digits import demo; demo.sys.executable = {str(command)!r}; demo.main({words!r})"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder, done.stdout


def test_demo_proves_every_image(shown: tuple[Path, str]) -> None:
    folder, printed = shown
    found = demo.outcome(folder / "evaluation.json", folder / "design")
    assert found.images == found.bit_exact == 4
    assert found.golden_top1 == found.rtl_top1
    assert found.planned_cycles == found.simulated_cycles
    assert 0 < found.multipliers <= 640
    assert printed.count("4 of 4") >= 2
    assert "on an engine" in printed
    engine = results.load(folder / "engine")
    assert engine is not None
    assert engine.passed
    assert engine.frame_interval is not None
    assert abs(engine.frame_interval / engine.planned_interval - 1) < 0.1
    assert f"{found.planned_cycles:,}" in printed


@pytest.mark.slow
def test_winograd_gives_the_same_logits(shown: tuple[Path, str]) -> None:
    """`--winograd 4` beside the demo's own direct design: what leaves the RTL is identical, to the bit."""
    folder, _ = shown
    demo.repvgg_hw(
        "generate", "--weights", demo.CHECKPOINT, "--target", "verilog", "-o", folder / "winograd",
        "--input-size", data.SIZE, "--calibration", folder / "calibration.npz", *demo.PREPROCESSING,
        "--multipliers", 640, "--winograd", 4,
    )  # fmt: skip
    demo.repvgg_hw("simulate", folder / "winograd", "--images", folder / "test.npz", "--limit", 4)
    plan = design.load(folder / "winograd").plan
    assert isinstance(plan, Plan)
    assert {conv.algorithm for conv in plan.convs} == {"F(4)", "F(4) in phases"}
    logits = [
        [line for line in (folder / name / "build" / "check.log").read_text().splitlines() if "logit" in line]
        for name in ("design", "winograd")
    ]
    assert len(logits[0]) == 4 * 10
    assert logits[0] == logits[1]


def test_demo_ends_with_the_exit_code_of_what_failed(tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as end:
        demo.repvgg_hw("fuse", tmp_path / "missing.pth", "-o", tmp_path / "fused.safetensors")
    assert end.value.code == 2
    with pytest.raises(SystemExit) as end:
        demo.main(["--images", "1"])
    assert end.value.code == 2


def test_demo_refuses_results_of_different_images(shown: tuple[Path, str], tmp_path: Path) -> None:
    """An evaluation that does not belong to the simulation must not end up in one table."""
    content = json.loads((shown[0] / "evaluation.json").read_text())
    content["methods"][0]["integer"]["correct"] -= 1
    other = tmp_path / "evaluation.json"
    other.write_text(json.dumps(content))
    with pytest.raises(SystemExit, match="different images or networks"):
        demo.outcome(other, shown[0] / "design")
