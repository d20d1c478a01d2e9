"""Registers that are moved into block RAMs: the netlist does the same with them, by a model of the block."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from repvgg_hw.files import sim_dir, templates_dir
from repvgg_hw.synth import block_registers, yosys
from repvgg_hw.synth.family import FAMILIES
from repvgg_hw.synth.netlist import included, of_design
from repvgg_hw.targets.verilog.simulator import verilator

pytest.importorskip("pyosys", reason="pyosys is not installed: pip install repvgg-hw[synth]")

HERE = Path(__file__).parent
FAMILY = FAMILIES["ecp5"]
REGISTERS = 5 + 18 + 18 + 72 + 36  # that each have a block's output for themselves
COMMON = templates_dir() / "verilog" / "common"
SOURCES = [COMMON / "rvg_rom.sv", COMMON / "rvg_ram_1r1w.sv", HERE / "block_memories.sv"]


@pytest.fixture(scope="module")
def netlist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """block_memories in cells of ECP5, in a folder with its tables."""
    folder = tmp_path_factory.mktemp("blocks")
    chance = random.Random(1)
    for name, words, bits in (("deep", 4000, 5), ("wide", 512, 18), ("fixed", 512, 36)):
        text = "".join(f"{chance.getrandbits(bits):x}\n" for _ in range(words))
        (folder / f"{name}.mem").write_text(text)
    script = [yosys.reading(SOURCES, None), *of_design(FAMILY, "block_memories", "before", name="net_before")]
    yosys.run(script, folder)
    return folder / "before.json"


def differing(netlist: Path, work: Path) -> dict[str, int]:
    """Cycles in which the netlist, and it with registers moved, differ from RTL; work: a new folder."""
    work.mkdir()
    block_registers.move(netlist, work / "moved.json")
    script = [
        f'read_json "{netlist}"',
        "write_verilog -noattr net.v",
        "design -reset",
        "read_json moved.json",
        "rename net_before net_moved",
        "write_verilog -noattr moved.v",
    ]
    yosys.run(script, work)
    cells = work / "cells.sv"
    models = included(yosys.share() / "ecp5" / "cells_sim.v")  # which has an empty one of the block
    cells.write_text(models.replace("module DP16KD(", "module UNUSED("))
    sources = [cells, sim_dir() / "cells" / "DP16KD.sv", work / "net.v", work / "moved.v", *SOURCES]
    publish = work / "publish.vlt"
    publish.write_text('`verilator_config\npublic_flat_rw -module "blocks" -var "*"\n')
    verilator.build(
        [publish, *sources], "blocks", work / "build", arguments=["-Wno-lint", "-Wno-fatal"], optimize="-O0"
    )
    for table in netlist.parent.glob("*.mem"):
        (work / table.name).write_bytes(table.read_bytes())
    found = work / "found.json"
    environment = {"BLOCKS_FOUND": str(found)}
    assert verilator.run(
        work / "build", "blocks", "tb_blocks", modules_path=HERE, work=work, environment=environment
    )
    counted: dict[str, int] = json.loads(found.read_text())
    return counted


def test_registers_that_have_an_output_for_themselves_are_moved(netlist: Path, tmp_path: Path) -> None:
    assert block_registers.move(netlist, tmp_path / "moved.json") == REGISTERS
    before, after = (
        json.loads(path.read_text())["modules"]["net_before"]["cells"].values()
        for path in (netlist, tmp_path / "moved.json")
    )
    assert len(before) - len(after) == REGISTERS
    blocks = [cell["parameters"] for cell in after if cell["type"] == "DP16KD"]
    assert {block[f"REGMODE_{port}"] for block in blocks for port in "AB"} == {"OUTREG", "NOREG"}


def wide(netlist: Path) -> list[dict[str, Any]]:
    """The blocks of a netlist that read 36 bits: two of a RAM, one of a ROM."""
    cells = json.loads(netlist.read_text())["modules"]["net_before"]["cells"].values()
    return [cell for cell in cells if cell["parameters"].get("DATA_WIDTH_B") == f"{36:032b}"]


def test_a_read_of_36_bits_has_one_clock_and_one_enable_at_both_ports(netlist: Path, tmp_path: Path) -> None:
    """Whichever port's the half at A's pins obeys; a ROM's port A had none."""
    assert sorted(cell["connections"]["CLKA"] == ["0"] for cell in wide(netlist)) == [False, False, True]
    block_registers.move(netlist, tmp_path / "moved.json")
    for cell in wide(tmp_path / "moved.json"):
        pins = cell["connections"]
        assert pins["CLKA"] == pins["CLKB"] != ["0"]
        assert pins["OCEA"] == pins["OCEB"]
        assert pins["OCEB"] not in (["0"], ["1"])
        assert cell["parameters"]["REGMODE_A"] == cell["parameters"]["REGMODE_B"] == "OUTREG"


@pytest.mark.parametrize("pin", ["CLKA", "CEA", "ADA0", "ADA3"])
def test_a_read_of_36_bits_stays_where_a_port_that_may_write_has_another_clock(
    netlist: Path, tmp_path: Path, pin: str
) -> None:
    content = json.loads(netlist.read_text())
    for cell in content["modules"]["net_before"]["cells"].values():
        if cell["parameters"].get("DATA_WIDTH_B") == f"{36:032b}":
            pins = cell["connections"]
            pins["CLKA"] = pins["CEA"] = ["0"]
            for byte in range(4):
                pins[f"ADA{byte}"] = ["0"]
            pins[pin] = pins["CEB"]
    (tmp_path / "wide.json").write_text(json.dumps(content))
    assert block_registers.move(tmp_path / "wide.json", tmp_path / "moved.json") == REGISTERS - 72 - 36


@pytest.mark.slow
def test_the_same_is_done(netlist: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert differing(netlist, tmp_path / "sound") == {"netlist_differs": 0, "moved_differs": 0}
    monkeypatch.setattr(block_registers, "_common_enable", lambda *_: ["1"])
    faulty = differing(netlist, tmp_path / "faulty")
    assert faulty["netlist_differs"] == 0
    assert faulty["moved_differs"] > 100
