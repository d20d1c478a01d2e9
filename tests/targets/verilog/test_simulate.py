"""`simulate` as a user's CI calls it: exit codes, JUnit, one layer, resuming, and clear refusals."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
import waves_reader
from click.testing import CliRunner, Result
from hls_networks import Layer, random_network

from repvgg_hw import golden
from repvgg_hw.cli import main
from repvgg_hw.design import Design
from repvgg_hw.plan.request import Request
from repvgg_hw.plan.stream.plan import Plan
from repvgg_hw.targets.generate import write
from repvgg_hw.targets.verilog.layers import layerwise
from repvgg_hw.targets.verilog.layers.state import State
from repvgg_hw.targets.verilog.layers.task import make_tasks, prove_layer


@pytest.fixture(scope="module")
def design(tmp_path_factory: pytest.TempPathFactory) -> Design[Plan]:
    layers = [Layer(4, stride=2, pi=3, po=2), Layer(4, pi=2, po=4)]
    network, plan = random_network(layers, in_shape=(3, 6, 6), classes=3, seed=1)
    design = Design(
        tmp_path_factory.mktemp("simulate") / "design", Request("verilog", plan.budget), network, plan, {}
    )
    write(design)
    return design


def simulate(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["simulate", *(str(word) for word in arguments)])


def test_whole_network_and_junit(design: Design[Plan], tmp_path: Path) -> None:
    result = simulate(design.directory, "--limit", 3, "--junit", tmp_path / "results.xml", "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["passed"]
    assert found["bit_exact"] == 3
    assert found["frame_interval"] == design.plan.frame_interval
    suite = ET.parse(tmp_path / "results.xml").getroot()
    assert (suite.get("tests"), suite.get("failures")) == ("5", "0")
    assert [case.get("name") for case in suite][:2] == [conv.name for conv in design.plan.convs]


def test_one_layer_and_its_waves(design: Design[Plan], tmp_path: Path) -> None:
    """What the dump shows on the layer's output is golden's map, pixel after pixel, channel 0 first."""
    pixels = np.random.default_rng(1).integers(0, 256, (3, 6, 6, 3), np.uint8)
    np.savez(tmp_path / "images.npz", images=pixels)
    words = ("--images", tmp_path / "images.npz", "--layer", "stage1.0", "--waves")
    result = simulate(design.directory, *words)
    assert result.exit_code == 0, result.output
    assert "stage1.0" in result.output
    assert "stage0.0" not in result.output
    dump = design.directory / "build/layers/stage1_0/layer.fst"
    assert f"in {dump}, laid out" in result.output.replace("\n", "")
    waves_reader.check(dump, "bench.u_dut")
    beats = waves_reader.beats(dump, "bench.u_dut", "m_axis")
    shown = [int(word[-8 * (i + 1) :][:8], 2) for word in beats for i in range(len(word) // 8)]
    maps = dict(golden.trace(golden.quantize_input(pixels, design.network), design.network))
    assert shown == maps["stage1.0"].transpose(0, 2, 3, 1).ravel().tolist()


def test_the_linear_layer_alone_is_faster_than_its_pool(tmp_path: Path) -> None:
    """Its own interval is the planned one, not that of the sum over the map before it."""
    network, plan = random_network([Layer(2, pi=3, po=2)], in_shape=(3, 6, 6), classes=3)
    assert plan.linear is not None
    assert plan.linear.pool_cycles > plan.linear.linear_cycles
    alone = Design(tmp_path / "design", Request("verilog", plan.budget), network, plan, {})
    write(alone)
    result = simulate(alone.directory, "--limit", 3, "--layer", "linear")
    assert result.exit_code == 0, result.output


def test_layers_resume_after_one_that_was_broken_off(
    design: Design[Plan], monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(-128, 128, (1, *design.network.in_shape)).astype(np.int8)
    state = State(design, images, 0)
    (first, *rest) = make_tasks(design, images, None, 0, None, design.directory / "build" / "layers")
    state.record(prove_layer(first))
    resumed = layerwise.prove_layers(design, images, jobs=1)
    assert resumed.passed, resumed.problems
    assert resumed.notes == ("1 layers had passed in an earlier run",)
    assert len(resumed.layers) == 1 + len(rest)


def test_unknown_layer(design: Design[Plan]) -> None:
    result = simulate(design.directory, "--layer", "stage9.9")
    assert result.exit_code == 2
    assert "stage9.9" in result.output


def test_no_design(tmp_path: Path) -> None:
    result = simulate(tmp_path)
    assert result.exit_code == 2
    assert "design.json" in result.output


def test_images_of_another_size(design: Design[Plan], tmp_path: Path) -> None:
    np.savez(tmp_path / "images.npz", images=np.zeros((1, 9, 9, 3), np.uint8), labels=np.zeros(1, np.int64))
    result = simulate(design.directory, "--images", tmp_path / "images.npz")
    assert result.exit_code == 2
    assert "images are 9x9 pixels, the input is 6x6: --preprocess resize or timm" in result.output


def test_without_a_compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network, plan = random_network([Layer(2)], in_shape=(3, 3, 3), classes=2)
    fresh = Design(tmp_path / "design", Request("verilog", plan.budget), network, plan, {})
    write(fresh)
    monkeypatch.setenv("PATH", str(tmp_path))
    result = simulate(fresh.directory)
    assert result.exit_code == 2, result.output
    assert "PATH" in result.output
