"""A third target and a second architecture take a line each in the registries, and no other file changes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SUPPORT = Path(__file__).resolve().parents[1] / "support"
REFUSED = 2


def repvgg_hw(*arguments: object, folder: Path) -> subprocess.CompletedProcess[str]:
    """One command of the command line that has both."""
    paths = os.pathsep.join((str(SUPPORT), os.environ.get("PYTHONPATH", "")))
    return subprocess.run(
        [sys.executable, "-m", "toy_cli", *map(str, arguments)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )


GENERATE = ("generate", "--model", "A0", "--input-size", 32, "--classes", 4)


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("toy")
    done = repvgg_hw(*GENERATE, "--target", "toy", "--architecture", "toy", "-o", "net", folder=folder)
    assert done.returncode == 0, done.stderr
    return folder


def test_it_is_generated_simulated_and_reported(generated: Path) -> None:
    content = json.loads((generated / "net" / "design.json").read_text())
    assert (content["request"]["target"], content["request"]["architecture"]) == ("toy", "toy")
    done = repvgg_hw("simulate", "net", "--limit", 2, "--stalls", 7, folder=generated)
    assert done.returncode == 0, done.stderr
    assert "products" in done.stdout  # what this target counts
    assert "2 of 2 images bit-exact" in done.stdout
    done = repvgg_hw("report", "net", folder=generated)
    assert done.returncode == 0, done.stderr
    assert "proven: 2 of 2 images bit-exact" in done.stdout
    assert "one by one" in (generated / "net" / "report.html").read_text()


def test_its_proof_can_fail(generated: Path) -> None:
    """One weight of one layer: the layer is named, and the report says that nothing is proven."""
    table = generated / "net" / "stage1.0.txt"
    text = table.read_text()
    first, rest = text.split("\n", 1)
    try:
        table.write_text(f"{int(first) + 9}\n{rest}")
        done = repvgg_hw("simulate", "net", "--limit", 2, folder=generated)
        reported = repvgg_hw("report", "net", folder=generated)
    finally:
        table.write_text(text)
    assert done.returncode == 1, done.stdout
    assert "FAILED stage1.0: stage1.0.txt is not the network's" in done.stderr
    assert "FAILED stage1.0: " in done.stderr.replace("stage1.0.txt", "")
    assert "NOT proven: stage1.0" in reported.stdout


def test_options_that_its_proof_does_not_know_are_refused(generated: Path) -> None:
    done = repvgg_hw("simulate", "net", "--waves", "--timeout", 3, folder=generated)
    assert done.returncode == REFUSED
    assert "--waves, --timeout" in done.stderr


@pytest.mark.parametrize(("target", "architecture"), [("toy", "stream"), ("verilog", "toy")])
def test_a_target_refuses_an_architecture_that_it_does_not_write(
    tmp_path: Path, target: str, architecture: str
) -> None:
    done = repvgg_hw(
        *GENERATE, "--target", target, "--architecture", architecture, "-o", "net", folder=tmp_path
    )
    assert done.returncode == REFUSED
    assert f"the target {target} does not write the architecture {architecture}" in done.stderr
    assert not (tmp_path / "net").exists()
