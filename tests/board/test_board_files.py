"""`repvgg-hw board`: what it writes, for every board; the project's script under stubs of Vivado."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import engine_designs
import pytest
from click.testing import CliRunner, Result
from hls_networks import Layer, random_network
from lint_sources import lint

from repvgg_hw.board.boards import BOARDS, Zynq
from repvgg_hw.cli import main
from repvgg_hw.plan import device
from repvgg_hw.plan import request as requests
from repvgg_hw.targets.generate import generate

ZYNQ = [name for name, board in BOARDS.items() if isinstance(board, Zynq)]
STUBS = Path(__file__).with_name("vivado_stubs.tcl")


def run(*words: object) -> Result:
    return CliRunner().invoke(main, ["board", *(str(word) for word in words)])


@pytest.fixture(scope="module")
def design(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("design") / "net"
    network, _ = random_network([Layer(4), Layer(4)], in_shape=(3, 6, 5), classes=4, seed=2)
    generate(network, folder, requests.parse("verilog", multipliers=40), {})
    return folder


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return engine_designs.write(tmp_path_factory.mktemp("engine") / "net").directory


@pytest.fixture(scope="module", params=[(a, b) for a in ("stream", "engine") for b in ZYNQ], ids="-".join)
def written(
    design: Path, engine: Path, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Path:
    architecture, board = request.param
    output = tmp_path_factory.mktemp("out") / "board"
    made = engine if architecture == "engine" else design
    result = run(made, "--board", board, "-o", output, "--top", 2)
    assert result.exit_code == 0, result.output
    return output


def is_engine(folder: Path) -> bool:
    return bool(json.loads((folder / "board.json").read_text())["architecture"] == "engine")


def tcl() -> list[str]:
    """A Tcl interpreter's command: tclsh, or the one that Python brings along."""
    if (found := shutil.which("tclsh")) is not None:
        return [found]
    if importlib.util.find_spec("_tkinter") is None:
        pytest.skip("neither tclsh nor Python's tkinter is installed")
    return [sys.executable, "-c", "import sys, tkinter; tkinter.Tcl().evalfile(sys.argv[1])"]


def vivado(folder: Path, board_files: str = "x:part0:1.0") -> str:
    """Run the script under the stubs: what was wrong, or nothing."""
    shutil.rmtree(folder / "vivado", ignore_errors=True)
    script = f"set BOARD_FILES {{{board_files}}}\nset ADDED {{}}\nsource {{{STUBS}}}\nsource vivado.tcl\n"
    script += 'puts "steps: $STEPS"\nputs "added: [llength $ADDED]"\n'
    (folder.parent / "run.tcl").write_text(script)
    done = subprocess.run(
        [*tcl(), "../run.tcl"], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    if done.returncode:
        return done.stderr.strip() or "nothing was said"
    steps = done.stdout.split("steps: ")[1].splitlines()[0].split()
    assert steps == [
        *("create_project", "save_core", "create_project", "create_bd_design", "assign_bd_address"),
        *("validate_bd_design", "make_wrapper", "launch_runs"),
    ]
    listed = [p for p in (folder / "rtl").iterdir() if p.is_file()]
    assert f"added: {len(listed)}" in done.stdout, "a file of rtl/ was not added"
    return ""


def test_the_project_is_whole(written: Path) -> None:
    """Every command, parameter, pin and file is known; with and without the board's own files."""
    for board_files in ("x:part0:1.0", ""):
        assert vivado(written, board_files) == ""
        name = json.loads((written / "board.json").read_text())["name"]
        assert {p.name for p in (written / "driver").glob(f"{name}.*")} == {
            *(f"{name}.bit", f"{name}.hwh", f"{name}.json"),
            *(f"{name}.engine.bin" for _ in range(is_engine(written))),
        }


STREAM_FAULTS = [
    ("c_include_sg", "c_has_sg", "axi_dma has no parameter c_has_sg"),
    ("dma/S_AXIS_S2MM]", "dma/S_AXIS_MM2S]", "axi_dma has no pin S_AXIS_MM2S"),
    ("  dma/s_axi_lite_aclk dma/m_axi_mm2s_aclk", "  dma/s_axi_lite_aclk", "nothing drives dma/m_axi_mm2s"),
    ("NUM_SI 2", "NUM_SI 1", "has 1 of its S ports"),
    ("control/M02_AXI interrupts/s_axi ", "control/M01_AXI interrupts/s_axi ", "connected twice"),
]
ENGINE_FAULTS = [
    ("accelerator/m_axi_data maps", "accelerator/m_axi_maps maps", "accelerator has no pin m_axi_maps"),
    ("  accelerator/m_axi_weight weights/S00_AXI \\\n", "", "m_axi_weight is joined to nothing"),
    ("weights/aclk maps/aclk", "weights/aclk", "nothing drives maps/aclk"),
]
FAULTS = [
    ("rtl/rvg_fifo.sv", "rtl/rvg_none.sv", "no file"),
    ("validate_bd_design", "validate_design", "invalid command name"),
    ("newest axi_intc", "newest axi_int", "no IP axi_int"),
    ("repvgg-hw:user:$top:1.0", "repvgg-hw:user:other:1.0", "no IP"),
]
ULTRASCALE = {
    "stream": [("c_addr_width 40", "c_addr_width 32", "has 32 address bits: no room for")],
    "engine": [
        ("exclude_bd_addr_seg", "list", "has 32 address bits: no room for"),
        ("SAXIGP3/HP1", "SAXIGP5/HP3", "m_axi_weight does not reach ps/SAXIGP5/HP3_DDR_LOW"),
        ("USE__S_AXI_GP3 1", "USE__S_AXI_GP3 0", "has no pin S_AXI_HP1_FPD"),
        ("GP3__DATA_WIDTH 64", "GP3__DATA_WIDTH 256", "DATA_WIDTH is 256"),
    ],
}


def test_a_fault_of_the_script_is_found(written: Path, tmp_path: Path) -> None:
    architecture = "engine" if is_engine(written) else "stream"
    text = (written / "vivado.tcl").read_text()
    faults = FAULTS + (ENGINE_FAULTS if architecture == "engine" else STREAM_FAULTS)
    faults += ULTRASCALE[architecture] if "zynq_ultra_ps_e" in text else []
    copy = shutil.copytree(written, tmp_path / "board")
    for old, new, said in faults:
        assert old in text
        (copy / "vivado.tcl").write_text(text.replace(old, new))
        assert said in vivado(copy), (old, new)


def test_every_file_that_is_named_exists(written: Path) -> None:
    sources = (written / "files.f").read_text().split()
    core = re.findall(r"^ +- (\S+): ", next(written.glob("*.core")).read_text(), re.MULTILINE)
    listed = {f"rtl/{path.name}" for path in (written / "rtl").iterdir()}
    assert set(core) == listed
    assert [name for name in core if not name.endswith(".mem")] == sources
    for name in re.findall(r"`((?:driver|rtl)/[\w./]+|files\.f|registers\.md|vivado\.tcl)`",
                           (written / "README.md").read_text()):  # fmt: skip
        assert (written / name).exists(), name
    tables = set(re.findall(r'\.FILE\("([^"]+)"\)', "".join((written / n).read_text() for n in sources)))
    assert {f"rtl/{name}" for name in tables} == {name for name in listed if name.endswith(".mem")}


def test_the_wrapper_has_no_warning(written: Path) -> None:
    if is_engine(written) and json.loads((written / "board.json").read_text())["board"] != ZYNQ[0]:
        return  # an engine's sources are the same on every board
    sources = [written / name for name in (written / "files.f").read_text().split()]
    assert lint(sources, sources[-1].stem) == ""


def test_parts_are_those_of_the_devices() -> None:
    for board in BOARDS.values():
        if not isinstance(board, Zynq):
            continue
        known = device.get(board.name)
        digits = re.sub(r"[^a-z0-9]", "", board.part.lower())
        assert digits.startswith(re.sub(r"[^a-z0-9]", "", known.part.name.lower()).split("ffvc")[0])


def test_it_refuses_what_it_cannot_do(design: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    for words, said in (
        ((design, "--board", "pynq"), "there are pynq-z2, kv260, zcu104, ulx3s-85f, orangecrab-85f, litex"),
        ((tmp_path, "--board", "kv260", "-o", output), "holds no design.json"),
        ((design, "--board", "kv260", "--top", 5, "-o", output), "the network random has 4 classes"),
        ((design, "--board", "kv260", "-o", design), "holds other files"),
        (
            (design, "--board", "kv260", "-o", output, "--bitstream", output / "x.bit"),
            "no open tool makes kv260",
        ),
        (
            (design, "--board", "ulx3s-85f", "-o", output, "--seed", 3),
            "--seed belongs to --bitstream",
        ),
        ((design, "--board", "kv260", "-o", design / "design.json"), "is a file"),
    ):
        result = run(*words)
        assert result.exit_code == 2, result.output
        assert said in result.output
        assert not output.exists()
    assert run(design, "--board", "kv260", "-o", output).exit_code == 0
    before = {path: path.read_bytes() for path in output.rglob("*") if path.is_file()}
    assert "--force writes over them" in run(design, "--board", "kv260", "-o", output).output
    assert run(design, "--board", "kv260", "-o", output, "--force").exit_code == 0
    assert {path: path.read_bytes() for path in output.rglob("*") if path.is_file()} == before
    said = run(design, "--board", "kv260", "-o", output, "--force", "--no-logits", "--json").output
    assert json.loads(said)["result_bytes"] == 4
    assert json.loads((output / "board.json").read_text())["logits"] == 0
