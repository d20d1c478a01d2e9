"""What `generate` writes: a committed design compared as text, the same bytes again, and clear refusals.

REFRESH=1 pytest tests/targets/test_generate.py writes expected/ anew; read the difference before committing.
"""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hls_networks import Layer, random_network

from repvgg_hw import design as designs
from repvgg_hw.api import cache
from repvgg_hw.cli import main
from repvgg_hw.design import Design, results
from repvgg_hw.errors import InputError
from repvgg_hw.plan import request as requests
from repvgg_hw.plan.request import Request, read_folding
from repvgg_hw.plan.stream.plan import Plan
from repvgg_hw.targets.generate import generate as generate_design
from repvgg_hw.targets.generate import write
from repvgg_hw.targets.verilog import emit

EXPECTED = Path(__file__).with_name("expected")
# Verbatim copies of the library need no comparison; network.npz is binary.
COMPARED = ("rtl/repvgg_*.sv", "sim/bench.sv", "mem/*.mem", "files.f", "design.json", "README.md")
REFUSED = 2


def tiny(directory: Path) -> Design[Plan]:
    """Two layers, groups, a converter: small enough to read."""
    layers = [Layer(4, stride=2, pi=3, po=2), Layer(4, groups=2, pi=1, po=2)]
    network, plan = random_network(layers, in_shape=(3, 6, 5), classes=3, seed=1)
    design = Design(directory, Request("verilog", plan.budget), network, plan, {"random": True, "seed": 1})
    write(design)
    return design


def compared(directory: Path) -> dict[str, str]:
    """The generated texts by name."""
    paths = [path for pattern in COMPARED for path in directory.glob(pattern)]
    return {str(path.relative_to(directory)): path.read_text() for path in paths}


def test_design_is_the_committed_one(tmp_path: Path) -> None:
    generated = compared(tiny(tmp_path).directory)
    if os.environ.get("REFRESH"):
        shutil.rmtree(EXPECTED, ignore_errors=True)
        for name, text in generated.items():
            (EXPECTED / name).parent.mkdir(parents=True, exist_ok=True)
            (EXPECTED / name).write_text(text)
    committed = compared(EXPECTED)
    assert sorted(generated) == sorted(committed)
    for name, text in generated.items():
        assert text == committed[name], name


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    first, second = tiny(tmp_path / "a").directory, tiny(tmp_path / "b").directory
    files = [path for path in first.rglob("*") if path.is_file()]
    assert len(files) > 30
    for path in files:
        assert path.read_bytes() == (second / path.relative_to(first)).read_bytes(), path


def test_writing_it_again_touches_nothing(tmp_path: Path) -> None:
    """Times of change stay, so that simulators stay built."""
    directory = tiny(tmp_path).directory
    before = {path: path.stat().st_mtime_ns for path in directory.rglob("*.sv")}
    tiny(tmp_path)
    assert {path: path.stat().st_mtime_ns for path in directory.rglob("*.sv")} == before


def test_it_is_read_back_as_it_was(tmp_path: Path) -> None:
    written = tiny(tmp_path)
    read: Design[Any] = designs.load(tmp_path)
    assert read.plan == written.plan
    assert read.options == written.options
    assert read.request == written.request
    assert emit.differing_tables(read) == []


def test_the_whole_request_is_recorded(tmp_path: Path) -> None:
    """What was asked, and what was not asked with its default: enough to ask for the same again."""
    folding = tmp_path / "folding.json"
    folding.write_text('{"stage1.0": {"pi": 4, "po": 2, "m": 4}, "linear": {"pi": 1, "po": 1}}')
    request = requests.parse("hls", fps=30.5, folding=folding, winograd="auto", phases=False, dsp="30x20")
    layers = [Layer(4, stride=2), Layer(4)]
    network, _ = random_network(layers, in_shape=(3, 6, 5), classes=3, seed=1)
    named = [
        dataclasses.replace(conv, name=name)
        for conv, name in zip(network.convs, ("stage0", "stage1.0"), strict=True)
    ]
    written = generate_design(
        dataclasses.replace(network, convs=tuple(named)), tmp_path / "design", request, {}
    )
    assert designs.load(written.directory).request == request
    assert requests.parse("hls").multipliers == requests.DEFAULT_MULTIPLIERS


def generate(folder: Path, *arguments: object) -> Result:
    command = ["generate", "--target", "verilog", "-o", folder, *arguments]
    return CliRunner().invoke(main, [str(word) for word in command])


MODEL = ("--model", "A0", "--input-size", "32")


def test_shortest_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model is enough: Verilog, in a folder called after the network, which `simulate` finds."""
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, ["generate", *MODEL])
    assert result.exit_code == 0, result.output
    assert designs.load(tmp_path / "build" / "a0-verilog").target == "verilog"
    assert designs.last_directory().resolve() == tmp_path / "build" / "a0-verilog"


def test_a_folder_with_a_design_needs_force(tmp_path: Path) -> None:
    before = compared(tiny(tmp_path).directory)
    result = generate(tmp_path, *MODEL)
    assert result.exit_code == REFUSED
    assert "--force" in result.output
    assert compared(tmp_path) == before


def test_force_forgets_what_was_proven(tmp_path: Path) -> None:
    tiny(tmp_path)
    (tmp_path / "results.json").write_text("{}")  # of the design that is written over
    result = generate(tmp_path, *MODEL, "--force")
    assert result.exit_code == 0, result.output
    assert not (tmp_path / "results.json").exists()


def test_the_same_design_again_keeps_its_proof(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Made of integers that are found now, and of those that were kept then."""
    monkeypatch.setattr(cache, "cache_folder", lambda: tmp_path / "cache")
    monkeypatch.setattr(cache, "WORTH_SECONDS", 0.0)
    place = tmp_path / "design"
    assert generate(place, *MODEL).exit_code == 0
    results.save(results.not_proven("verilog", 1, 1, "a result"), place)
    assert len(list((tmp_path / "cache").glob("*.npz"))) == 1
    again = generate(place, *MODEL, "--force")
    assert again.exit_code == 0, again.output
    kept = results.load(place)
    assert kept is not None
    assert kept.problems == ("a result",)


def test_a_foreign_folder_is_refused_even_with_force(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    result = generate(tmp_path, *MODEL, "--force")
    assert result.exit_code == REFUSED
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = generate(tmp_path / "file", *MODEL)
    assert result.exit_code == REFUSED
    assert "is a file" in result.output


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    result = generate(tmp_path / "design", *MODEL)
    assert result.exit_code == REFUSED
    assert "cannot be written" in result.output


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--model", "A0", "--weights", "net.pth"),
        ("--model", "A9"),
        (*MODEL, "--multipliers", "9", "--fps", "9"),
        ("--weights", "net.pth"),
    ],
    ids=["nothing", "both", "unknown", "budget_and_rate", "no_calibration"],
)
def test_wrong_usage(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    result = generate(tmp_path / "design", *arguments)
    assert result.exit_code == REFUSED, result.output
    assert not (tmp_path / "design").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "not JSON"),
        ("[1]", "expected"),
        ('{"stage0": 4}', "stage0"),
        ('{"stage0": {"pi": 1}}', "stage0"),
        ('{"stage0": {"pi": 1, "po": true}}', "whole numbers"),
        ('{"stage0": {"pi": 1.5, "po": 1}}', "whole numbers"),
    ],
)
def test_wrong_foldings(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "folding.json"
    path.write_text(content)
    with pytest.raises(InputError, match=message):
        read_folding(path)


def test_a_damaged_design_is_refused(tmp_path: Path) -> None:
    tiny(tmp_path)
    path = tmp_path / "design.json"
    content = json.loads(path.read_text())
    other = json.loads(path.read_text())
    other["plan"]["convs"][0]["kind"] = "systolic"
    foreign = ({**content, "format": 99}, {**content, "plan": {}}, other)
    for damaged in ("", "{}", *map(json.dumps, foreign)):
        path.write_text(damaged)
        with pytest.raises(InputError, match=r"design\.json"):
            designs.load(tmp_path)
