"""Emitted folders are input: what somebody changed in one is a line that names the file."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hls_networks import Layer, random_network

from repvgg_hw import design as designs
from repvgg_hw.design import Design, folder, results
from repvgg_hw.design.network_file import save_network
from repvgg_hw.errors import InputError
from repvgg_hw.plan.request import Request


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """A design's description and network, listed as generate does."""
    network, plan = random_network([Layer(4, pi=3), Layer(8, po=4)], in_shape=(3, 8, 8))
    network = replace(network, provenance={"source": "\udcff.pth"})  # a name that is no UTF-8
    designs.save(Design(tmp_path, Request("verilog", plan.budget), network, plan, {}))
    (tmp_path / folder.FILES).write_text(json.dumps(["design.json", "network.npz"]))
    designs.load(tmp_path)
    return tmp_path


def edited(path: Path, change: Callable[[Any], object]) -> None:
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.pop("options"), "missing required field `options`"),
        (lambda d: d.update(more=1), "unknown field `more`"),
        (lambda d: d.update(format="3"), "format: expected `int`, got `str`"),
        (lambda d: d.update(format=1), "has format 1, this version reads"),
        (lambda d: d["request"].pop("clock_mhz"), "request.clock_mhz is missing"),
        (lambda d: d["request"].update(clock_mhz=float("nan")), "not JSON"),
        (lambda d: d["request"].update(clock_mhz=0), "the clock is"),
        (lambda d: d["request"].update(multipliers=True), "request.multipliers: expected `int | null`"),
        (lambda d: d["request"].update(fps=30.0), "give either a budget of multipliers or a frame rate"),
        (lambda d: d["request"].update(architecture="vhdl"), "there is no architecture 'vhdl'"),
        (lambda d: d["request"]["algorithms"].update(tiles=[1]), "Winograd tiles are"),
        (lambda d: d["provenance"].update(source="other.pth"), "provenance.source is .other.pth."),
        (lambda d: d["plan"]["convs"][0].update(pi=0), "PI = 0 does not divide"),
        (lambda d: d["plan"]["convs"][0].update(height=10**9), "plan.convs.0.height is 1000000000"),
    ],
)  # fmt: skip
def test_design_json(written: Path, change: Callable[[Any], object], message: str) -> None:
    edited(written / "design.json", change)
    with pytest.raises(InputError, match=r"design\.json: .*" + message.replace("|", r"\|")):
        designs.load(written)


@pytest.mark.parametrize("data", [b"[" * 100_000, b"\xff\xfe", b"", bytes(17 << 20)])
def test_design_json_of_bytes_that_mean_nothing(written: Path, data: bytes) -> None:
    (written / "design.json").write_bytes(data)
    with pytest.raises(InputError, match=r"design\.json: (not JSON|longer than)"):
        designs.load(written)


def test_a_foreign_network_is_refused(written: Path) -> None:
    network, _ = random_network([Layer(4, pi=3), Layer(8, po=4)], in_shape=(3, 8, 9))
    network = replace(network, provenance=designs.load(written).network.provenance)
    save_network(network, written / "network.npz")
    with pytest.raises(InputError, match=r"plan.in_shape.2 is 8, right is 9, by network\.npz"):
        designs.load(written)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.pop("layers"), "missing required argument `layers`|layers"),
        (lambda d: d.update(images="4"), "images: expected `int`"),
        (lambda d: d.update(passed=True), "passed is not what its problems say"),
        (lambda d: d.update(more=1), "more has no place in it"),
        (lambda d: d.pop("notes"), "notes is missing"),
    ],
)
def test_results_json(written: Path, change: Callable[[Any], object], message: str) -> None:
    results.save(results.not_proven("verilog", 1, 64, "a problem"), written)
    assert results.load(written) is not None
    edited(written / "results.json", change)
    with pytest.raises(InputError, match=r"results\.json: .*(" + message + ")"):
        results.load(written)


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo])
def test_results_json_that_is_no_file(written: Path, make: Callable[[Path], object]) -> None:
    make(written / "results.json")
    with pytest.raises(InputError, match=r"results\.json: missing, or no file"):
        results.load(written)


def test_a_listed_file_that_is_a_pipe_is_not_waited_for(written: Path) -> None:
    (written / "network.npz").unlink()
    os.mkfifo(written / "network.npz")
    with pytest.raises(InputError, match=r"network\.npz is missing or no file"):
        folder.fingerprint(written)


def test_a_listed_file_without_end_is_not_read(written: Path) -> None:
    """As large as a disk says it is, without taking any of it."""
    os.truncate(written / "network.npz", 1 << 40)
    with pytest.raises(InputError, match=r"network\.npz has 1,099,511,627,776 bytes, more than any file"):
        folder.fingerprint(written)
