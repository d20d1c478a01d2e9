"""Registers behind ECP5's block RAMs, moved into the blocks: they have their own, which Yosys does not use.

From the clock to an output nextpnr counts 5.83 ns without this register, and 0.96 with it (speed 6).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from repvgg_hw.files import write_atomically

BLOCK, REGISTER = "DP16KD", "TRELLIS_FF"
PORTS = ("A", "B")
MOST_BITS = 18  # of a port; a read of 36 bits takes the pins of both

Cell = dict[str, Any]  # as Yosys' JSON has it: type, parameters, connections


def move(netlist: Path, into: Path) -> int:
    """Write a flat netlist (Yosys' JSON) with registers in the blocks; the flip-flops that this spared.

    A block's port takes them where each of its outputs that is read goes into one flip-flop and nowhere else,
    all with the same clock as the port, the same enable, without a reset, and not 1 at power-up. Blocks of 36
    bits keep theirs outside: nothing open says which port's clock and enable the half at port A's pins obeys.
    Raises OSError or InputError where it cannot be written.
    """
    content = json.loads(netlist.read_text())
    moved = sum(_move(module) for module in content["modules"].values() if "cells" in module)
    write_atomically(into, json.dumps(content).encode())
    return moved


def _move(module: dict[str, Any]) -> int:
    cells: dict[str, Cell] = module["cells"]
    readers, register_of = _readers(module)
    moved = 0
    for block in [cell for cell in cells.values() if cell["type"] == BLOCK and not _is_wide(cell)]:
        for port in PORTS:
            read = {pin: bits[0] for pin, bits in _outputs(block, port) if readers[bits[0]]}
            behind = {pin: register_of.get(bit) for pin, bit in read.items()}
            if not behind or any(readers[bit] != 1 for bit in read.values()) or None in behind.values():
                continue
            names = [name for name in behind.values() if name is not None]
            enable = _common_enable([cells[name] for name in names], block["connections"][f"CLK{port}"])
            if enable is None:
                continue
            for pin, name in zip(behind, names, strict=True):
                block["connections"][pin] = cells.pop(name)["connections"]["Q"]
            block["connections"][f"OCE{port}"] = enable
            block["parameters"][f"REGMODE_{port}"] = "OUTREG"
            moved += len(names)
    return moved


def _readers(module: dict[str, Any]) -> tuple[Counter[int | str], dict[int | str, str]]:
    """How many pins and ports read a net, and which register's input is one of them."""
    readers: Counter[int | str] = Counter(bit for port in module["ports"].values() for bit in port["bits"])
    register_of: dict[int | str, str] = {}
    for name, cell in module["cells"].items():
        for pin, bits in cell["connections"].items():
            if cell["port_directions"][pin] == "output":
                continue
            readers.update(bits)
            if cell["type"] == REGISTER and pin == "DI":
                register_of[bits[0]] = name
    return readers, register_of


def _is_wide(block: Cell) -> bool:
    return any(int(block["parameters"][f"DATA_WIDTH_{port}"], 2) > MOST_BITS for port in PORTS)


def _outputs(block: Cell, port: str) -> Iterator[tuple[str, list[int | str]]]:
    return (item for item in block["connections"].items() if item[0].startswith(f"DO{port}"))


def _common_enable(registers: list[Cell], clock: list[int | str]) -> list[int | str] | None:
    """The net that enables all, the constant 1 where they take a value every cycle; None: not alike."""
    enables = []
    for cell in registers:
        pins, facts = cell["connections"], cell["parameters"]
        if pins["CLK"] != clock or facts["CLKMUX"] != "CLK":
            return None
        if pins.get("LSR", ["0"]) != ["0"] or facts["REGSET"] != "RESET":
            return None
        enabled = facts["CEMUX"].strip() == "CE"  # "1 ", where Yosys marks a text that looks like a number
        if not enabled and facts["CEMUX"].strip() != "1":
            return None
        enables.append(pins["CE"] if enabled else ["1"])
    return enables[0] if all(enable == enables[0] for enable in enables) else None
