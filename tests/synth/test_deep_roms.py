"""A ROM deeper than a block RAM of nine bits: each bit in one block, contents where Yosys has them."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path
from typing import Any

import pytest

from repvgg_hw.files import templates_dir
from repvgg_hw.plan.memory_map import map_memory
from repvgg_hw.synth import yosys
from repvgg_hw.synth.family import FAMILIES

pytest.importorskip("pyosys", reason="pyosys is not installed: pip install repvgg-hw[synth]")

SHAPES = {"ecp5": "ecp5_deep_roms.txt", "xc7": "xilinx_deep_roms.txt", "xcup": "xilinx_deep_roms.txt"}
# By Yosys' own list alone.
STOCK = {"ecp5": "synth_ecp5", "xc7": "synth_xilinx -family xc7", "xcup": "synth_xilinx -family xcup"}


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


def blocks(found: list[dict[str, Any]], family: str) -> list[dict[str, Any]]:
    return [cell for cell in found if cell["type"] in FAMILIES[family].cells["bram"]]


def taken(found: list[dict[str, Any]], family: str) -> int:
    """Block RAMs as plans count them."""
    return sum(FAMILIES[family].cells["bram"][cell["type"]] for cell in blocks(found, family))


DEEP = [
    ("ecp5", 3000, 4),
    ("ecp5", 8000, 8),
    ("ecp5", 16000, 15),
    ("xc7", 8000, 8),
    pytest.param("xc7", 16000, 15, marks=pytest.mark.slow),
    pytest.param("xc7", 32000, 30, marks=pytest.mark.slow),
    pytest.param("xcup", 8000, 8, marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("family", "words", "expected"), DEEP)
def test_every_bit_is_in_one_block_as_planned(tmp_path: Path, family: str, words: int, expected: int) -> None:
    found = cells(tmp_path, words, 15, FAMILIES[family].script("rvg_rom"))
    assert found == blocks(found, family)  # and no multiplexer
    assert taken(found, family) == expected == map_memory(family, words, 15, rom=True).bram
    assert map_memory(family, words, 15, rom=True).mux_bits == 0


@pytest.mark.parametrize("family", ["ecp5", "xc7", pytest.param("xcup", marks=pytest.mark.slow)])
def test_others_stay_as_they_are(tmp_path: Path, family: str) -> None:
    """Spread by bits, 5,000 words would take 8 blocks for 6."""
    found = cells(tmp_path, 5000, 15, FAMILIES[family].script("rvg_rom"))
    assert taken(found, family) == map_memory(family, 5000, 15, rom=True).bram < 8


def contents(found: list[dict[str, Any]], family: str) -> list[str]:
    (block,) = blocks(found, family)
    named = sorted(block["parameters"].items())
    return [value for name, value in named if re.fullmatch(r"INIT(VAL)?_[0-9A-F]{2}", name)]


def of_one_block(
    folder: Path, family: str, words: int, changed: tuple[str, str] | None = None
) -> tuple[list[str], list[str]]:
    """Contents of a ROM that is one block of four bits either way: by Yosys' own list, and by ours."""
    script = FAMILIES[family].script("rvg_rom")
    shapes = templates_dir() / "verilog" / "cells" / SHAPES[family]
    assert any(str(shapes) in line for line in script)
    if changed is not None:
        assert changed[0] in shapes.read_text()
        (folder / "shapes.txt").write_text(shapes.read_text().replace(*changed))
        script = [line.replace(str(shapes), "shapes.txt") for line in script]
    own = [f"{STOCK[family]} -top rvg_rom -run begin:check", "blackbox =A:whitebox"]
    stock = contents(cells(folder, words, 4, own), family)
    return stock, contents(cells(folder, words, 4, script), family)


# (family, words that fill a block of four bits, its lines of contents)
ONE_BLOCK = [
    ("ecp5", 4000, 64),
    ("xc7", 8000, 128),
    pytest.param("xcup", 8000, 128, marks=pytest.mark.slow),
]
WITHOUT_PARITY = {
    "ecp5": (" 9 18 per_port;\n\tbyte 9;", " per_port;\n\tbyte 4;"),
    "xc7": (" 9 18 36 per_port;", " per_port;"),
}


@pytest.mark.parametrize(("family", "words", "lines"), ONE_BLOCK)
def test_contents_lie_as_in_yosys_own_shapes(tmp_path: Path, family: str, words: int, lines: int) -> None:
    stock, ours = of_one_block(tmp_path, family, words)
    assert len(stock) == lines
    assert len(set(stock)) > lines // 2
    assert stock == ours


@pytest.mark.parametrize(
    ("family", "words"), [("ecp5", 4000), pytest.param("xc7", 8000, marks=pytest.mark.slow)]
)
def test_contents_without_the_parity_bits_are_found(tmp_path: Path, family: str, words: int) -> None:
    """The list without nine bits and more is accepted by Yosys, and lays contents elsewhere."""
    stock, ours = of_one_block(tmp_path, family, words, WITHOUT_PARITY[family])
    assert stock != ours
