"""Run Yosys: a script in, netlist and counts out. https://yosyshq.readthedocs.io/projects/yosys"""

from __future__ import annotations

import importlib.util
import json
import re
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from repvgg_hw import processes
from repvgg_hw.errors import CheckFailed, InputError
from repvgg_hw.synth.child import PEAK
from repvgg_hw.synth.family import RESOURCES, Family

NEEDED = "synthesis needs Yosys: pip install 'repvgg-hw[synth]'"


@dataclass(frozen=True)
class Run:
    """What a run took: wall-clock seconds, and the most memory, in MB."""

    seconds: float
    megabytes: float


def share() -> Path:
    """The folder of Yosys' shared files, its models of cells among them. Raises InputError without Yosys."""
    spec = importlib.util.find_spec("pyosys")
    if spec is None or spec.origin is None:
        raise InputError(NEEDED)
    return Path(spec.origin).parent / "share"


def run(script: Sequence[str], folder: Path, name: str = "yosys") -> Run:
    """Run a script of one command a line in the folder, which gets NAME.ys and NAME.log.

    Raises InputError where Yosys is not installed, CheckFailed with Yosys' own words where it stops.
    """
    share()
    path, log = folder / f"{name}.ys", folder / f"{name}.log"
    path.write_text("".join(f"{line}\n" for line in script))
    started = time.monotonic()
    command = [sys.executable, "-m", "repvgg_hw.synth.child", path.name]
    with log.open("w") as out:
        done = processes.run(command, cwd=folder, env=_environment(), stdout=out)
    seconds = time.monotonic() - started
    text = log.read_text(errors="replace")
    if done.returncode:
        errors = re.findall(r"^.*(?:ERROR|Error): .*$", text, re.MULTILINE)
        last = errors[-1] if errors else f"it ended with {done.returncode}, by a signal or for want of memory"
        raise CheckFailed(f"Yosys: {last.strip()} (see {log})")
    peak = re.findall(rf"^{PEAK} (\d+)$", text, re.MULTILINE)
    return Run(seconds, int(peak[-1]) / 1024)


def _environment() -> dict[str, str]:
    """Of the child: it finds this package where we did, whatever its working directory."""
    import os

    import repvgg_hw

    root = str(Path(repvgg_hw.__file__).resolve().parent.parent)
    paths = [root, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


def counts(family: Family, statistics: Path) -> dict[str, float]:
    """Resources that a netlist takes, from the JSON that Yosys' `stat -json` wrote of a flat one."""
    cells: Mapping[str, int] = json.loads(statistics.read_text())["design"]["num_cells_by_type"]
    return {
        resource: sum(cells.get(cell, 0) * weight for cell, weight in family.cells[resource].items())
        for resource in RESOURCES
    }


def reading(sources: Sequence[Path | str], cells: Path | str | None) -> str:
    """The command that reads the sources.

    cells  a file like templates/verilog/cells/ecp5.v: multipliers are those of the family, with their registers;
           None: left to Yosys' inference
    Parameters are given later: modules are not yet elaborated.
    """
    files = [*sources, *([] if cells is None else [cells])]
    define = "" if cells is None else "-DRVG_CELLS "
    return f"read_verilog -sv -defer {define}" + " ".join(f'"{path}"' for path in files)
