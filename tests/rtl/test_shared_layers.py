"""Verilator compiles alike layers once: what it emits must not grow with the depth of the network.

One function of the RTL called at run time, or one `%m`, makes every instance code of its own.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from hls_networks import Layer, random_network
from quick import slow

from repvgg_hw.design import Design
from repvgg_hw.plan.request import Request
from repvgg_hw.targets.generate import write
from repvgg_hw.targets.verilog.simulate import ARGUMENTS, sources
from repvgg_hw.targets.verilog.simulator import tools

ALIKE = {"direct": Layer(4, pi=2, po=2), "winograd": Layer(4, pi=2, po=2, m=3)}


def layer_functions(folder: Path, layers: list[Layer], stalls: int) -> list[str]:
    """The clocked functions of all convolution layers in Verilator's C++, by class."""
    network, plan = random_network(layers, in_shape=(4, 9, 9))
    design = Design(folder, Request("verilog", plan.budget), network, plan, {})
    write(design)
    command = [
        "verilator",
        "--cc",
        "--vpi",
        "--top-module",
        "bench",
        "--Mdir",
        str(folder / "obj"),
        "--prefix",
        "V",
    ]
    command += ["-Wno-fatal", "-Wno-lint", *ARGUMENTS, *map(str, sources(design, stalls=stalls))]
    with tools.tool_environment():
        subprocess.run(command, check=True, capture_output=True, timeout=300)
    code = "".join(path.read_text() for path in (folder / "obj").glob("V_rvg_conv3x3*.cpp"))
    return sorted(re.findall(r"^void (V_rvg_conv3x3\w*?)___nba_sequent__\w*__\d+\(", code, re.MULTILINE))


@pytest.mark.parametrize("stalls", [0, slow(1)], ids=["", "with probes of limits"])
@pytest.mark.parametrize("kind", ALIKE)
def test_depth_adds_no_code(tmp_path: Path, kind: str, stalls: int) -> None:
    layers = [Layer(4), *[ALIKE[kind]] * 3, Layer(6)]
    deeper = [Layer(4), *[ALIKE[kind]] * 7, Layer(6)]
    functions = layer_functions(tmp_path / "3", layers, stalls)
    assert functions
    assert layer_functions(tmp_path / "7", deeper, stalls) == functions
