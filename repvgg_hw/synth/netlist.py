"""Netlists as Verilog made of a family's cells, of a module or a whole design; models to simulate them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from repvgg_hw import schema
from repvgg_hw.errors import InputError, context
from repvgg_hw.files import sim_dir, templates_dir
from repvgg_hw.synth import yosys
from repvgg_hw.synth.family import Family


def models(family: Family) -> list[Path]:
    """Sources of the family's cells for simulation: Yosys' own, and ours where Yosys has none."""
    return [
        *(yosys.share() / name for name in family.models),
        *(sim_dir() / "cells" / name for name in family.own),
    ]


def multipliers(family: Family) -> Path:
    """The library's file that makes multipliers of the family's cells."""
    return templates_dir() / "verilog" / "cells" / f"{family.name}.v"


def write_netlist(
    folder: Path,
    family: Family,
    sources: Sequence[Path],
    module: str,
    parameters: Mapping[str, int | bool],
    name: str,
    *,
    cells: Path | None,
) -> Path:
    """Synthesise a module with these parameters; its netlist is module `name` in the returned file.

    cells  what multipliers are made of, see `multipliers`; None: left to Yosys' inference
    Memories are instances, as `of_design` leaves them. Raises as yosys.run.
    """
    chosen = " ".join(f"-set {key} {int(value)}" for key, value in parameters.items())
    script = [
        yosys.reading(sources, cells),
        f"chparam {chosen} {module}" if chosen else "",
        *of_design(family, module, name, name=name, inferred=cells is None),
    ]
    yosys.run(script, folder, name)
    return folder / f"{name}.v"


# stay RTL in a simulation: no tool has models of block RAMs
MEMORIES = ("rvg_rom", "rvg_ram_1r1w", "rvg_ram_1r1w_ultra", "rvg_ram_bytes")
STREAMS = ("tdata", "tvalid", "tready")  # how the signals of a stream end
INCLUDE = re.compile(r'^`include "(.*)"$', re.MULTILINE)


@dataclass(frozen=True)
class Memory:
    """A memory with these parameters: module `name` of a netlist, `module` of the library; ports: bits."""

    name: str
    module: str
    parameters: Mapping[str, int | str]
    ports: Mapping[str, tuple[str, int]]


# of the files that `of_design` makes
SUFFIXES = (".v", ".memories.json", ".ports.json", ".stat.json", ".json")


def of_design(
    family: Family,
    top: str,
    stem: str,
    *,
    name: str = "",
    inferred: bool = False,
    units: Sequence[str] = (),
    alone: str | None = None,
    uram: bool = False,
) -> list[str]:
    """Yosys' commands that make the netlist of module `top`, behind those that read it.

    Memories are modules apart until all the rest is cells. So what is simulated, memories as RTL, is what is
    counted and routed. Streams between layers keep their names.

    units  modules of the library that stay apart, too, to be counted one by one
    alone  the library's module within the top that is made instead of it, with the parameters that it has
           there, under the top's name
    uram   as `Family.script`

    STEM.v                       the module, by this name or its own, and units: cells, instances of memories
    STEM.memories.json           these memories, see `memories`
    STEM.ports.json              the top without anything in it, see `ports`
    STEM.stat.json               counts of cells in the top and in every unit, its memories included
    STEM.json                    the whole, flat
    """
    apart = [f"A:hdlname={memory}*" for memory in MEMORIES]
    # with parameters a module has another name, and the library's as an attribute
    kept = [name for unit in units for name in (f"A:hdlname={unit}", unit)]
    # Outputs until all is cells: `keep` alone lets a register behind a queue become the RAM's own, and then
    # the stream between them has no driver.
    streams = " ".join(f"{top}/w:*_{signal}" for signal in STREAMS)
    return [
        f"hierarchy -top {top}",
        *(_alone(top, alone) if alone is not None else ()),
        f"setattr -mod -set keep_hierarchy 1 {' '.join((*apart, *kept))}",
        f"setattr -set keep 1 {streams}",
        f"select -set inner {streams} {'%u ' * (len(STREAMS) - 1)}{top}/x:* %d",
        "expose @inner",
        *family.script(top, inferred=inferred, apart=bool(kept), uram=uram),
        "delete -output @inner",
        f"rename -top {name or top}",
        f"select {' '.join((name or top, *kept))}",
        f"write_verilog -noattr -selected {stem}.v",
        "select -clear",
        "design -push-copy",
        f"delete {' '.join(f'{memory}/c:*' for memory in apart)}",  # parameters and ports are all that counts
        f"select {' '.join(apart)}",
        f"write_json -selected {stem}.memories.json",
        f"select {name or top}",
        "delete c:*",
        "clean -purge",
        f"write_json -selected {stem}.ports.json",
        "design -pop",
        f"setattr -mod -unset keep_hierarchy {' '.join(apart)}",
        "flatten",
        f"tee -q -o {stem}.stat.json stat -json",
        *((f"setattr -mod -unset keep_hierarchy {' '.join(kept)}", "flatten") if kept else ()),
        f"write_json {stem}.json",
    ]


def _alone(top: str, unit: str) -> list[str]:
    """Commands that leave of the hierarchy below the top one unit's module, which takes the top's name."""
    return [
        f"setattr -mod -unset top {top}",
        f"setattr -mod -set top 1 A:hdlname={unit} {unit}",
        f"delete {top}",
        f"rename -top {top}",
        f"hierarchy -top {top}",
    ]


def memories(path: Path) -> list[Memory]:
    """What Yosys wrote of a netlist's memories. Raises InputError where that cannot be read."""
    with context(f"synthesise again: {path}"):
        found = schema.partly(schema.read_json(path), _Netlist).modules
    return [
        Memory(
            name,
            module.attributes["hdlname"],
            {key: _value(text) for key, text in module.parameter_default_values.items()},
            {port: (facts.direction, len(facts.bits)) for port, facts in module.ports.items()},
        )
        for name, module in found.items()
    ]


def ports(path: Path, top: str) -> Mapping[str, tuple[str, int]]:
    """Direction and bits of a netlist's ports, by name. Raises InputError where they cannot be read."""
    with context(f"synthesise again: {path}"):
        found = schema.partly(schema.read_json(path), _Netlist).modules
        if top not in found:
            raise InputError(f"there is no module {top}")
    return {port: (facts.direction, len(facts.bits)) for port, facts in found[top].ports.items()}


class _Port(msgspec.Struct):
    direction: str
    bits: list[int | str]


class _Module(msgspec.Struct):
    attributes: dict[str, str]
    ports: dict[str, _Port]
    parameter_default_values: dict[str, str] = {}


class _Netlist(msgspec.Struct):
    """Yosys' JSON, as far as it is read here."""

    modules: dict[str, _Module]


def _value(text: str) -> int | str:
    """A parameter as Yosys' JSON has it: numbers in 32 binary digits."""
    return int(text, 2) if re.fullmatch("[01]{32}", text) else text


def included(path: Path) -> str:
    """A source with what it includes in its place."""
    return INCLUDE.sub(lambda found: included(path.parent / found[1]), path.read_text())
