"""`simulate --extremes` drives sums to the edges of their widths: what is a bit too narrow there turns red.

Each fault is green on images, on two random ones here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from hls_networks import Layer, random_network
from quick import some

from repvgg_hw.cli import main
from repvgg_hw.design import Design
from repvgg_hw.network import IntegerNetwork
from repvgg_hw.plan.folding import Folding
from repvgg_hw.plan.request import Algorithms, Request
from repvgg_hw.plan.stream.plan import Plan
from repvgg_hw.plan.stream.search import make_plan
from repvgg_hw.targets.generate import write
from repvgg_hw.targets.target import ProofOptions
from repvgg_hw.targets.verilog.target import TARGET

IMAGES = 2


def request(plan: Plan) -> Request:
    """What asks for such a plan: its tiles, beside direct products."""
    tiles = tuple(sorted({conv.tile[0] for conv in plan.convs if conv.tile is not None}))
    return Request("verilog", plan.budget, algorithms=Algorithms(tiles))


def inner_tile(m: int) -> tuple[IntegerNetwork, Plan]:
    """A direct stem, then F(m)."""
    layers = [Layer(4, pi=3, po=2), Layer(4, pi=2, po=2, m=m)]
    return random_network(layers, in_shape=(3, 12, 12), classes=5, seed=3)


def tight(m: int | None) -> tuple[IntegerNetwork, Plan]:
    """One layer whose accumulator needs every bit that it has: all weights at the ends, 20 bits."""
    network, _ = random_network([Layer(4)], in_shape=(3, 12, 12), classes=5, seed=3)
    (conv,) = network.convs
    weight = np.where(conv.weight < 0, -127, 127).astype(np.int8)
    network = replace(network, convs=(replace(conv, weight=weight, bias=conv.bias * 0),))
    folding = {"stage0.0": Folding(3, 2, m), "linear": Folding(1, 1)}
    plan = make_plan(network, multipliers=10**9, folding=folding)
    assert plan.convs[0].acc_bits == network.convs[0].accumulator_bound.bit_length() + 1
    return network, plan


def emitted(folder: Path, network: IntegerNetwork, plan: Plan) -> Design[Plan]:
    design = Design(folder, request(plan), network, plan, {})
    write(design)
    return design


def run_command(design: Design[Plan], *options: str) -> Result:
    command = ["simulate", str(design.directory), "--limit", str(IMAGES), "--extremes", *options]
    return CliRunner().invoke(main, command)


def test_the_whole_network_says_how_far_it_came(tmp_path: Path) -> None:
    design = emitted(tmp_path / "net", *inner_tile(4))
    done = run_command(design, "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["bit_exact"] == found["images"] > IMAGES
    stages = {layer["name"]: layer["reach"] for layer in found["layers"]}
    assert set(stages["stage1.0"]) == {"data, after columns", "data", "accumulator"}
    assert stages["stage0.0"]["accumulator"]["reached"] > 0.99 * stages["stage0.0"]["accumulator"]["bound"]
    report = CliRunner().invoke(main, ["report", str(design.directory)])
    assert "largest values, of the bound of their width: accumulator " in report.output
    page = (design.directory / "report.html").read_text()
    assert "data, after columns" in page
    assert f"{IMAGES} images and {found['images'] - IMAGES} frames of extremes" in page


@pytest.mark.slow
def test_each_layer_alone_reaches_its_edges(tmp_path: Path) -> None:
    design = emitted(tmp_path / "net", *inner_tile(3))
    done = run_command(design, "--layers", "--jobs", "2", "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["bit_exact"] == found["images"] == IMAGES
    reach = {layer["name"]: layer["reach"] for layer in found["layers"]}
    exact = [reach["stage1.0"]["data"], reach["stage1.0"]["data, after columns"], reach["pool"]["sum"]]
    assert all(stage["reached"] == stage["bound"] for stage in exact)
    assert run_command(design, "--layers", "--jobs", "2").output.count("layers had passed") == 1


def node_narrower(node: int, bits: int) -> Callable[[str], str]:
    """Takes bits from one adder of a constant network."""

    def edit(text: str) -> str:
        pattern = rf"SUM_W\(IN_W \+ (\d+)\)(,\n.*\n *\) u_n{node} )"
        changed, count = re.subn(pattern, lambda m: f"SUM_W(IN_W + {int(m[1]) - bits}){m[2]}", text)
        assert count == 1, "the fault no longer fits the source"
        return changed

    return edit


def replaced(old: str, new: str) -> Callable[[str], str]:
    """Replaces one piece of text."""

    def edit(text: str) -> str:
        assert text.count(old) == 1, "the fault no longer fits the source"
        return text.replace(old, new)

    return edit


@dataclass(frozen=True)
class Narrow:
    """A width that is too small: an edit of one file, and the layer that is named; alone: driven apart."""

    make: Callable[[], tuple[IntegerNetwork, Plan]]
    file: str
    edit: Callable[[str], str]
    layer: str = "stage1.0"
    alone: bool = False


ACC_SUM = "(first ? '0 : sum) + products"
LINE, DATUM = "line[DATA_W*(PI*j + c) +: DATA_W]  = ", "line_y[DATA_W*(K*c + j) +: DATA_W]"
CUT_QUOTIENTS = (
    "for (int i = 0; i < LANES*M; i++) acc[ACC_W*i +: ACC_W] <= $signed(quotients[ACC_W*i +: ACC_W-1]);"
)
# The nodes are those whose column pass, and whose row pass on the images, still fits.
FAULTS = {
    "node of the data transform, one bit": Narrow(
        lambda: inner_tile(3), "rvg_winograd_data_m3_s1", node_narrower(5, 1)
    ),
    "node of the data transform, two bits": Narrow(
        lambda: inner_tile(4), "rvg_winograd_data_m4_s1", node_narrower(14, 2)
    ),
    "transformed data, one bit": Narrow(
        lambda: inner_tile(4),
        "rvg_winograd_input_transform",
        replaced(LINE + DATUM, f"{LINE}DATA_W'($signed(line_y[DATA_W*(K*c + j) +: DATA_W-1]))"),
        alone=True,
    ),
    "direct accumulator, one bit": Narrow(
        lambda: tight(None),
        "rvg_dot_accumulate",
        replaced(ACC_SUM, f"$signed((SUM_W-1)'({ACC_SUM}))"),
        "stage0.0",
    ),
    "Winograd's quotient, one bit": Narrow(
        lambda: tight(2),
        "rvg_winograd_output_transform",
        replaced("acc <= quotients;", CUT_QUOTIENTS),
        "stage0.0",
    ),
}


@pytest.mark.parametrize("name", some(FAULTS, 3))
def test_a_width_that_is_too_small_is_found(tmp_path: Path, name: str) -> None:
    fault = FAULTS[name]
    design = emitted(tmp_path / "net", *fault.make())
    path = design.directory / "rtl" / f"{fault.file}.sv"
    path.write_text(fault.edit(path.read_text()))
    shape = (IMAGES, *design.network.in_shape)
    images = np.random.default_rng(0).integers(-128, 128, shape).astype(np.int8)
    options = ProofOptions(layer=fault.layer if fault.alone else None, jobs=1)
    by_images = TARGET.prove(design, images, options)
    assert by_images.passed, by_images.problems
    driven = TARGET.prove(design, images, replace(options, extremes=True))
    assert not driven.passed
    assert driven.problems[0].startswith(f"{fault.layer}: "), driven.problems
