"""`program`: another network on an engine that exists, proven as its own is; what does not fit is refused."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from engine_cases import network_of
from hls_networks import Layer, random_network

from repvgg_hw.cli import main
from repvgg_hw.design import Design, folder
from repvgg_hw.design.network_file import save_network
from repvgg_hw.network import IntegerNetwork
from repvgg_hw.plan.engine.plan import EnginePlan
from repvgg_hw.plan.request import Request
from repvgg_hw.targets import generate
from repvgg_hw.targets.verilog.engine import run as runs

OTHER = network_of([(4, 1, 1), (8, 2, 2), (7, 1, 1)], (2, 9, 12), classes=5, seed=3)
NO_HEAD = network_of([(3, 2, 1)], (1, 7, 5), classes=0, seed=4)
MANY = network_of([(16, 2, 1)], (1, 5, 5), classes=600, seed=5)  # a linear layer longer than the next frame


def repvgg_hw(*words: object) -> Result:
    return CliRunner().invoke(main, ["-q", *map(str, words)])


def programmed(engine: Design[EnginePlan], network: IntegerNetwork, place: Path, name: str) -> Result:
    save_network(network, place / f"{name}.npz")
    words = ("program", engine.directory, "--integers", place / f"{name}.npz", "-o", place / name)
    return repvgg_hw(*words)


@pytest.mark.parametrize(("network", "values"), [(OTHER, 5), (NO_HEAD, 3 * 4 * 3), (MANY, 600)])
def test_another_network_on_the_same_simulator(
    engine: Design[EnginePlan], network: IntegerNetwork, values: int, tmp_path: Path
) -> None:
    """Every value golden's; the engine's folder is as it was, and the result is with the image alone."""
    if not (engine.directory / "build" / "sim" / "bench").is_file():
        runs.build(engine.directory, "-O0")
    before = {path: path.stat().st_mtime_ns for path in engine.directory.glob("build/sim/*")}
    made = programmed(engine, network, tmp_path, "image")
    assert made.exit_code == 0, made.output
    assert "frame interval" in made.stdout
    done = repvgg_hw("simulate", engine.directory, "--image", tmp_path / "image", "--limit", 3, "--json")
    assert done.exit_code == 0, done.output
    result = json.loads(done.stdout)
    assert result["passed"]
    assert result["layers"][-1]["values"] == 3 * values
    assert not (engine.directory / "results.json").exists()
    assert {path: path.stat().st_mtime_ns for path in engine.directory.glob("build/sim/*")} == before
    shown = repvgg_hw("report", tmp_path / "image", "--json")
    assert shown.exit_code == 0, shown.output
    assert json.loads(shown.stdout)["provenance"]["hardware"]["name"] == engine.plan.name
    assert "bit-exact" in repvgg_hw("report", tmp_path / "image").stdout
    assert "not simulated" in repvgg_hw("report", engine.directory).stdout


def test_an_image_with_a_wrong_byte_is_no_proof(engine: Design[EnginePlan], tmp_path: Path) -> None:
    assert programmed(engine, OTHER, tmp_path, "image").exit_code == 0
    path = tmp_path / "image" / "engine.bin"
    data = bytearray(path.read_bytes())
    data[-64] ^= 1
    path.write_bytes(data)
    done = repvgg_hw("simulate", engine.directory, "--image", tmp_path / "image", "--limit", 1)
    assert done.exit_code == 1
    assert "linear: engine.bin, byte" in done.stderr
    assert "NOT proven" in repvgg_hw("report", tmp_path / "image").stdout


def test_a_changed_source_is_another_engine(engine: Design[EnginePlan], tmp_path: Path) -> None:
    assert programmed(engine, OTHER, tmp_path, "image").exit_code == 0
    copy = tmp_path / "copy"
    shutil.copytree(engine.directory, copy, ignore=shutil.ignore_patterns("build"))
    with (copy / "rtl" / "rvg_fifo.sv").open("a") as file:
        file.write("// changed\n")
    done = repvgg_hw("simulate", copy, "--image", tmp_path / "image")
    assert done.exit_code == 2
    assert "was made for other sources" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("network", "said"),
    [
        (network_of([(4, 1, 1)], (2, 8, 200), 3), "layer stage0.0 .* no strip of its rows, 200 pixels"),
        (network_of([(17, 2, 1)], (2, 8, 8), 3), "linear layer .* 17 inputs, c_max is 16"),
        (
            network_of([(33, 1, 1), (70, 1, 1), (2, 1, 1)], (2, 2, 2), 3),
            "layer stage2.0 .* sums need 2. bits, acc_w is 24",
        ),
    ],
)
def test_what_does_not_fit_is_said_in_a_line(
    engine: Design[EnginePlan], network: IntegerNetwork, said: str, tmp_path: Path
) -> None:
    made = programmed(engine, network, tmp_path, "image")
    assert made.exit_code == 2, made.output
    assert re.search(said, made.stderr), made.stderr
    assert made.stderr.count("\n") == 1
    assert not (tmp_path / "image").exists()


def test_folders_that_are_none(engine: Design[EnginePlan], tmp_path: Path) -> None:
    """An image where a design belongs, a design where an image belongs, a streaming design."""
    assert programmed(engine, OTHER, tmp_path, "image").exit_code == 0
    image = tmp_path / "image"
    for words in (
        ("simulate", image),
        ("synth", image, "--device", "kv260"),
        ("program", image, "--model", "A0"),
    ):
        done = repvgg_hw(*words, *(("-o", tmp_path / "other") if words[0] == "program" else ()))
        assert done.exit_code == 2, words
        assert "is of an image for the hardware of random" in done.stderr
    done = repvgg_hw("simulate", engine.directory, "--image", engine.directory)
    assert "is a design, not an image" in done.stderr
    done = repvgg_hw("program", engine.directory, "--model", "A0", "-o", engine.directory)
    assert done.exit_code == 2
    assert folder.listed(engine.directory)
    network, plan = random_network([Layer(2)], in_shape=(3, 6, 6), classes=3, seed=1)
    generate.write(Design(tmp_path / "stream", Request("verilog", plan.budget), network, plan, {}))
    for command, option, value in (("program", "--model", "A0"), ("simulate", "--image", image)):
        done = repvgg_hw(command, tmp_path / "stream", option, value)
        assert done.exit_code == 2
        assert "architecture stream: it runs its own network alone" in done.stderr
