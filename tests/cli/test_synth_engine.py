"""`repvgg-hw synth` on an engine: the whole, counted unit by unit, and units alone."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import engine_designs
import pytest
from click.testing import CliRunner, Result

from repvgg_hw.cli import main
from repvgg_hw.plan.engine.array import Array
from repvgg_hw.targets.verilog.engine.units import ALONE, REST, UNITS
from tests.abuse import slow_yosys

ARRAY = Array(
    n=3, pi=1, po=1, lanes=1, t_max=8, word_depth=64, line_depth=8, out_words=16, c_max=16, pool_w=16,
    acc_w=24,
)  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("synth") / "engine"
    engine_designs.write(directory, array=ARRAY)
    return directory


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Yosys that takes no time: every netlist is one flip-flop, in the top."""
    monkeypatch.syspath_prepend(str(slow_yosys.FAKE))
    for name, value in slow_yosys.environment().items():
        monkeypatch.setenv(name, value)


def synth(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["-q", "synth", *map(str, arguments)])


@pytest.mark.usefixtures("stand_in")
def test_the_whole_has_a_line_for_every_unit(place: Path) -> None:
    done = synth(place, "--device", "kv260", "--json")
    assert done.exit_code == 0, done.output
    (part,) = json.loads(done.output)["parts"]
    assert part["name"] == "design"
    assert [unit["name"] for unit in part["units"]] == [*UNITS, REST]
    assert sum(unit["planned"]["dsp"] for unit in part["units"] if unit["planned"]) == part["planned"]["dsp"]
    assert [unit["synthesised"]["ff"] for unit in part["units"]] == [0] * len(UNITS) + [1]
    page = CliRunner().invoke(main, ["report", str(place), "--json"])
    assert json.loads(page.output)["synthesis"]["parts"] == [part]
    assert "sequencer" in (place / "report.html").read_text()
    assert "units of design" in synth(place, "--device", "kv260").output


@pytest.mark.usefixtures("stand_in")
def test_layers_are_units(place: Path) -> None:
    done = synth(place, "--device", "pynq-z2", "--layers", "--jobs", 2, "--json")
    assert done.exit_code == 0, done.output
    assert [part["name"] for part in json.loads(done.output)["parts"]] == list(ALONE)


@pytest.mark.usefixtures("stand_in")
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--layer", "stage1.0"), "an engine's are its units: input, words, weights"),
        (("--layer", "ports"), "--layer 'ports' is none"),
        (("--bitstream", "net.bit"), "--bitstream: an engine's ports are buses"),
    ],
)
def test_refused(place: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], says: str) -> None:
    monkeypatch.setattr("repvgg_hw.synth.tools.package", lambda tool: place)
    done = synth(place, "--device", "ulx3s-85f", *arguments)
    assert done.exit_code == 2, done.output
    assert says in done.output


def test_a_unit_alone_takes_the_multipliers_of_the_plan(place: Path) -> None:
    """By Yosys itself; benchmarks/test_engine_synth.py makes whole engines of all families."""
    pytest.importorskip("pyosys", reason="pip install repvgg-hw[synth]")
    done = synth(place, "--device", "ulx3s-85f", "--no-route", "--layer", "linear", "--json")
    assert done.exit_code == 0, done.output
    (part,) = json.loads(done.output)["parts"]
    assert part["synthesised"]["dsp"] == part["planned"]["dsp"] == ARRAY.bw
    assert part["synthesised"]["ff"] > 500 < part["synthesised"]["lut"]


def test_words_in_ultraram_are_counted_as_planned(tmp_path: Path) -> None:
    """Yosys leaves a memory that asks for UltraRAM out where it is not told of it."""
    pytest.importorskip("pyosys", reason="pip install repvgg-hw[synth]")
    engine_designs.write(tmp_path / "engine", array=replace(ARRAY, word_uram=1))
    done = synth(tmp_path / "engine", "--device", "kv260", "--layer", "words")
    assert done.exit_code == 0, done.output
    assert "UltraRAM" in done.output
    page = CliRunner().invoke(main, ["report", str(tmp_path / "engine"), "--json"])
    found = json.loads(page.output)["synthesis"]
    (part,) = found["parts"]
    assert part["synthesised"]["uram"] == part["planned"]["uram"] > 0 == part["synthesised"]["bram"]
    assert found["available"]["uram"] == 64
