"""Place and route for ECP5: the clock that a netlist holds, where its longest path runs, and the bitstream.

nextpnr: D. Shah et al., nextpnr: a portable FPGA place and route tool, FCCM 2019, arXiv 1903.10407.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from repvgg_hw.errors import CheckFailed, InputError
from repvgg_hw.plan.device import Device
from repvgg_hw.synth import block_registers, tools

DEFAULT_MHZ = 110.0  # that the placer works towards
DEFAULT_MINUTES = 60.0  # of one placer


@dataclass(frozen=True)
class Way:
    """How to place and route: nextpnr's placer and router, the share of the minutes, and further options."""

    placer: str
    router: str
    share: float
    options: tuple[str, ...] = ()


# The first attempt, and the next where one fails or does not end.
# Router2 leaves single nets long: of the digits design it makes 110 MHz where router1 makes 132. But router1
# may never end where there is little room, nor the static placer on a single layer: they share the minutes.
WAYS = (Way("static", "router1", 1 / 3), Way("static", "router2", 2 / 3), Way("heap", "router1", 1.0))
# Behind the static placer neither router ended on an engine. Heap weighs a path's delay 10 by default:
# one netlist, from the same seed, was routed at 73.4 MHz so, and at 86.8 with 50.
ENGINE_WAYS = (
    Way("heap", "router1", 1.0, ("--placer-heap-timingweight", "50")),
    Way("static", "router2", 1.0),
)


@dataclass(frozen=True)
class Step:
    """One step of a path: nanoseconds, of what (clk-to-q, logic, routing, setup), from where to where."""

    ns: float
    kind: str
    start: str
    end: str


@dataclass(frozen=True)
class Attempt:
    """One placing and routing: what it began with, what it took, the clock; or why there is none."""

    seed: int
    placer: str
    router: str
    seconds: float
    megabytes: float
    mhz: float | None = None
    failed: str = ""


@dataclass(frozen=True)
class Routed:
    """What routing found.

    mhz       the highest clock that the longest path from register to register allows
    path      that path's steps; from and to are instances and signals of the modules
    attempts  all, in their order; the best one gave the clock, the path, and NAME.config in the folder
    """

    mhz: float
    path: tuple[Step, ...]
    attempts: tuple[Attempt, ...]


def route(
    folder: Path,
    netlist: str,
    device: Device,
    *,
    mhz: float = DEFAULT_MHZ,
    seeds: Sequence[int] = (1,),
    minutes: float = DEFAULT_MINUTES,
    ways: Sequence[Way] = WAYS,
    constraints: str | None = None,
    progress: tools.Progress | None = None,
) -> Routed:
    """Place and route a netlist (JSON, by name in the folder) from each seed: the first way that ends.

    Registers behind block RAMs become the blocks' own first (block_registers): NAME.blocks.json.
    The folder gets NAME.config of the fastest, and for each seed NAME.seedN.route.json.
    minutes      after which an attempt is ended; those of one placer share them
    ways         in the order in which they are tried
    constraints  a file of pins and clocks, as seen from the folder; None: pins are free
    Raises InputError where no open tool routes the device, CheckFailed where no seed could be routed.
    """
    if device.part.nextpnr is None:
        raise InputError(
            f"{device.name}: no open tool routes this part; without a clock its netlist can be had"
        )
    stem = Path(netlist).stem
    placed = f"{stem}.blocks.json"
    block_registers.move(folder / netlist, folder / placed)
    pins = ("--lpf-allow-unconstrained",) if constraints is None else ("--lpf", constraints)
    attempts: list[Attempt] = []
    best: tuple[float, tuple[Step, ...]] | None = None
    failure = CheckFailed("there is no seed to route from")
    for seed in seeds:
        for way in ways:
            arguments = [
                *("--json", placed, str(device.part.nextpnr), "--package", device.package),
                *("--speed", device.speed, "--freq", f"{mhz:g}", "--seed", str(seed)),
                *("--placer", way.placer, "--router", way.router, *way.options),
                *(*pins, "--timing-allow-fail"),
            ]
            began, limit = time.monotonic(), 60 * minutes * way.share
            try:
                clock, path, run = _once(folder, f"{stem}.seed{seed}", arguments, limit, progress)
            except CheckFailed as error:
                failure = error
                took = round(time.monotonic() - began, 1)
                attempts.append(Attempt(seed, way.placer, way.router, took, 0, failed=str(error)))
                continue
            took = round(run.seconds, 1)
            attempts.append(Attempt(seed, way.placer, way.router, took, round(run.megabytes), clock))
            if best is None or clock > best[0]:
                best = clock, path
                (folder / f"{stem}.seed{seed}.config").replace(folder / f"{stem}.config")
            break
    if best is None:
        raise failure
    return Routed(*best, tuple(attempts))


def _once(
    folder: Path, stem: str, arguments: list[str], limit: float, progress: tools.Progress | None
) -> tuple[float, tuple[Step, ...], tools.Run]:
    """Clock, path, and what it took, of one attempt. Raises CheckFailed where it gives none."""
    report_file = folder / f"{stem}.route.json"
    report_file.unlink(missing_ok=True)
    written = ["--textcfg", f"{stem}.config", "--report", report_file.name]
    run = tools.run("nextpnr", [*arguments, *written], folder, f"{stem}.nextpnr", progress, limit)
    try:
        report = json.loads(report_file.read_text())
    except (OSError, ValueError):
        raise CheckFailed(f"nextpnr did not write {report_file} to its end: is the disk full?") from None
    clocks = {name: float(found["achieved"]) for name, found in report["fmax"].items()}
    if not clocks:
        raise CheckFailed(
            f"nextpnr found no path from register to register (see {folder / stem}.nextpnr.log)"
        )
    clock = min(clocks, key=lambda name: clocks[name])
    return round(clocks[clock], 2), critical_path(report["critical_paths"], clock), run


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
