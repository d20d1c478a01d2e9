"""`repvgg-hw synth`: counts of a netlist beside the plan's, what is refused, and what is kept."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from hls_networks import Layer, random_network

from repvgg_hw.cli import main
from repvgg_hw.design import Design, folder, save
from repvgg_hw.plan.request import Request
from repvgg_hw.synth import nextpnr, result
from repvgg_hw.targets.verilog import emit

needs_yosys = pytest.mark.skipif(
    "not __import__('importlib.util').util.find_spec('pyosys')", reason="pip install repvgg-hw[synth]"
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A design of two small layers, in a folder whose name means something to Yosys."""
    network, plan = random_network([Layer(2), Layer(2, pi=2, po=1)], in_shape=(1, 5, 5))
    directory = tmp_path_factory.mktemp("synth") / "my net$HOME #1 'é' \"\\;&|*?%:\n!touch stolen"

    def write(stage: Path) -> None:
        design = Design(stage, Request("verilog", plan.budget), network, plan, {})
        emit.emit(design)
        save(design)

    folder.write(directory, write)
    return directory


def refused(*arguments: str) -> str:
    done = CliRunner().invoke(main, ["synth", *arguments])
    assert done.exit_code == 2, done.output
    return done.output


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--device", "virtex"), "there is no device 'virtex'"),
        (("--device", "kv260", "--bitstream", "net.bit"), "--bitstream: no open tool routes kv260"),
        (("--device", "kv260", "--seed", "2"), "--seed: no open tool routes kv260"),
        (("--device", "kv260", "--layer", "stage9"), "--layer 'stage9' is none of this design's"),
        (("--device", "ulx3s-85f", "--layers", "--bitstream", "net.bit"), "--bitstream"),
        (("--device", "ulx3s-85f", "--no-route", "--bitstream", "net.bit"), "--bitstream"),
    ],
)
@needs_yosys
def test_refused_before_anything_is_done(place: Path, arguments: tuple[str, ...], says: str) -> None:
    assert says in refused(str(place), *arguments)
    assert not (place / result.FILE).exists()


def test_without_the_extra(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyosys", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr("repvgg_hw.cli.LazyGroup.list_commands", lambda self, ctx: ["synth"])
    assert "pip install 'repvgg-hw[synth]'" in refused(str(place), "--device", "kv260")


@needs_yosys
def test_multipliers_are_those_of_the_plan(place: Path) -> None:
    """A layer alone: its products and its requantization, and the result is kept for the report."""
    name = json.loads((place / "design.json").read_text())["plan"]["convs"][1]["name"]
    done = CliRunner().invoke(
        main, ["-q", "synth", str(place), "--device", "kv260", "--layer", name, "--json"]
    )
    assert done.exit_code == 0, done.output
    found = json.loads(done.output)
    (part,) = found["parts"]
    assert part["synthesised"]["dsp"] == part["planned"]["dsp"] > 18
    assert part["synthesised"]["ff"] > 100 < part["synthesised"]["lut"]
    assert found["fits"] is True
    page = CliRunner().invoke(main, ["report", str(place), "--json"])
    assert json.loads(page.output)["synthesis"]["device"] == "kv260"
    (place / "files.f").write_text((place / "files.f").read_text() + "\n")
    assert result.load(place) is None, "of another state of the folder"


def test_names_of_a_path_are_the_modules() -> None:
    """As nextpnr 0.11 and Yosys 0.70 write them."""
    cells = (
        r"$flatten\u_stage1_0.\u_macs.$auto$ff.cc:337:slice$11",
        "u_stage1_0.u_window.window_q_TRELLIS_FF_Q_3",
        "u_stage1_0.u_window.top_q_LUT4_D_1",
    )
    assert [nextpnr.readable(cell) for cell in cells] == [
        "u_stage1_0.u_macs",
        "u_stage1_0.u_window.window_q",
        "u_stage1_0.u_window.top_q",
    ]
