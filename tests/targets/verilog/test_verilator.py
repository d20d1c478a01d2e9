"""Simulators: what is built once, what is built again, and that a simulation which does not end is ended."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hls_networks import Layer, random_network

from repvgg_hw import api
from repvgg_hw.cli import main
from repvgg_hw.design import Design
from repvgg_hw.errors import CheckFailed, InputError
from repvgg_hw.plan.request import Request
from repvgg_hw.plan.stream.plan import Plan
from repvgg_hw.targets.generate import write
from repvgg_hw.targets.verilog.netlist import build
from repvgg_hw.targets.verilog.simulator import runtime, verilator
from repvgg_hw.targets.verilog.simulator.plain_paths import check_tool, plain_build
from repvgg_hw.targets.verilog.simulator.time_limit import TimedOut, allowed_seconds, patience, time_limit
from repvgg_hw.targets.verilog.simulator.tools import package_root

ALIKE = 3


def emitted(folder: Path, seed: int, po: int = 2) -> Design[Plan]:
    """A design of which the last layers differ in their weights only."""
    layers = [Layer(4, stride=2, pi=3, po=2), *[Layer(4, pi=2, po=po)] * ALIKE]
    network, plan = random_network(layers, in_shape=(3, 6, 6), classes=3, seed=seed)
    design = Design(folder, Request("verilog", plan.budget), network, plan, {})
    write(design)
    return design


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Design[Plan]:
    """A design with its simulator, of which one image has been proven."""
    design = emitted(tmp_path_factory.mktemp("verilator") / "design", seed=1)
    done = CliRunner().invoke(main, ["simulate", str(design.directory), "--limit", "1"])
    assert done.exit_code == 0, done.output
    return design


@pytest.fixture
def design(sound: Design[Plan], tmp_path: Path) -> Design[Plan]:
    """A copy to break."""
    shutil.copytree(sound.directory, tmp_path / "design")
    return Design(tmp_path / "design", Request("verilog", sound.plan.budget), sound.network, sound.plan, {})


def test_alike_layers_are_compiled_once(sound: Design[Plan]) -> None:
    units = [unit for unit in build(sound.plan).units if unit.module == "rvg_conv3x3"]
    kinds = {tuple(unit.parameters.items()) for unit in units}
    assert (len(units), len(kinds)) == (1 + ALIKE, 2)
    assert len(list((sound.directory / "build" / "sim").glob("Vtop_rvg_conv3x3*__0.cpp"))) == len(kinds)


def test_the_main_program_of_another_design_is_used_again(sound: Design[Plan], tmp_path: Path) -> None:
    """It sees the class Vtop, of which only size and methods matter to it."""
    other = emitted(tmp_path / "design", seed=1, po=4)
    done = CliRunner().invoke(main, ["simulate", str(other.directory), "--limit", "1"])
    assert done.exit_code == 0, done.output
    compiled = (other.directory / "build/sim/build.log").read_text()
    assert "Vtop__ALL.cpp" in compiled
    assert "verilator.cpp" not in compiled


def test_the_runtimes_headers_are_read_precompiled(sound: Design[Plan]) -> None:
    """Where nothing is optimised; of the 70 MB none stays in the design's folder."""
    folder = sound.directory / "build/sim"
    assert f"-include {runtime.HEADERS}" in (folder / "build.log").read_text()
    assert list(folder.glob(f"{runtime.HEADERS}*")) == []
    cache = runtime.cache_folder(package_root() / "include", False, verilator._CPP_FLAGS)
    assert (cache / "headers-O0.gch").stat().st_size > 1 << 20


def test_a_main_program_is_known_by_what_it_sees(sound: Design[Plan], tmp_path: Path) -> None:
    sound_header = (sound.directory / "build/sim/Vtop.h").read_text()
    cell = re.search(r"^ *(Vtop_\w+)\* const \w+;\n", sound_header, re.MULTILINE)
    assert cell is not None

    def name(header: str, optimize: str = "-O0") -> str:
        (tmp_path / "Vtop.h").write_text(header)
        return runtime.main_name(tmp_path, optimize)

    own = name(sound_header)
    assert name(sound_header.replace(cell[1], "Vtop_another")) == own
    others = [
        name(sound_header, "-O2"),
        name(sound_header.replace(cell[0], "")),
        name(sound_header.replace(cell[0], 2 * cell[0])),
        name(sound_header.replace("VL_IN8(&rst,0,0);", "")),
        name(sound_header.replace("void final();", "virtual void final();")),
    ]
    assert len({own, *others}) == 1 + len(others)


def test_new_weights_of_the_same_shape_need_no_new_simulator(sound: Design[Plan], tmp_path: Path) -> None:
    other = emitted(tmp_path / "design", seed=2)
    assert not np.array_equal(other.network.convs[1].weight, sound.network.convs[1].weight)
    shutil.copytree(sound.directory / "build", other.directory / "build")
    arguments = ["simulate", str(other.directory), "--limit", "1", "--json"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(verilator, "check_tools", lambda: pytest.fail("a simulator is built"))
        done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["bit_exact"] == 1


def test_who_waits_for_a_compiler_is_told_so_first(tmp_path: Path) -> None:
    """Before anything else; and nothing of it where the simulator is there."""

    def first(directory: Path) -> str:
        told: list[str] = []
        api.open_design(directory).simulate(limit=1, progress=lambda share, what: told.append(what))
        return told[0]

    other = emitted(tmp_path / "design", seed=2)
    assert first(other.directory) == verilator.BUILDING
    assert first(other.directory) == "golden model"


def script(folder: Path, lines: str) -> Path:
    """A shell script in the place of a compiled simulator."""
    folder.mkdir(exist_ok=True)
    (folder / "bench").write_text(f"#!/bin/sh\n{lines}\n")
    (folder / "bench").chmod(0o755)
    return folder


def run(folder: Path, work: Path) -> bool:
    return verilator.run(folder, "bench", "tb_top", modules_path=work, work=work)


def test_a_simulator_that_never_ends(tmp_path: Path) -> None:
    folder = script(tmp_path / "obj", "echo $$ > pid; exec sleep 600")
    with (
        time_limit(1),
        pytest.raises(TimedOut, match=r"had not ended after 1 s and was stopped: see .*tb_top\.log"),
    ):
        run(folder, tmp_path)
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


@pytest.mark.parametrize("lines", ["exit 3", "kill -9 $$", "exit 0"])
def test_a_simulator_that_ends_without_a_verdict_has_not_passed(tmp_path: Path, lines: str) -> None:
    with time_limit(60):
        assert not run(script(tmp_path / "obj", lines), tmp_path)


def test_the_innermost_limit_holds() -> None:
    assert allowed_seconds() is None
    with time_limit(5):
        with time_limit(2):
            assert allowed_seconds() == 2
        assert allowed_seconds() == 5
    assert allowed_seconds() is None


def test_patience_grows_with_the_cycles() -> None:
    """RepVGG-A0 at 224x224 gets an hour and a half; it takes a minute."""
    assert patience(0) == 1800
    assert patience(1_675_497) == 1800 + 1_675_497 / 500


def test_a_hung_simulation_through_the_command(design: Design[Plan], tmp_path: Path) -> None:
    """A compiled simulator that stands still before its first cycle."""
    junit = tmp_path / "results.xml"
    arguments = ["simulate", str(design.directory), "--limit", "1", "--junit", str(junit)]
    assert json.loads((design.directory / "results.json").read_text())["passed"], "an older proof"
    (design.directory / "build" / "sim" / "bench").unlink()
    script(design.directory / "build" / "sim", "exec sleep 600")
    done = CliRunner().invoke(main, [*arguments, "--timeout", "3"])
    assert done.exit_code == 1, done.output
    failed = [line for line in done.output.splitlines() if line.startswith("FAILED")]
    log = design.directory.resolve() / "build" / "check.out"
    assert failed == [f"FAILED the simulation had not ended after 3 s and was stopped: see {log}"]
    assert "NOT proven" in done.output
    left = json.loads((design.directory / "results.json").read_text())
    assert (left["passed"], left["bit_exact"], left["images"]) == (False, 0, 1)
    suite = ET.parse(junit).getroot()
    assert (suite.get("tests"), suite.get("failures")) == ("1", "1")


def test_a_stream_that_stands_still_is_ended_by_the_benchs_watchdog(design: Design[Plan]) -> None:
    """The simulator runs on, but a layer never offers its output: ended by cycles, and the layer named."""
    path = design.directory / "rtl" / "repvgg_random.sv"
    text, count = re.subn(
        r"(u_pool \(.*?\.s_axis_tvalid\()\w+", r"\g<1>1'b0", path.read_text(), flags=re.DOTALL
    )
    assert count == 1, "the fault no longer fits the source"
    path.write_text(text)
    done = CliRunner().invoke(main, ["simulate", str(design.directory), "--limit", "2"])
    assert done.exit_code == 1, done.output
    assert "FAILED pool: stops in image 0 after 0 of " in done.output
    assert "nothing moves any more" in (design.directory / "build" / "check.out").read_text()


def test_the_time_limit_is_for_verilog_designs(design: Design[Plan]) -> None:
    content = json.loads((design.directory / "design.json").read_text())
    content["request"]["target"] = "hls"
    (design.directory / "design.json").write_text(json.dumps(content))
    done = CliRunner().invoke(main, ["simulate", str(design.directory), "--timeout", "3"])
    assert done.exit_code == 2
    assert "--timeout" in done.output


NASTY = "my net$HOME $(x) #1 'é' \"\\;&|*?[red]%:=~\n!"


@pytest.mark.parametrize("options", [[], ["--layer", "stage0.0"]])
def test_a_folder_may_have_any_name(tmp_path: Path, options: list[str]) -> None:
    """make could handle hardly a letter of it."""
    design = emitted(tmp_path / NASTY, seed=0)
    done = CliRunner().invoke(main, ["simulate", str(design.directory), "--limit", "1", *options])
    assert done.exit_code == 0, done.output
    assert "1 of 1 images bit-exact" in done.output
    before = {path: path.stat().st_mtime_ns for path in design.directory.rglob("bench") if path.is_file()}
    assert len(before) == 1
    again = CliRunner().invoke(main, ["simulate", str(design.directory), "--limit", "1", *options])
    assert again.exit_code == 0, again.output
    assert {path: path.stat().st_mtime_ns for path in before} == before  # not built again


def test_a_build_that_fails_there_leaves_its_log(tmp_path: Path) -> None:
    source = tmp_path / NASTY / "bench.sv"
    source.parent.mkdir()
    source.write_text("module bench; nonsense endmodule\n")
    with pytest.raises(CheckFailed, match="does not build") as caught:
        verilator.build([source], "bench", tmp_path / NASTY / "build")
    assert "nonsense" in (tmp_path / NASTY / "build" / "build.log").read_text()
    assert str(tmp_path / NASTY / "build" / "build.log") in str(caught.value)


def test_nowhere_to_build_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a b").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "a b"))
    with pytest.raises(InputError, match="set TMPDIR"), plain_build([], tmp_path / "c d", ()):
        pytest.fail("built in a folder with spaces")
    with pytest.raises(InputError, match="environment whose path has only letters"):
        check_tool(tmp_path / "a b", "the package verilator")


def test_a_short_run_is_content_with_what_a_long_one_compiled(tmp_path: Path) -> None:
    source, folder = tmp_path / "bench.sv", tmp_path / "build"
    source.write_text("module bench (input wire logic clk);\nendmodule\n")
    short, long = (verilator.optimization(verilator.QUICK_CYCLES + more) for more in (0, 1))
    built = [
        verilator.build([source], "bench", folder, optimize=each) for each in (short, short, long, short)
    ]
    assert built == [True, False, True, False]
