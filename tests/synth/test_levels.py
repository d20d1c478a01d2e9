"""LUT levels and registers of netlists: small ones by hand, counted by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from repvgg_hw.errors import CheckFailed
from repvgg_hw.synth import levels
from repvgg_hw.synth.levels import Bit, Cell


def cell(
    kind: str, out: dict[str, list[Bit]], parameters: dict[str, str] | None = None, **entries: Bit | list[Bit]
) -> Cell:
    """A cell by the nets at its outputs and its inputs."""
    inputs = {port: bits if isinstance(bits, list) else [bits] for port, bits in entries.items()}
    directions = dict.fromkeys(out, "output") | dict.fromkeys(inputs, "input")
    return Cell(kind, parameters or {}, directions, out | inputs)


def register(entry: Bit, out: int) -> Cell:
    return cell("FDRE", {"Q": [out]}, C=1, CE="1", R="0", D=entry)


DSP = dict.fromkeys(("AREG", "BREG", "MREG", "PREG"), f"{1:032b}")


def netlist() -> dict[str, Cell]:
    """a -> LUT -> a carry cell's second bit -> LUT -> multiplexer -> register b; pin 90 -> LUT -> c."""
    return {
        "a": register(20, 10),
        "first": cell("LUT2", {"O": [11]}, I0=10, I1=10),
        "adder": cell(
            "CARRY4",
            {"O": [30, 31, 32, 33], "CO": [34, 35, 36, 37]},
            CI="0",
            CYINIT="0",
            S=["0", 11, "0", "0"],
            DI=["0", "0", "0", "0"],
        ),
        "last": cell("LUT6", {"O": [12]}, I0=31, I1="1"),
        "wide": cell("MUXF7", {"O": [13]}, I0=12, I1="0", S=10),
        "b": register(13, 14),
        "of_pin": cell("LUT1", {"O": [15]}, I0=90),
        "c": register(15, 16),
        "memory": cell("RAMB18E1", {"DOADO": [40, 41], "DOBDO": [42]}, ADDRARDADDR=[14]),
        "d": register(40, 50),
        "dsp": cell("DSP48E1", {"P": [60]}, DSP, A=[41], B=[16]),
    }


def test_a_path_is_counted_by_its_tables() -> None:
    found = levels.structure(netlist())
    assert found.longest == levels.Chain(2, 1, ("a", "first", "adder", "last", "wide", "b"))
    assert found.pin_levels == 1
    assert (found.registered_multipliers, found.multipliers) == (1, 1)
    assert (found.registered_block_rams, found.block_rams) == (1, 1)


def test_a_carry_goes_up_only() -> None:
    """What the third bit adds is not seen at the second: only the multiplexer's is left."""
    cells = netlist()
    cells["adder"].connections["S"] = ["0", "0", 11, "0"]
    assert levels.structure(cells).longest == levels.Chain(0, 0, ("a", "wide", "b"))


def test_a_register_less_is_a_level_more() -> None:
    cells = netlist()
    cells["b"] = cell("LUT1", {"O": [14]}, I0=13)
    found = levels.structure(cells)
    assert found.longest.levels == 3
    assert found.longest.cells[-2:] == ("b", "memory")


@pytest.mark.parametrize("register", DSP)
def test_a_multiplier_without_a_register(register: str) -> None:
    cells = netlist()
    cells["dsp"].parameters = DSP | {register: "0" * 32}
    found = levels.structure(cells)
    assert (found.registered_multipliers, found.multipliers) == (0, 1)
    assert found.registered_block_rams == 0  # its data go to a multiplier that does not register it


def test_a_memory_with_a_table_behind_it() -> None:
    cells = netlist()
    cells["d"] = cell("LUT1", {"O": [50]}, I0=40)
    assert levels.structure(cells).registered_block_rams == 0


def test_memories_in_tables_are_read_within_a_cycle() -> None:
    """A RAM in LUTs is a level from its read address on, and what is written ends in it."""
    cells = netlist()
    del cells["memory"]
    cells["fifo"] = cell(
        "RAM32M", {"DOA": [40, 41], "DOB": [42, 43]}, ADDRA=[12], ADDRB=[14], DIA=[11], WE=[10], WCLK=[1]
    )
    found = levels.structure(cells)
    assert found.longest == levels.Chain(3, 1, ("a", "first", "adder", "last", "fifo", "d"))


def test_what_is_not_known_is_said() -> None:
    with pytest.raises(CheckFailed, match="odd is a LATCH"):
        levels.structure(netlist() | {"odd": cell("LATCH", {"Q": [70]}, D=10)})
    with pytest.raises(CheckFailed, match="a loop of logic without a register, through"):
        levels.structure(
            netlist()
            | {
                "x": cell("LUT1", {"O": [80]}, I0=81),
                "y": cell("LUT2", {"O": [81]}, I0=80, I1=10),
                "z": register(81, 82),
            }
        )


def test_a_netlist_is_read(tmp_path: Path) -> None:
    path = tmp_path / "netlist.json"
    content = {
        "type": "LUT1",
        "parameters": {"INIT": "01"},
        "port_directions": {"O": "output"},
        "connections": {"O": [3]},
    }
    module = {"attributes": {"top": "1"}, "cells": {"one": content}}
    path.write_text(json.dumps({"modules": {"top": module, "LUT1": {"attributes": {}, "cells": {}}}}))
    assert levels.read(path) == {"one": Cell("LUT1", {"INIT": "01"}, {"O": "output"}, {"O": [3]})}
    path.write_text("{}")
    with pytest.raises(CheckFailed, match="no netlist of Yosys'"):
        levels.read(path)
