"""Beside the stages: synth, board and latency from Python do what the commands do, and refuse the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import repvgg_hw
from repvgg_hw.api import GeneratedDesign
from repvgg_hw.api.timed import FORMS, PRECISIONS
from repvgg_hw.cli import main
from repvgg_hw.errors import CheckFailed, InputError
from repvgg_hw.measure.latency import forms
from repvgg_hw.plan.resources import Resources as Taken
from repvgg_hw.synth import synthesise
from repvgg_hw.synth.result import AVAILABLE, Part, Planned, Resources
from tests.abuse import world


@pytest.fixture(scope="module")
def design(tmp_path_factory: pytest.TempPathFactory) -> GeneratedDesign:
    folder = tmp_path_factory.mktemp("beside")
    world.save(folder)
    network = repvgg_hw.load(folder / "net.pth").quantize(folder / "images", method="minmax")
    return network.plan(multipliers=64).design(folder / "design")


def files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_a_board_s_folder_is_the_command_s(design: GeneratedDesign, tmp_path: Path) -> None:
    told: list[str] = []
    made = design.board("pynq-z2", tmp_path / "called", top=2, progress=lambda share, what: told.append(what))
    typed = ("board", design.directory, "--board", "pynq-z2", "--top", 2, "-o", tmp_path / "typed", "--json")
    done = CliRunner().invoke(main, [str(word) for word in typed])
    assert done.exit_code == 0, done.output
    assert files(made.directory) == files(tmp_path / "typed")
    assert json.loads(done.stdout) == made.to_json() | {"folder": str(tmp_path / "typed")}
    assert repr(made) == f"<BoardProject repvgg_net_board: for pynq-z2 in {tmp_path / 'called'}>"
    with pytest.raises(InputError, match="no open tool makes pynq-z2's"):
        design.board("pynq-z2", tmp_path / "other", bitstream=tmp_path / "net.bit")
    with pytest.raises(InputError):
        design.board("pynq-z2", tmp_path / "called", top=2)  # it is there
    assert not (tmp_path / "other").exists()


def test_a_board_that_is_too_small_is_said(
    design: GeneratedDesign, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level("WARNING", "repvgg_hw")
    design.board("pynq-z2", tmp_path / "fits")
    assert caplog.messages == []
    monkeypatch.setattr(type(design.plan), "resources", lambda *_: Taken(221, 0, 0, 0, 0))
    design.board("pynq-z2", tmp_path / "short")
    assert "this design does not fit pynq-z2, " in caplog.messages[0]
    assert "DSP 221 of 220 (100%)" in caplog.messages[0]
    assert "`generate --device pynq-z2` plans within it" in caplog.messages[0]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What reaches the tools, which do not run: each netlist takes a cell of a kind and a million LUTs."""
    record: list[tuple[Any, ...]] = []

    def made(found: Any, jobs: int | None, report: Any) -> list[Part]:
        record.append(([task.name for task in found], jobs, found[0].routing))
        report(0.5, "yosys")
        cells = Resources(1, 1, 10**6, 1, 1)
        return [Part(task.name, Planned(1, 1, 1, 1), cells, 1.0, 1.0) for task in found]

    monkeypatch.setattr(synthesise, "synthesise_all", made)
    return record


def test_synth_asks_for_what_the_command_asks_for(
    design: GeneratedDesign, asked: list[tuple[Any, ...]]
) -> None:
    ways: list[tuple[dict[str, Any], list[str]]] = [
        ({"layer": "stage0"}, ["--layer", "stage0"]),
        ({"layers": True, "jobs": 2}, ["--layers", "--jobs", "2"]),
        ({"layer": "stage0", "route": False}, ["--layer", "stage0", "--no-route"]),
        ({"layer": "linear", "clock_mhz": 90, "seeds": [3, 4], "minutes": 5},
         ["--layer", "linear", "--clock", "90", "--seed", "3", "--seeds", "2", "--minutes", "5"]),
    ]  # fmt: skip
    for words, typed in ways:
        asked.clear()
        done = design.synth("ulx3s-85f", **words)
        CliRunner().invoke(main, ["-q", "synth", str(design.directory), "--device", "ulx3s-85f", *typed])
        assert len(asked) == 2
        assert asked[0] == asked[1]
        assert (asked[0][2] is None) == (words.get("route") is False)
        assert not done.fits
        assert "does not fit: " in repr(done)
        with pytest.raises(CheckFailed, match=r"does not fit ulx3s-85f: .*1,000,000 lut of "):
            done.check()
    report = design.report()
    assert report.synthesis is not None  # kept in its folder
    assert set(report.synthesis.available) == set(AVAILABLE)


@pytest.mark.parametrize(
    ("device", "words", "said"),
    [
        ("ulx3s-85f", {"layer": "stage0", "layers": True}, "exclude each other"),
        ("ulx3s-85f", {"jobs": 2}, "jobs belong to layers"),
        ("ulx3s-85f", {"bitstream": "net.bit", "layers": True}, "bitstream: it is of the whole design"),
        ("kv260", {"bitstream": "net.bit"}, "bitstream: it is of the whole design"),
        ("kv260", {"route": True}, "no open tool routes kv260"),
        ("nowhere", {}, "there is no device 'nowhere'"),
        ("ulx3s-85f", {"layer": "stage9"}, "none of this design's layer"),
    ],
)
def test_what_synth_refuses(
    device: str, words: dict[str, Any], said: str, design: GeneratedDesign, asked: list[tuple[Any, ...]]
) -> None:
    with pytest.raises(InputError, match=said):
        design.synth(device, **words)
    assert not asked


def test_latency_measures_what_is_named() -> None:
    told: list[str] = []
    survey = repvgg_hw.latency(
        "A0",
        input_size=32,
        classes=10,
        batches=[1],
        forms=["fused"],
        runtimes=["eager"],
        baselines=(),
        device="cpu",
        seconds=0.01,
        progress=lambda share, what: told.append(what),
    )
    assert [(row.model, row.form, row.batch) for row in survey.rows] == [("A0", "fused", 1)]
    assert any("A0 fused" in line for line in told)
    assert "| A0 | fused | fp32 | eager | 1 |" in str(survey)
    assert repr(survey).startswith("<Survey of 1 rows on ")
    for words, said in (
        ({"models": "Z9"}, "Z9"),
        ({"forms": ["melted"]}, "unknown form 'melted'"),
        ({"device": "abacus"}, "none of auto, cuda"),
    ):
        with pytest.raises(InputError, match=said):
            repvgg_hw.latency(**{"device": "cpu", **words})  # type: ignore[arg-type]
    assert FORMS == forms.FORMS
    assert set(PRECISIONS) == set(forms.PRECISIONS) - {"int8"}
