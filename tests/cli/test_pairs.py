"""Pairs of options of the two commands that take long, simulate and latency: refused, or both are handed on.

The other commands really run, in tests/abuse/pairs.py. Here what a command hands to the proof or to the
measurement is recorded instead, together with what it prints and writes.
"""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from repvgg_hw.cli import main
from repvgg_hw.design import Design
from repvgg_hw.design.folder import fingerprint
from repvgg_hw.design.results import SimulationResult
from repvgg_hw.measure.latency import baselines
from repvgg_hw.measure.latency.rows import Survey
from repvgg_hw.measure.latency.survey import Surveyor
from repvgg_hw.plan import device as devices
from repvgg_hw.plan.planner import NetworkPlan
from repvgg_hw.synth import circuit
from repvgg_hw.targets import registry
from repvgg_hw.targets.target import ProofOptions
from tests.abuse import world
from tests.abuse.pairs import HOW, RULE, Sample, samples

SIMULATE = """
--images images
--limit 2
--preprocess resize | --images big
--crop-pct 0.5 | --images big --preprocess timm
--interpolation bicubic | --images big --preprocess resize
--class-index classes.json | --images images
--layer stage0
--layers
--netlist ulx3s-85f
--fresh
--jobs 3 | --layers
--scheduler tcp://127.0.0.1:1 | --layers
--clock-gating
--stalls 3
--extremes
--waves
--waves-window 1 9 | --waves
--timeout 9
--junit results.xml
--json
"""
LATENCY = """
--model A1
--input-size 64
--classes 7
--batch 3
--form fused
--precision fp32,bf16
--runtime eager
--baseline resnet18
--design design
--seconds 0.3
--rounds 3
--markdown page.md
--plot plot.svg
--json
"""
SAMPLES = {"simulate": samples(SIMULATE), "latency": samples(LATENCY)}
BASES = {"simulate": ("design",), "latency": ("--device", "cpu")}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A design, images and a class index."""
    folder = tmp_path_factory.mktemp("pairs")
    world.save(folder)
    world.pictures(folder / "big", 16, 3)
    (folder / "classes.json").write_text(json.dumps({"cat": 1, "dog": 0}))
    weights = ("--weights", str(folder / "net.pth"), "--calibration", str(folder / "images"))
    arguments = ["-q", "generate", *weights, "--method", "minmax", "-o", str(folder / "design")]
    assert CliRunner().invoke(main, arguments).exit_code == 0
    made = circuit.place(folder / "design", devices.get("ulx3s-85f"))
    made.mkdir(parents=True)
    for name in ("netlist.v", "netlist.memories.json"):
        (made / name).write_text("none is needed: nothing is simulated\n")
    circuit.record(made, fingerprint(folder / "design"))
    return folder


@pytest.fixture
def handed(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the command handed on; the proof and the measurement themselves do nothing."""
    record: list[Any] = []

    def prove(
        self: Any, design: Design[NetworkPlan], x: Any, options: ProofOptions, standing: Any = None
    ) -> SimulationResult:
        record.append(standing)
        labels = None if options.labels is None else options.labels.tolist()
        record.append((hashlib.sha256(x.tobytes()).hexdigest(), labels))
        fields = {field.name: getattr(options, field.name) for field in dataclasses.fields(options)}
        record.append({key: fields[key] for key in fields if key not in ("labels", "progress", "state")})
        return SimulationResult("verilog", "network", len(x), len(x), 0, (), (), 1)

    def run(self: Surveyor, accelerator: Any = None) -> Survey:
        record.append((dataclasses.replace(self.request, models=()), [str(m) for m in self.request.models]))
        facts = {"packages": {}, "device": "none"}
        size = (3, *self.request.size)
        return Survey(facts, 1e9, {}, size, (), accelerator, ())

    monkeypatch.setattr(type(registry.get("verilog")), "prove", prove)
    monkeypatch.setattr(circuit, "of", lambda design, device: device.name)
    monkeypatch.setattr(Surveyor, "run", run)
    monkeypatch.setattr(baselines, "check", list)  # whether one is installed
    return record


def line(command: str, *options: tuple[Sample, bool]) -> list[str]:
    """The command with these options, or only with what they need."""
    typed = [word for sample, given in options for word in (*sample.needs, *(sample.typed if given else ()))]
    return ["-q", command, *BASES[command], *typed]


@pytest.mark.parametrize("command", SAMPLES)
def test_both_of_a_pair_do_something(
    command: str, place: Path, handed: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(place)

    def outcome(*options: tuple[Sample, bool]) -> tuple[Any, ...]:
        handed.clear()
        for name in ("results.xml", "page.md", "plot.svg"):
            Path(name).unlink(missing_ok=True)
        result = CliRunner().invoke(main, line(command, *options))
        written = [Path(name).exists() for name in ("results.xml", "page.md", "plot.svg")]
        return result.exit_code, result.stdout, result.stderr, written, repr(handed)

    wrong = []
    for first, second in itertools.combinations(SAMPLES[command].values(), 2):
        if first.options & second.options:
            continue
        both = outcome((first, True), (second, True))
        code, _, error, _, _ = both
        name = f"{first.typed[0]} {second.typed[0]}"
        if code == 2:
            if not (RULE.search(error) and any(o in error for o in first.options | second.options)):
                wrong.append(f"{name}: refused, and no rule says so: {error}")
            continue
        assert code == 0, f"{name}: {error}"
        if both == outcome((first, True), (second, False)):
            wrong.append(f"{name}: {second.typed[0]} changes nothing")
        if both == outcome((first, False), (second, True)):
            wrong.append(f"{name}: {first.typed[0]} changes nothing")
    assert not wrong, "\n".join(wrong)


def test_every_option_is_in_a_table() -> None:
    import click

    from tests.abuse import pairs, training
    from tests.abuse.options import commands

    tables = {**pairs.SAMPLES, **SAMPLES, "train": training.SAMPLES}
    tables["program"] = tables["generate"]  # the same options, by the same code and rules
    tables["sweep"] = tables["generate"] | pairs.SAMPLES["sweep"]  # as with program, and its own
    left = HOW | pairs.OF_THE_FILE | pairs.LEFT_OUT | {"--device"}
    for name, declared in commands().items():
        if name == "doctor":  # one option beside --json
            continue
        options = {max(o.opts, key=len) for o in declared.params if isinstance(o, click.Option)}
        missing = {o for o in options if not {o, o.replace("--no-", "--")} & set(tables[name])} - left
        if name in ("simulate", "board"):  # of engines: test_engine_program.py, test_engine_files.py
            missing.discard("--image")
        if name in ("synth", "board"):  # of devices that are routed, which takes minutes: test_synth.py
            missing -= {"--bitstream", "--clock", "--minutes", "--no-route", "--seed", "--seeds"}
        if name == "sweep":  # how it goes, not what comes of it: tests/explore/test_sweep.py
            missing -= {"--fresh", "--jobs", "--scheduler"}
        if name == "evaluate":
            missing -= {
                "--json",
                "--head",
            }  # its base has --json; --head none is refused: top-1 needs classes
        assert not missing, f"{name}: say in SAMPLES how {sorted(missing)} are typed"
