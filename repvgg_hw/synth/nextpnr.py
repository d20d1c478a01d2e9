"""Place and route for ECP5: the clock that a netlist holds, where its longest path runs, and the bitstream.

nextpnr: D. Shah et al., nextpnr: a portable FPGA place and route tool, FCCM 2019, arXiv 1903.10407.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from repvgg_hw.errors import CheckFailed, InputError
from repvgg_hw.plan.device import Device
from repvgg_hw.synth import tools

DEFAULT_MHZ = 110.0  # that the placer works towards


@dataclass(frozen=True)
class Step:
    """One step of a path: nanoseconds, of what (clk-to-q, logic, routing, setup), from where to where."""

    ns: float
    kind: str
    start: str
    end: str


@dataclass(frozen=True)
class Routed:
    """What routing found.

    mhz   the highest clock that the longest path from register to register allows
    path  that path's steps; from and to are instances and signals of the modules
    """

    mhz: float
    path: tuple[Step, ...]
    run: tools.Run


def route(
    folder: Path,
    netlist: str,
    device: Device,
    *,
    mhz: float = DEFAULT_MHZ,
    seed: int = 1,
    progress: tools.Progress | None = None,
) -> Routed:
    """Place and route a netlist (JSON, by name in the folder), which gets NAME.config and NAME.route.json.

    Raises InputError where no open tool routes the device, CheckFailed where it does not fit.
    """
    if device.part.nextpnr is None:
        raise InputError(
            f"{device.name}: no open tool routes this part; without a clock its netlist can be had"
        )
    stem = Path(netlist).stem
    arguments = [
        *("--json", netlist, device.part.nextpnr, "--package", device.package, "--speed", device.speed),
        *("--freq", f"{mhz:g}", "--seed", str(seed), "--textcfg", f"{stem}.config"),
        *("--report", f"{stem}.route.json", "--lpf-allow-unconstrained", "--timing-allow-fail"),
    ]
    run = tools.run("nextpnr", arguments, folder, f"{stem}.nextpnr", progress)
    try:
        report = json.loads((folder / f"{stem}.route.json").read_text())
    except (OSError, ValueError):
        place = folder / f"{stem}.route.json"
        raise CheckFailed(f"nextpnr did not write {place} to its end: is the disk full?") from None
    clocks = {name: float(found["achieved"]) for name, found in report["fmax"].items()}
    if not clocks:
        raise CheckFailed(
            f"nextpnr found no path from register to register (see {folder / stem}.nextpnr.log)"
        )
    clock = min(clocks, key=lambda name: clocks[name])
    return Routed(round(clocks[clock], 2), critical_path(report["critical_paths"], clock), run)


def critical_path(paths: Sequence[dict[str, Any]], clock: str) -> tuple[Step, ...]:
    """The longest path from register to register of this clock, in the modules' own names."""
    inside = [path for path in paths if clock in path["from"] and clock in path["to"]]
    if not inside:
        return ()
    longest = max(inside, key=lambda path: sum(step["delay"] for step in path["path"]))
    return tuple(
        Step(
            round(step["delay"], 2),
            step["type"],
            readable(step["from"]["cell"]),
            readable(step["to"]["cell"]),
        )
        for step in longest["path"]
    )


def readable(cell: str) -> str:
    """A cell's name without what the tools have added: instances and the signal that it drives."""
    name = re.sub(
        r"\$flatten|\\|_TRELLIS_FF_Q.*|_(?:LUT4|CCU2C|PFUMX|L6MUX21|DP16KD|MULT18X18D)_.*|\$.*", "", cell
    )
    return name.strip(".") or cell


def pack(folder: Path, stem: str) -> Path:
    """The bitstream of a routed netlist: NAME.bit in the folder."""
    tools.run("ecppack", [f"{stem}.config", f"{stem}.bit"], folder, f"{stem}.ecppack")
    return folder / f"{stem}.bit"
