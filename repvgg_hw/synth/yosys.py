"""Yosys: a script in, netlist and counts out. https://yosyshq.readthedocs.io/projects/yosys"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from repvgg_hw.errors import CheckFailed
from repvgg_hw.synth import tools
from repvgg_hw.synth.family import RESOURCES, Family

CONFLICT = "Driver-driver conflict"  # only a warning of Yosys'


def share() -> Path:
    """The folder of Yosys' shared files, its models of cells among them. Raises InputError without Yosys."""
    return tools.package("yosys") / "share"


def run(
    script: Sequence[str], folder: Path, name: str = "yosys", progress: tools.Progress | None = None
) -> tools.Run:
    """Run a script, one command a line, in the folder, which gets NAME.ys, NAME.log.

    Raises as tools.run, and CheckFailed where Yosys says that it has put a constant in a driver's place.
    """
    path = folder / f"{name}.ys"
    path.write_text("".join(f"{line}\n" for line in script))
    ran = tools.run("yosys", [path.name], folder, name, progress)
    log = folder / f"{name}.log"
    if log.is_file() and CONFLICT in log.read_text(errors="replace"):
        raise CheckFailed(
            f"Yosys resolved a conflict of drivers by a constant, which is no netlist of it: {log}"
        )
    return ran


def counts(family: Family, statistics: Path) -> dict[str, int]:
    """Resources that a netlist takes, from the JSON that Yosys' `stat -json` wrote of it.

    Raises CheckFailed where it is none.
    """
    try:
        return _resources(family, json.loads(statistics.read_text())["design"]["num_cells_by_type"])
    except (OSError, ValueError, KeyError, TypeError):
        raise _cut(statistics) from None


def counts_of_modules(family: Family, statistics: Path) -> dict[str, dict[str, int]]:
    """The same of each module alone, without those in it: the library's name, or the top's, -> resources.

    A module that is there several times, with whatever parameters, counts as often. Raises as counts.
    """
    try:
        content = json.loads(statistics.read_text())
        modules = {name: one["num_cells_by_type"] for name, one in content["modules"].items()}
        times: Mapping[str, int] = content["design"]["num_cells_by_type"]
        found: dict[str, dict[str, int]] = {}
        for name, cells in modules.items():
            total = found.setdefault(_library_name(name), dict.fromkeys(RESOURCES, 0))
            for resource, count in _resources(family, cells).items():
                total[resource] += count * times.get(name.removeprefix("\\"), 1)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise _cut(statistics) from None
    return found


def _library_name(module: str) -> str:
    """As the source has it: Yosys puts a digest of parameters before it, or the parameters around it.

    Without parameters it is the library's behind a backslash, Yosys' sign of a name that a source gave.
    """
    return next((part for part in module.split("\\") if part and not part.startswith("$paramod")), module)


def _resources(family: Family, cells: Mapping[str, int]) -> dict[str, int]:
    return {
        resource: sum(cells.get(cell, 0) * weight for cell, weight in family.cells[resource].items())
        for resource in RESOURCES
    }


ENDS = {".json": b"}", ".v": b"endmodule"}  # of what Yosys writes


def check_whole(*files: Path) -> None:
    """Refuse, with CheckFailed, netlists that end too early: Yosys does not say that a disk is full."""
    for file in files:
        try:
            with file.open("rb") as stream:
                stream.seek(max(0, file.stat().st_size - 64))
                end = stream.read().rstrip()
        except OSError:
            raise _cut(file) from None
        if not end.endswith(ENDS[file.suffix]):
            raise _cut(file)


def _cut(file: Path) -> CheckFailed:
    return CheckFailed(f"Yosys did not write {file} to its end: is the disk full?")


def reading(sources: Sequence[Path | str], cells: Path | str | None) -> str:
    """The command that reads the sources.

    cells  a file like templates/verilog/cells/ecp5.v: multipliers are those of the family, with their
           registers; None: left to Yosys' inference
    Parameters are given later: modules are not yet elaborated.
    """
    files = [*sources, *([] if cells is None else [cells])]
    define = "" if cells is None else "-DRVG_CELLS "
    return f"read_verilog -sv -defer {define}" + " ".join(f'"{path}"' for path in files)
