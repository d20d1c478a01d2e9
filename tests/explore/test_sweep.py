"""A sweep plans each point once, whatever breaks it off, and says what `plan` says."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from hls_networks import Layer, random_network

import repvgg_hw
from repvgg_hw import golden
from repvgg_hw.api import QuantizedNetwork
from repvgg_hw.cli import main
from repvgg_hw.explore import outcome, run
from repvgg_hw.model.images import synthetic

LAYERS = [Layer(8, stride=2), Layer(8), Layer(16, stride=2), Layer(16)]
INTEGERS, _ = random_network(LAYERS, in_shape=(3, 16, 16), classes=4, seed=3)
NETWORK = QuantizedNetwork(INTEGERS, "net")
AXES: dict[str, Any] = {"multipliers": [64, 128, 256], "winograd": ["off", "auto"]}


class Counter:
    """`plan_point` in this process, counted; from some call on they fail."""

    def __init__(self, fails_at: int = -1) -> None:
        self.calls, self.fails_at = 0, fails_at

    def __call__(self, task: outcome.Task) -> tuple[str, outcome.Outcome]:
        self.calls += 1
        if 0 < self.fails_at <= self.calls:
            raise MemoryError
        return outcome.plan_point(task)


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Counter:
    """Points planned in this process, one after another."""
    counter = Counter()
    monkeypatch.setattr(run, "plan_point", counter)
    monkeypatch.setattr(run, "executor", lambda scheduler, jobs: ThreadPoolExecutor(1))
    return counter


def test_each_point_is_what_plan_gives(tmp_path: Path, here: Counter) -> None:
    found = repvgg_hw.sweep(NETWORK, tmp_path / "s", **AXES)
    assert len(found.rows) == here.calls == 6
    for row in found.rows:
        request = row.point.request
        tiles = {"multipliers": request.multipliers, "winograd": row.point.tiles}
        plan = NETWORK.plan(**tiles).plan  # type: ignore[arg-type]
        assert row.figures.frame_interval == plan.frame_interval
        assert row.figures.multipliers == plan.multipliers
        assert row.figures.fps == plan.fps
        assert row.figures.dsp == plan.resources("xcup").dsp
        assert row.figures.memory_bits == plan.memory_bits


def test_what_is_done_is_not_done_again(tmp_path: Path, here: Counter) -> None:
    place = tmp_path / "s"
    here.fails_at = 4
    with pytest.raises(repvgg_hw.CheckFailed, match="points that are done are kept"):
        repvgg_hw.sweep(NETWORK, place, **AXES)
    assert not (place / "sweep.json").exists()  # no result is half a result
    assert not list(place.glob("*.partial"))
    here.calls, here.fails_at = 0, -1
    found = repvgg_hw.sweep(NETWORK, place, **AXES)
    assert (here.calls, found.resumed) == (3, 3)
    whole = repvgg_hw.sweep(NETWORK, tmp_path / "whole", **AXES)
    assert found.rows == whole.rows
    here.calls = 0
    longer = repvgg_hw.sweep(NETWORK, place, **(AXES | {"multipliers": [64, 100, 128]}))
    assert (here.calls, longer.resumed) == (2, 4)
    here.calls = 0
    repvgg_hw.sweep(NETWORK, place, **AXES, fresh=True)
    assert here.calls == 6


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"points": {"a": {"figures": 3}}, "accuracies": {}}'])
def test_a_damaged_file_counts_as_nothing(tmp_path: Path, here: Counter, damage: str) -> None:
    repvgg_hw.sweep(NETWORK, tmp_path, **AXES)
    (tmp_path / "points.json").write_text(damage)
    here.calls = 0
    repvgg_hw.sweep(NETWORK, tmp_path, **AXES)
    assert here.calls == 6


def test_another_network_is_another_point(tmp_path: Path, here: Counter) -> None:
    repvgg_hw.sweep(NETWORK, tmp_path, **AXES)
    other, _ = random_network(LAYERS, in_shape=(3, 16, 16), classes=4, seed=4)
    found = repvgg_hw.sweep({"a": NETWORK, "b": QuantizedNetwork(other, "net")}, tmp_path, **AXES)
    assert (here.calls, found.resumed) == (12, 6)
    assert [row.point.network for row in found.rows] == ["a"] * 6 + ["b"] * 6


def test_what_cannot_be_planned_says_why(tmp_path: Path, here: Counter) -> None:
    found = repvgg_hw.sweep(NETWORK, tmp_path, multipliers=[1, 64])
    ((number, point, why),) = found.refused
    assert (number, point.budget) == (1, "1 multipliers")
    assert "too few" in why
    assert f"#1 1 multipliers: cannot be planned: {why}" in str(found)
    with pytest.raises(repvgg_hw.InputError, match=r"none of 1 points .* too few"):
        repvgg_hw.sweep(NETWORK, tmp_path, multipliers=[1])


def test_top1_is_golden_s(tmp_path: Path, here: Counter) -> None:
    pixels = synthetic(30, INTEGERS.in_shape)
    predicted = golden.top1(golden.forward(golden.quantize_input(pixels, INTEGERS), INTEGERS))
    labels = np.where(np.arange(30) % 3 > 0, predicted, (predicted + 1) % 4)
    found = repvgg_hw.sweep(NETWORK, tmp_path, **AXES, data=pixels, labels=labels)
    assert {(row.top1.correct, row.top1.total) for row in found.rows if row.top1} == {(20, 30)}
    with pytest.raises(repvgg_hw.InputError, match="one for each image"):
        repvgg_hw.sweep(NETWORK, tmp_path, **AXES, data=pixels, labels=labels[:5])


def test_rates_without_a_clock_are_in_cycles(tmp_path: Path, here: Counter) -> None:
    axes: dict[str, Any] = {"device": ["kv260"], "multipliers": [64], "architecture": ["stream"]}
    found = repvgg_hw.sweep(NETWORK, tmp_path, **axes)
    assert not found.timed
    assert "frames/Mcycle" in str(found)
    assert "no clock is known" in str(found)
    assert repvgg_hw.sweep(NETWORK, tmp_path, **axes, clock_mhz=100).timed


def test_the_plot_shows_every_point(tmp_path: Path, here: Counter) -> None:
    found = repvgg_hw.sweep({"a<b": NETWORK}, tmp_path, **AXES)
    root = ET.fromstring((tmp_path / "sweep.svg").read_text())
    names = {element.tag.rpartition("}")[2] for element in root.iter()}
    assert names <= {"svg", "rect", "text", "path", "circle", "title"}
    marks = [e for e in root.iter() if e.tag.endswith("circle")]
    assert len(marks) == 1 + 3 * len(found.rows)  # the legend's, and three panels
    filled = [mark for mark in marks if mark.get("fill") != "white"]
    assert len(filled) == 1 + 3 * len(found.front)
    assert all(0 < float(mark.get("cx", "")) < float(root.get("width", "")) for mark in marks)


def write_network(place: Path) -> None:
    NETWORK.save(place / "net.npz")


def command(place: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "repvgg_hw", "sweep", "--integers", "net.npz", *words]


def test_the_command_and_its_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, here: Counter) -> None:
    monkeypatch.chdir(tmp_path)
    write_network(tmp_path)
    words = ["sweep", "--integers", "net.npz", "--multipliers", "64,128", "-o", "s"]
    done = CliRunner().invoke(main, [*words, "--json"])
    assert done.exit_code == 0, done.output
    content = json.loads(done.stdout)
    assert content == json.loads(Path("s/sweep.json").read_text())
    assert [point["budget"] for point in content["points"]] == ["64 multipliers", "128 multipliers"]
    again = CliRunner().invoke(main, words)
    assert "resumed: 2 points were already planned" in again.stdout
    assert "plot: s/sweep.svg" in again.stdout


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--multipliers", "64,x"), "'x' is not a whole number"),
        (("--multipliers", "64", "--winograd", "9"), "'9' is not one of"),
        (
            (
                "--device",
                "kv261",
            ),
            "did you mean kv260",
        ),
        (("--multipliers", "64", "-o", "."), "holds other files than a sweep's"),
        (("--multipliers", "64", "--widths", "8"), "means nothing beside --integers"),
        (("--multipliers", "1"), "none of 1 points can be planned"),
        ((), "needs budgets"),
        (("--multipliers", "64", "--limit", "3"), "--limit belongs to --data"),
    ],
)
def test_bad_input_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, here: Counter, words: tuple[str, ...], says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    write_network(tmp_path)
    done = CliRunner().invoke(main, ["sweep", "--integers", "net.npz", *words])
    assert done.exit_code == 2
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert says in errors[0]
    assert not (tmp_path / "build/net-sweep/sweep.json").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_broken_off_by_a_signal_it_goes_on(tmp_path: Path, number: signal.Signals) -> None:
    """In processes of its own: as soon as a point is kept; those that were kept are not planned again."""
    write_network(tmp_path)
    budgets = ",".join(map(str, range(100, 420, 40)))
    words = command(tmp_path, "--multipliers", budgets, "--winograd", "auto", "-o", "s", "--jobs", "2")
    running = subprocess.Popen(words, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    kept = tmp_path / "s/points.json"
    deadline = time.monotonic() + 60
    while not kept.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(running.pid, number)
    _, said = running.communicate(timeout=30)
    assert running.returncode == (130 if number is signal.SIGINT else -signal.SIGKILL), said
    assert "Traceback" not in said
    before = json.loads(kept.read_text())["points"]
    assert 0 < len(before) < 8
    if number is signal.SIGINT:
        return
    done = subprocess.run([*words, "--json"], cwd=tmp_path, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert found["resumed"] == len(before)
    assert len(found["points"]) == 8
    assert before.items() <= json.loads(kept.read_text())["points"].items()
