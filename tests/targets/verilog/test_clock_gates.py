"""Layers at rest without a clock: the same values in the same cycles; one that rests too soon is found."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from hls_networks import Layer, random_images, random_network

from repvgg_hw.cli import main
from repvgg_hw.design import Design, folder, results
from repvgg_hw.design.results import GATED
from repvgg_hw.errors import InputError
from repvgg_hw.plan.request import Algorithms, Request
from repvgg_hw.plan.stream.plan import Plan
from repvgg_hw.report.text import result_lines
from repvgg_hw.targets.generate import write
from repvgg_hw.targets.target import ProofOptions
from repvgg_hw.targets.verilog import clock_gates
from repvgg_hw.targets.verilog.simulate import STEADY_FRAMES, simulate_network
from repvgg_hw.targets.verilog.target import TARGET

GATE = re.compile(r"clock_gate #\(\.CYCLES\((\d+)\)\)")


@pytest.fixture(scope="module")
def design(tmp_path_factory: pytest.TempPathFactory) -> Design[Plan]:
    """Tiles of both strides, and a direct layer; each rests before its first beat and behind its last."""
    layers = [
        Layer(4, stride=2, pi=1, po=1, m=2),
        Layer(4, pi=1, po=1, m=4),
        Layer(4, stride=2, pi=1, po=1),
        Layer(3, pi=4, po=1),
    ]
    network, plan = random_network(layers, in_shape=(2, 17, 19), classes=3)
    place = tmp_path_factory.mktemp("gates") / "design"
    design = Design(place, Request("verilog", plan.budget, algorithms=Algorithms((2, 4))), network, plan, {})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock_gates, "PIPELINE_CYCLES", 96)  # in a frame as small as this one
        write(design)
    return design


def test_every_value_and_every_cycle_is_the_same(design: Design[Plan]) -> None:
    images = random_images(design.network, STEADY_FRAMES)
    result = simulate_network(design, images, clock_gating=True)
    assert result.passed, result.problems
    assert result.bit_exact == STEADY_FRAMES
    assert GATED in result_lines(result, TARGET.counts)
    results.save(result, design.directory, folder.fingerprint(design.directory))
    said = json.loads(CliRunner().invoke(main, ["report", str(design.directory), "--json"]).stdout)
    assert said["verdict"].endswith(GATED)
    assert said["passed"]
    assert [layer.cycles for layer in result.layers] == [
        layer.cycles for layer in simulate_network(design, images).layers
    ]


def test_a_layer_that_rests_at_work_is_found(design: Design[Plan], tmp_path: Path) -> None:
    (top,) = (path for path in (design.directory / "rtl").iterdir() if GATE.search(path.read_text()))
    text = top.read_text()
    assert len(GATE.findall(text)) == len(design.plan.layers) + 1  # sum and linear layer are one plan
    top.write_text(GATE.sub("clock_gate #(.CYCLES(0))", text, count=1))
    result = simulate_network(design, random_images(design.network, 1), clock_gating=True)
    top.write_text(text)
    assert result.problems


@pytest.mark.parametrize("options", [{"layers": True}, {"layer": "0"}, {"stalls": 1}])
def test_only_whole_networks_have_gates(design: Design[Plan], options: dict[str, object]) -> None:
    images = random_images(design.network, 1)
    with pytest.raises(InputError, match="clock-gating: only where"):
        TARGET.prove(design, images, ProofOptions(clock_gating=True, **options))  # type: ignore[arg-type]
