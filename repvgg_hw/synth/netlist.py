"""The netlist of one module, as Verilog made of the family's cells, and the models that simulate it."""

from __future__ import annotations

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
