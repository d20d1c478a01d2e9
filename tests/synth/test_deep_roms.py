"""A ROM deeper than a block RAM of nine bits: each bit in one block, contents where Yosys has them."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from repvgg_hw.files import templates_dir
from repvgg_hw.plan.memory_map import map_memory
from repvgg_hw.synth import yosys
from repvgg_hw.synth.family import FAMILIES

pytest.importorskip("pyosys", reason="pyosys is not installed: pip install repvgg-hw[synth]")

FAMILY = FAMILIES["ecp5"]


def cells(folder: Path, words: int, bits: int, script: list[str]) -> list[dict[str, Any]]:
    """The cells that Yosys makes of a ROM of random contents."""
    chance = random.Random(words)
    (folder / "rom.mem").write_text("\n".join(f"{chance.getrandbits(bits):x}" for _ in range(words)))
    source = templates_dir() / "verilog" / "common" / "rvg_rom.sv"
    chosen = f'chparam -set WIDTH {bits} -set DEPTH {words} -set FILE "rom.mem" rvg_rom'
    yosys.run([yosys.reading([source], None), chosen, *script, "write_json rom.json"], folder)
    modules = json.loads((folder / "rom.json").read_text())["modules"].values()
    (top,) = (module for module in modules if int(module["attributes"].get("top", "0"), 2))
    return list(top["cells"].values())


@pytest.mark.parametrize(("words", "blocks"), [(3000, 4), (8000, 8), (16000, 15)])
def test_every_bit_is_in_one_block_as_planned(tmp_path: Path, words: int, blocks: int) -> None:
    found = cells(tmp_path, words, 15, FAMILY.script("rvg_rom"))
    assert {cell["type"] for cell in found} == {"DP16KD"}
    assert len(found) == blocks == map_memory("ecp5", words, 15, rom=True).bram
    assert map_memory("ecp5", words, 15, rom=True).mux_bits == 0


def test_others_stay_as_they_are(tmp_path: Path) -> None:
    """Spread by bits, 5,000 words would take 8 blocks for 6."""
    found = [cell["type"] for cell in cells(tmp_path, 5000, 15, FAMILY.script("rvg_rom"))]
    assert found.count("DP16KD") == map_memory("ecp5", 5000, 15, rom=True).bram < 8


def contents(found: list[dict[str, Any]]) -> list[str]:
    (block,) = (cell for cell in found if cell["type"] == "DP16KD")
    return [value for name, value in sorted(block["parameters"].items()) if name.startswith("INITVAL")]


def of_one_block(folder: Path, changed: tuple[str, str] | None = None) -> tuple[list[str], list[str]]:
    """Contents of a ROM that is one block of four bits either way: by Yosys' own list, and by ours."""
    script = FAMILY.script("rvg_rom")
    if changed is not None:
        shapes = templates_dir() / "verilog" / "cells" / "ecp5_deep_roms.txt"
        assert changed[0] in shapes.read_text()
        (folder / "shapes.txt").write_text(shapes.read_text().replace(*changed))
        script = [line.replace(str(shapes), "shapes.txt") for line in script]
    stock = cells(folder, 4000, 4, ["synth_ecp5 -top rvg_rom -run begin:check", "blackbox =A:whitebox"])
    return contents(stock), contents(cells(folder, 4000, 4, script))


def test_contents_lie_as_in_yosys_own_shapes(tmp_path: Path) -> None:
    stock, ours = of_one_block(tmp_path)
    assert len(stock) == 64
    assert len(set(stock)) > 32
    assert stock == ours


def test_contents_without_the_parity_bits_are_found(tmp_path: Path) -> None:
    """The list without nine and eighteen bits is accepted by Yosys, and lays contents elsewhere."""
    stock, ours = of_one_block(tmp_path, (" 9 18 per_port;\n\tbyte 9;", " per_port;\n\tbyte 4;"))
    assert stock != ours
