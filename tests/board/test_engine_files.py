"""`repvgg-hw board` of an engine: which networks it takes, what it refuses, what the driver is told."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path

import engine_designs
import numpy as np
import pytest
from click.testing import CliRunner, Result
from engine_cases import network_of

from repvgg_hw import golden
from repvgg_hw.cli import main
from repvgg_hw.network import IntegerNetwork
from repvgg_hw.plan.engine import image as images
from repvgg_hw.targets.program import program


def run(*words: object) -> Result:
    return CliRunner().invoke(main, ["board", *(str(word) for word in words)])


def named(network: IntegerNetwork, name: str) -> IntegerNetwork:
    return dataclasses.replace(network, name=name)


OTHER = named(network_of([(4, 1, 1), (6, 2, 1)], (1, 9, 8), classes=7, seed=3), "other")
MAP = named(network_of([(4, 1, 1), (6, 2, 1)], (3, 9, 8), classes=0, seed=4), "backbone")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An engine, and images of two other networks for it."""
    made = tmp_path_factory.mktemp("engine")
    design = engine_designs.write(made / "engine")
    for network in (OTHER, MAP):
        program(design, network, made / network.name, {})
    return made


@pytest.fixture(scope="module")
def board(folder: Path) -> Path:
    words = [word for name in ("other", "backbone") for word in ("--image", folder / name)]
    result = run(folder / "engine", "--board", "zcu104", *words, "-o", folder / "board", "--top", 3)
    assert result.exit_code == 0, result.output
    assert "networks: random, other, backbone; ports of 64 bits" in result.output
    return folder / "board"


@pytest.mark.parametrize("network", [engine_designs.NETWORK, OTHER, MAP], ids=lambda n: n.name)
def test_the_driver_is_told_of_each_network(folder: Path, board: Path, network: IntegerNetwork) -> None:
    facts = json.loads((board / "driver" / f"{network.name}.json").read_text())
    data = (board / "driver" / facts["image"]).read_bytes()
    place = "engine" if network is engine_designs.NETWORK else network.name
    assert data == (folder / place / "engine.bin").read_bytes()
    assert facts["image_sha256"] == hashlib.sha256(data).hexdigest()
    header = images.parse(data, engine_designs.ARRAY)
    assert header.fingerprint.hex() == facts["network"]
    assert [header.header[name] for name in ("maps", "input", "output")] == [
        facts[f"{name}_bytes"] for name in ("maps", "input", "output")
    ]
    channels, height, width = network.in_shape
    assert facts["shape"] == [height, width, channels]
    assert facts["engine"] == engine_designs.ARRAY.identity
    assert (np.array(facts["table"]) == golden.input_table(network)).all()
    if network is MAP:
        assert (facts["logits"], facts["top"], facts["map"][:3]) == (0, 0, [6, 5, 4])
    else:
        assert (facts["logits"], facts["top"], facts["map"]) == (network.num_classes, 3, None)


def test_each_network_has_its_c_header(board: Path) -> None:
    for name, folder in (("random", "c"), ("other", "c/other"), ("backbone", "c/backbone")):
        text = (board / "driver" / folder / "rvg_design.h").read_text()
        assert text.splitlines()[1].startswith(f"/* {name} on its engine.")


def test_a_litex_folder_is_whole(folder: Path, tmp_path: Path) -> None:
    assert run(folder / "engine", "--board", "litex", "-o", tmp_path / "board").exit_code == 0
    page = (tmp_path / "board" / "README.md").read_text()
    assert "`rvg_litex`" in page
    assert "`driver/random.engine.bin`" in page
    assert "rvg_dma" not in " ".join(path.name for path in (tmp_path / "board/driver/c").iterdir())
    facts = json.loads((tmp_path / "board" / "board.json").read_text())
    assert facts["beats"] == [engine_designs.ARRAY.bw, engine_designs.ARRAY.bd]


def test_it_refuses_what_it_cannot_do(folder: Path, tmp_path: Path) -> None:
    engine, output = folder / "engine", tmp_path / "out"
    another = engine_designs.write(
        tmp_path / "another", array=dataclasses.replace(engine_designs.ARRAY, t_max=4)
    )
    program(another, OTHER, tmp_path / "foreign", {})
    for words, said in (
        ((engine, "--board", "ulx3s-85f"), "an engine needs AXI4 ports to a memory"),
        ((engine, "--board", "kv260", "--no-logits"), "is an engine, whose output is its logits"),
        ((engine, "--board", "kv260", "--top", 11), "the network random has 10 classes"),
        ((engine, "--board", "kv260", "--image", tmp_path / "foreign"), "was made for other sources"),
        ((engine, "--board", "kv260", "--image", engine), "is a design, not an image"),
        (
            (engine, "--board", "kv260", *(("--image", folder / "other") * 2)),
            "there is a network other already",
        ),
        ((folder / "other", "--board", "kv260"), "is of an image for the hardware"),
    ):
        result = run(*words, "-o", output)
        assert result.exit_code == 2, (words, result.output)
        assert said in result.output, result.output
        assert not output.exists()


def test_a_damaged_image_is_refused(folder: Path, tmp_path: Path) -> None:
    design = engine_designs.write(tmp_path / "engine")
    data = bytearray((design.directory / "engine.bin").read_bytes())
    data[-1] ^= 1
    (design.directory / "engine.bin").write_bytes(data)
    result = run(design.directory, "--board", "kv260", "-o", tmp_path / "out")
    assert result.exit_code == 2
    assert "is not the network's: generate the design again" in result.output
