"""A small network's netlist, whole, by commands: `synth`, then `simulate --netlist`; and one with a fault."""

from __future__ import annotations

import json
import re
from pathlib import Path

import netlist_faults
import pytest
from click.testing import CliRunner, Result
from hls_networks import Layer, random_network

from repvgg_hw.cli import main
from repvgg_hw.design import Design, folder
from repvgg_hw.plan import device as devices
from repvgg_hw.plan.request import Request
from repvgg_hw.synth import circuit, proof, yosys
from repvgg_hw.synth.family import FAMILIES
from repvgg_hw.targets.generate import write

pytest.importorskip("pyosys", reason="pyosys is not installed: pip install repvgg-hw[synth]")
DEVICE = "ulx3s-85f"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A design of one layer, with its netlist."""
    network, plan = random_network([Layer(2)], in_shape=(1, 4, 4), linear=None)
    directory = tmp_path_factory.mktemp("netlist") / "net"
    write(Design(directory, Request("verilog", plan.budget), network, plan, {}))
    done = run("synth", directory, "--device", DEVICE, "--no-route")
    assert done.exit_code == 0, done.output
    return directory


def run(command: str, directory: Path, *options: str) -> Result:
    return CliRunner().invoke(main, ["-q", command, str(directory), *options])


def test_netlist_is_proven(place: Path) -> None:
    """Every value equal; the verdict is kept beside that of the RTL, and ends with the netlist it is of."""
    done = run("simulate", place, "--netlist", DEVICE, "--stalls", "1", "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.output)
    assert found["passed"]
    assert found["bit_exact"] == found["images"] > 0
    assert DEVICE in found["notes"][0]
    assert proof.load(place).keys() == {DEVICE}
    page = run("report", place)
    assert f"netlist for {DEVICE}: proven" in page.output
    assert "not simulated yet" in page.output, "of the RTL nothing is said"
    assert f"netlist for {DEVICE}: proven" in (place / "report.html").read_text()


def test_a_fault_is_found(place: Path) -> None:
    netlist = circuit.place(place, devices.get(DEVICE)) / "netlist.v"
    netlist.write_text(netlist_faults.flipped_bit(netlist.read_text()))
    assert proof.load(place) == {}, "of another netlist"
    refused = run("simulate", place, "--netlist", DEVICE)
    assert refused.exit_code == 2
    assert f"run `repvgg-hw synth {place} --device {DEVICE}` first" in refused.output
    circuit.record(netlist.parent, folder.fingerprint(place))  # as if synthesis had made it so
    done = run("simulate", place, "--netlist", DEVICE, "--json")
    assert done.exit_code == 1, done.output
    assert json.loads(done.stdout)["layers"][0]["divergence"]["layer"] == "stage0.0"
    assert f"netlist for {DEVICE}: NOT proven" in run("report", place).output


def test_multipliers_fit_any_block(place: Path) -> None:
    """Four multipliers of an ECP5 share a block, which has four nets for each of these: with more of them in
    a design, nextpnr may find no legal placement.
    """
    text = (circuit.place(place, devices.get(DEVICE)) / "netlist.v").read_text()
    multipliers = list(netlist_faults.instances(text, "MULT18X18D", r"\S+"))
    assert len(multipliers) > 9
    for signal in ("CLK", "CE", "RST"):
        nets = {net for cell in multipliers for net in re.findall(rf"\.{signal}\d\((.+)\)", cell["ports"])}
        assert 1 <= len(nets) <= 4, f"{signal}: {nets}"


def test_the_readme_makes_the_same_netlist(place: Path) -> None:
    """Its line for ECP5, run in the design's folder: as many multipliers, and no cell of another kind."""
    (line,) = re.findall(r'yosys -p "(read_verilog .*?; synth_ecp5 .*?)"', (place / "README.md").read_text())
    listed = (place / "files.f").read_text().replace("\n", " ")
    script = line.replace("$(tr '\\n' ' ' < files.f)", listed).split("; ")
    yosys.run([*script, "tee -q -o readme.stat.json stat -json"], place, "readme")
    family = FAMILIES["ecp5"]
    made = circuit.place(place, devices.get(DEVICE)) / "netlist.stat.json"
    assert yosys.counts(family, place / "readme.stat.json")["dsp"] == yosys.counts(family, made)["dsp"] > 9


@pytest.mark.parametrize("option", ["--layers", "--waves"])
def test_options_that_mean_nothing(place: Path, option: str) -> None:
    done = run("simulate", place, "--netlist", DEVICE, option)
    assert done.exit_code == 2
    assert f"--netlist means nothing beside {option}" in done.output
