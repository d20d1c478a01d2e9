"""Registers behind ECP5's block RAMs, moved into the blocks: they have their own, which Yosys does not use.

From the clock to an output nextpnr counts 5.83 ns without this register, and 0.96 with it (speed 6).
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from repvgg_hw.files import write_atomically

BLOCK, REGISTER = "DP16KD", "TRELLIS_FF"
WIDE = 36  # bits of a word that takes the pins of both ports

Cell = dict[str, Any]  # as Yosys' JSON has it: type, parameters, connections


def move(netlist: Path, into: Path) -> int:
    """Write a flat netlist (Yosys' JSON) with registers in the blocks; the flip-flops that this spared.

    A block's port takes them where each of its outputs that is read goes into one flip-flop and nowhere else,
    all with the same clock as the port, the same enable, without a reset, and not 1 at power-up.

    A read of 36 bits takes the pins of both ports. nextpnr gives Lattice's cell for it, PDPW16KD, its one
    REGMODE at both and its one CLKR and OCER at B's pins alone, so those should rule the half at A's pins,
    too. Here both ports get one clock and one enable: then it is the same whose that half obeys. A ROM's
    port A has no clock, and may get B's since it cannot write.
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
    for block in [cell for cell in cells.values() if cell["type"] == BLOCK]:
        pins = block["connections"]
        for ports in _reads(block):
            read = [
                pin for pin in pins if pin[:3] in [f"DO{port}" for port in ports] and readers[pins[pin][0]]
            ]
            names = [register_of.get(pins[pin][0]) for pin in read if readers[pins[pin][0]] == 1]
            registers = [cells[name] for name in names if name is not None]
            clock = pins[f"CLK{ports[-1]}"]
            if not read or len(registers) < len(read) or not _takes(block, ports, clock):
                continue
            enable = _common_enable(registers, clock)
            if enable is None:
                continue
            for pin, name in zip(read, names, strict=True):
                pins[pin] = cells.pop(str(name))["connections"]["Q"]
            for port in ports:
                pins[f"CLK{port}"], pins[f"OCE{port}"] = clock, enable
                block["parameters"][f"REGMODE_{port}"] = "OUTREG"
            moved += len(read)
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


def _reads(block: Cell) -> tuple[tuple[str, ...], ...]:
    """The ports whose outputs are words of their own, or both together where a word has 36 bits."""
    return (("A", "B"),) if int(block["parameters"]["DATA_WIDTH_B"], 2) == WIDE else (("A",), ("B",))


def _takes(block: Cell, ports: tuple[str, ...], clock: list[int | str]) -> bool:
    """Whether all these ports have the clock, or may get it: they have none, and never write."""
    pins = block["connections"]
    idle = pins["CLKA"] == pins["CEA"] == ["0"] and all(pins[f"ADA{byte}"] == ["0"] for byte in range(4))
    return all(pins[f"CLK{port}"] == clock or (port == "A" and idle) for port in ports)


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
