"""The proofs at full size: `make test-long`, not part of `make test`. docs/benchmarks.md says what they take.

Every step is the command that a user types, on networks of random weights.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from lint_sources import lint

from repvgg_hw.model.variants import VARIANTS

MULTIPLIERS = 4096
FRAMES = 3  # from so many on, `simulate` fails if an interval is not the planned one


def run(*arguments: object) -> tuple[int, dict[str, Any], str]:
    """One `repvgg-hw` command: exit code, what --json says, and what went to stderr."""
    command = [sys.executable, "-m", "repvgg_hw", *map(str, arguments), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, json.loads(done.stdout) if done.stdout else {}, done.stderr


def generate(model: str, folder: Path) -> dict[str, Any]:
    """Write a variant's design; returns its plan."""
    arguments = ("--model", model, "--input-size", 224, "--multipliers", MULTIPLIERS, "--target", "verilog")
    code, said, errors = run("generate", *arguments, "-o", folder)
    assert code == 0, errors
    plan: dict[str, Any] = said["plan"]
    return plan


@pytest.fixture(scope="module")
def a0(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """RepVGG-A0's design; tests in order, so that one simulator serves those after it."""
    folder = tmp_path_factory.mktemp("full_size") / "a0"
    assert generate("A0", folder)["derived"]["utilization"] >= 0.95
    return folder


def test_a0_whole_and_at_its_planned_interval(a0: Path) -> None:
    code, found, errors = run("simulate", a0, "--limit", FRAMES)
    assert code == 0, errors
    assert (found["images"], found["bit_exact"]) == (FRAMES, FRAMES)
    intervals = {layer["name"]: layer["cycles"][-1] - layer["cycles"][-2] for layer in found["layers"]}
    assert len(intervals) == 24
    assert set(intervals.values()) == {found["planned_interval"]}, intervals


def test_a0_whole_under_random_stalls(a0: Path) -> None:
    code, found, errors = run("simulate", a0, "--limit", 1, "--stalls", 1)
    assert code == 0, errors
    assert found["bit_exact"] == 1


def test_one_flipped_weight_bit_of_a0_is_found_and_named(a0: Path) -> None:
    table = next(iter(sorted((a0 / "mem").glob("stage3_7_weights*.mem"))))
    sound = table.read_text()
    flipped = f"{int(sound[0], 16) ^ 1:x}" + sound[1:]
    assert sum(a != b for a, b in zip(sound, flipped, strict=True)) == 1
    table.write_text(flipped)
    try:
        code, found, _ = run("simulate", a0, "--limit", 1)
    finally:
        table.write_text(sound)
    assert code == 1
    assert found["problems"][0] == f"stage3.7: mem/{table.name}, word 0 is not the network's"
    wrong = [layer for layer in found["layers"] if layer["problem"]]
    assert wrong[0]["name"] == wrong[0]["divergence"]["layer"] == "stage3.7"


def test_a0_layer_by_layer(a0: Path) -> None:
    code, found, errors = run("simulate", a0, "--layers", "--limit", FRAMES, "--jobs", 2)
    assert code == 0, errors
    assert len(found["layers"]) == 24
    for layer in found["layers"]:
        assert layer["cycles"][-1] - layer["cycles"][-2] == layer["planned_cycles"], layer["name"]


@pytest.mark.parametrize("name", [name for name, variant in VARIANTS.items() if variant.se is None])
def test_a_variant_is_generated_within_budget_and_lints_clean(name: str, tmp_path: Path) -> None:
    plan = generate(name, tmp_path / "design")
    assert plan["derived"]["multipliers"] <= MULTIPLIERS
    sources = [tmp_path / "design" / line for line in (tmp_path / "design" / "files.f").read_text().split()]
    assert lint(sources, sources[-1].stem) == ""
