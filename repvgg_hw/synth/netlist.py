"""Netlists as Verilog made of a family's cells, of a module or a whole design; models to simulate them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

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
    Raises as yosys.run.
    """
    chosen = " ".join(f"-set {key} {int(value)}" for key, value in parameters.items())
    path = folder / f"{name}.v"
    script = [
        yosys.reading(sources, cells),
        f"chparam {chosen} {module}" if chosen else "",
        *family.script(module, inferred=cells is None),
        f"rename -top {name}",
        f"tee -q -o {name}.json stat -json",
        f"write_verilog -noattr {path.name}",
    ]
    yosys.run(script, folder, name)
    return path


MEMORIES = ("rvg_rom", "rvg_ram_1r1w")  # stay RTL: no tool has models of block RAMs
FLAT = "netlist"  # the file of a whole design's netlist, among its sources
INCLUDE = re.compile(r'^`include "(.*)"$', re.MULTILINE)


def replace_by_netlist(directory: Path, family: Family, top: str) -> None:
    """Put a design's netlist in the place of its sources: what simulates the folder then simulates that.

    directory  a copy of an emitted folder. Its files.f then lists the netlist, memories as the modules that
               they are, and the models of cells. Streams between layers keep their names.
    Raises as yosys.run.
    """
    listed = (directory / "files.f").read_text().split()
    kept = [name for name in listed if Path(name).stem in MEMORIES]
    others = [name for name in listed if name not in kept]
    rtl = directory / "rtl"
    script = [
        f"read_verilog -sv -lib {' '.join(kept)}",
        yosys.reading(others, f"cells/{family.name}.v"),
        f"hierarchy -top {top}",
        *(f"setattr -set keep 1 {top}/w:*_{signal}" for signal in ("tdata", "tvalid", "tready")),
        *family.script(top),
        f"write_verilog -noattr rtl/{FLAT}.sv",
    ]
    yosys.run(script, directory, FLAT)
    copied = []
    for path in models(family):
        name = f"cells_{path.stem}.sv"
        (rtl / name).write_text(_included(path))
        copied.append(f"rtl/{name}")
    (directory / "files.f").write_text("".join(f"{name}\n" for name in (*copied, *kept, f"rtl/{FLAT}.sv")))


def _included(path: Path) -> str:
    """A source with what it includes in its place."""
    return INCLUDE.sub(lambda found: _included(path.parent / found[1]), path.read_text())
