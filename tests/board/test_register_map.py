"""Registers: the descriptions are whole, and hardware, drivers and pages have their numbers."""

from __future__ import annotations

import os
import re
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest

from repvgg_hw.board.register_map import (
    ENGINE,
    STREAM,
    RegisterMap,
    c_header,
    page,
    python_constants,
    sv_package,
)
from repvgg_hw.files import templates_dir
from repvgg_hw.targets.verilog.emit import library

MAPS = [STREAM, ENGINE]
over_maps = pytest.mark.parametrize("described", MAPS, ids=lambda m: m.architecture)


def test_the_stream_package_is_what_is_printed() -> None:
    text = library()["rvg_stream_registers_pkg"].read_text()
    assert text == sv_package(STREAM), "print it again: register_map.sv_package(STREAM)"


@over_maps
def test_the_drivers_constants_are_what_is_printed(described: RegisterMap) -> None:
    path = templates_dir() / "board" / "rvg_driver" / f"{described.architecture}_registers.py"
    if os.environ.get("REFRESH"):
        path.write_text(python_constants(described))
    assert path.read_text() == python_constants(described), "print it again: REFRESH=1"


def test_the_engine_package_has_what_is_printed() -> None:
    """Its offsets and fields; its codes stand in rvg_engine_pkg."""

    def numbers(text: str) -> dict[str, str]:
        return dict(re.findall(r"localparam int (\w+) *= ('h[0-9a-f]+|[0-9]+);", text))

    printed = numbers(sv_package(ENGINE))
    assert len(printed) > len(ENGINE.registers)
    assert numbers(library()["rvg_engine_registers_pkg"].read_text()) == printed


@over_maps
def test_registers_are_words_one_after_another(described: RegisterMap) -> None:
    registers = described.registers
    assert [register.offset for register in registers] == list(range(0, 4 * len(registers), 4))
    assert len({register.name for register in registers}) == len(registers)


@over_maps
def test_fields_do_not_overlap(described: RegisterMap) -> None:
    for register in described.registers:
        fields = sorted(register.fields, key=lambda field: field.low)
        for one, other in pairwise(fields):
            assert one.low + one.bits <= other.low, register.name
        assert all(field.low + field.bits <= 32 for field in fields)


def test_errors_of_one_name_have_one_code() -> None:
    shared = STREAM.errors.keys() & ENGINE.errors.keys()
    assert {"none", "abort", "watchdog", "busy"} <= shared
    assert all(STREAM.errors[name][0] == ENGINE.errors[name][0] for name in shared)
    for described in MAPS:
        codes = [code for code, _ in described.errors.values()]
        assert len(set(codes)) == len(codes)


@over_maps
def test_python_has_the_numbers(described: RegisterMap) -> None:
    found: dict[str, object] = {}
    exec(python_constants(described), found)
    assert found["MAGIC"] == described.magic
    for register in described.registers:
        assert found[register.name] == register.offset
        for field in register.fields:
            assert found[f"{register.name}_{field.name}"] == (field.low, field.bits)
    assert found["ERRORS"] == {code: (name, text) for name, (code, text) in described.errors.items()}


@over_maps
def test_c_has_the_numbers(described: RegisterMap, tmp_path: Path) -> None:
    """A program prints them: the header compiles, without a warning."""
    (tmp_path / "map.h").write_text(c_header(described))
    wanted = {f"RVG_{register.name}": register.offset for register in described.registers}
    for register, field in described.fields():
        name, mask = f"RVG_{register.name}_{field.name}", ((1 << field.bits) - 1) << field.low
        wanted |= {f"{name}_SHIFT": field.low, f"{name}_MASK": mask}
    wanted |= {f"RVG_ERROR_{name.upper()}": code for name, (code, _) in described.errors.items()}
    prints = "".join(f'printf("{name} %u\\n", (unsigned){name});' for name in wanted)
    (tmp_path / "main.c").write_text(f'#include <stdio.h>\n#include "map.h"\nint main(void) {{{prints}}}\n')
    command = ["cc", "-std=c99", "-Wall", "-Wextra", "-pedantic", "-Werror", "main.c", "-o", "main"]
    subprocess.run(command, cwd=tmp_path, check=True)
    printed = subprocess.run(["./main"], cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    assert {line.split()[0]: int(line.split()[1]) for line in printed.splitlines()} == wanted


@over_maps
def test_the_page_names_everything(described: RegisterMap) -> None:
    text = page(described)
    for register in described.registers:
        assert f"| 0x{register.offset:02x} | {register.name} |" in text
        assert all(f"| {register.name}.{field.name} |" in text for field in register.fields)
    assert all(f"| {code} | {name} |" in text for name, (code, _) in described.errors.items())
