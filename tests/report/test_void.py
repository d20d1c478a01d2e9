"""What was proven holds for the files that were simulated: when one is another, no report is green."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hls_networks import Layer, random_network

from repvgg_hw.cli import main
from repvgg_hw.design import Design, results
from repvgg_hw.design.results import LayerResult, SimulationResult
from repvgg_hw.plan.planner import NetworkPlan
from repvgg_hw.plan.request import Request
from repvgg_hw.targets.generate import generate, write

EDITED = {
    "verilog": (
        "mem/stage0_0_weights.mem",
        "rtl/rvg_fifo.sv",
        "files.f",
        "sim/stream_check.sv",
        "network.npz",
    ),
    "engine": ("engine.bin", "rtl/rvg_engine.sv", "files.f", "sim/dram_model.sv", "network.npz"),
    "hls": ("src/tables/stage0_0_bias.inc", "src/lib/ring.hpp", "tb/tb.cpp", "csim/ap_int.h", "network.npz"),
}
CASES = [(target, name) for target, names in EDITED.items() for name in names]


@pytest.fixture(scope="module")
def proven(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A design of each kind, with a result that says it is proven."""
    place = tmp_path_factory.mktemp("void")
    for kind in EDITED:
        design = designed(kind, place / kind)
        layers = tuple(LayerResult(layer.name, 9, 1) for layer in design.plan.layers)
        interval = design.plan.frame_interval
        results.save(SimulationResult(design.target, "network", 4, 4, 0, layers, (), interval), place / kind)
    return place


def designed(kind: str, folder: Path, seed: int = 0) -> Design[NetworkPlan]:
    """A written design: of a target, or of the other architecture."""
    network, plan = random_network([Layer(2, pi=3, po=2)], in_shape=(3, 4, 4), classes=2, seed=seed)
    if kind == "engine":
        request = Request("verilog", 64, architecture=kind)
        return generate(network, folder, request, {})
    design: Design[NetworkPlan] = Design(folder, Request(kind, plan.budget), network, plan, {})
    write(design)
    return design


def verdict(directory: Path) -> tuple[str, bool | None, str]:
    """What JSON, its verdict and the page say."""
    done = CliRunner().invoke(main, ["report", str(directory), "--json"])
    assert done.exit_code == 0, done.output
    content = json.loads(done.stdout)
    return content["verdict"], content["passed"], (directory / "report.html").read_text()


@pytest.mark.parametrize("target", EDITED)
def test_as_it_was_simulated_it_is_proven(proven: Path, target: str) -> None:
    said, passed, page = verdict(proven / target)
    assert said.startswith("proven: 4 of 4 images")
    assert passed is True
    assert said in page


@pytest.mark.parametrize(("target", "name"), CASES)
def test_a_file_was_edited(proven: Path, tmp_path: Path, target: str, name: str) -> None:
    directory = tmp_path / "design"
    shutil.copytree(proven / target, directory)
    path = directory / name
    if path.suffix == ".npz":  # the same arrays, written by another hand
        with np.load(path) as archive:
            np.savez_compressed(path, **dict(archive))
    else:
        path.write_bytes(path.read_bytes() + b"\n")
    said, passed, page = verdict(directory)
    assert said == "not proven: a file of the design has changed since it was simulated; simulate again"
    assert passed is None
    assert "proven: 4 of 4" not in page
    assert "bit-exact" not in page


@pytest.mark.parametrize("target", EDITED)
def test_a_result_of_another_design_proves_nothing(proven: Path, tmp_path: Path, target: str) -> None:
    """results.json copied from a design that was proven into one that was not."""
    designed(target, tmp_path / "other", seed=1)
    shutil.copy(proven / target / results.FILE, tmp_path / "other")
    assert verdict(tmp_path / "other")[0].startswith("not proven: ")
