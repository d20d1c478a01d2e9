"""`simulate --stalls` fills and drains every buffer, says so, and finds one that does not stop in time."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from hls_networks import Layer, random_network
from quick import some

from repvgg_hw.cli import main
from repvgg_hw.design import Design
from repvgg_hw.design.results import SimulationResult
from repvgg_hw.plan.request import Algorithms, Request
from repvgg_hw.plan.stream.plan import Plan
from repvgg_hw.targets.generate import write
from repvgg_hw.targets.verilog import limits, simulate

# Every unit and every kind of buffer; converters that gather and that split.
LAYERS = [
    Layer(8, stride=2, pi=1, po=4),
    Layer(6, groups=2, pi=4, po=3),
    Layer(4, pi=2, po=2, m=4),
    Layer(4, pi=4, po=2),
]
IMAGES = 2


def request(plan: Plan) -> Request:
    """What asks for such a plan: its tiles, beside direct products."""
    tiles = tuple(sorted({conv.tile[0] for conv in plan.convs if conv.tile is not None}))
    return Request("verilog", plan.budget, algorithms=Algorithms(tiles))


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Design[Plan]:
    network, plan = random_network(LAYERS, in_shape=(3, 12, 8), classes=6, linear=(1, 6), seed=3)
    design = Design(tmp_path_factory.mktemp("limits") / "design", request(plan), network, plan, {})
    write(design)
    return design


def run(design: Design[Plan], stalls: int) -> SimulationResult:
    shape = (IMAGES, *design.network.in_shape)
    images = np.random.default_rng(0).integers(-128, 128, shape).astype(np.int8)
    return simulate.simulate_network(design, images, stalls=stalls)


def run_command(design: Design[Plan], *options: str) -> Result:
    return CliRunner().invoke(main, ["simulate", str(design.directory), "--limit", str(IMAGES), *options])


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_limit_is_reached(sound: Design[Plan], seed: int) -> None:
    result = run(sound, seed)
    assert result.passed, result.problems
    assert result.bit_exact == IMAGES
    assert result.limits_not_reached == []
    assert {name.split(": ")[0] for name in result.limits} == {layer.name for layer in result.layers}
    names = [name for layer in result.layers for name in layer.limits]
    # what each unit has: rows, windows, credits and FIFO; a transform and tile rows; sums; logits
    assert sum("converter" not in name for name in names) == 7 + 7 + 8 + 7 + 2 + 5
    # 3 lanes to 1, 2 to 4, 3 to 6, 2 to 1; and 2 logits to 1
    assert [name for name in result.limits if "converter" in name] == [
        "stage0.0: input converter full, splitting",
        "stage1.0: input converter full, gathering",
        "stage2.0: input converter full, gathering",
        "linear: input converter full, splitting",
        "linear: output converter full, splitting",
    ]


@pytest.mark.slow
def test_each_layer_alone_reaches_its_limits(sound: Design[Plan]) -> None:
    done = run_command(sound, "--layers", "--stalls", "1", "--jobs", "2")
    assert done.exit_code == 0, done.output
    assert "reached all " in done.output


def test_a_limit_that_is_not_reached_is_named(sound: Design[Plan], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulate, "most_frames", lambda *_: IMAGES)  # too few to fill anything
    done = run_command(sound, "--stalls", "1", "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)["limits"]
    assert found["reached"] + len(found["not_reached"]) == found["of"]
    assert "stage2.0: raster buffers all full" in found["not_reached"]
    done = run_command(sound, "--stalls", "1")
    reached = f"reached {found['reached']} of {found['of']} limits of the buffers"
    assert f"WARNING {reached}; not reached: " in done.output
    report = CliRunner().invoke(main, ["report", str(sound.directory)])
    assert "stage2.0: raster buffers all full" in report.output.replace("\n", " ")
    assert "stage2.0: raster buffers all full" in (sound.directory / "report.html").read_text()


def test_a_silent_probe_is_a_problem(sound: Design[Plan], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(limits.PROBES["rvg_conv3x3"], "u_fifo.u_none", "a limit without a probe")
    result = run(sound, 1)
    assert any(problem.startswith("stage0.0: the simulation says nothing of") for problem in result.problems)


# (file, text, its replacement, first layer named): each is found where its limit is reached, and only there.
FAULTS = {
    "raster buffers reserved the wrong way": (
        "rvg_tile_to_raster", "free_q - COUNT_W'(start", "free_q + COUNT_W'(start", "stage2.0",
    ),
    "ring of rows never full": (
        "rvg_window_buffer", "s_axis_tready = !free_q[BANK_W];", "s_axis_tready = 1'b1;", "stage3.0",
    ),
    "third window overwrites the first": (
        "rvg_replay", "s_axis_tready = !both_q;", "s_axis_tready = 1'b1;", "stage3.0",
    ),
    "sums lost where their FIFO is full": (
        "rvg_global_sum", "s_axis_tready = sum_ready;", "s_axis_tready = 1'b1;", "pool",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", some(FAULTS, 1))
def test_a_buffer_that_does_not_stop_in_time_is_found(sound: Design[Plan], tmp_path: Path, name: str) -> None:
    file, old, new, layer = FAULTS[name]
    shutil.copytree(sound.directory, tmp_path / "faulty", ignore=shutil.ignore_patterns("build"))
    path = tmp_path / "faulty" / "rtl" / f"{file}.sv"
    text = path.read_text()
    assert text.count(old) == 1, "the fault no longer fits the source"
    path.write_text(text.replace(old, new))
    result = run(Design(path.parents[1], sound.request, sound.network, sound.plan, {}), 1)
    assert not result.passed
    assert result.problems[0].startswith(f"{layer}: "), result.problems
