"""The whole generating pipeline, one straight line: fused network -> integers -> plan -> files."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from repvgg_hw import design as designs
from repvgg_hw import emit, emit_hls, results
from repvgg_hw.design import Design
from repvgg_hw.errors import InputError
from repvgg_hw.network import IntegerNetwork
from repvgg_hw.plan.stream.search import DIRECT, TILES, Algorithms, Folding, make_plan

TARGETS = ("verilog", "hls")
DEFAULT_MULTIPLIERS = 512
DEFAULT_CLOCK_MHZ = 200.0
DEFAULT_PART = "xczu7ev-ffvc1156-2-e"


@dataclass(frozen=True)
class Request:
    """What the user asks of the hardware."""

    target: str
    multipliers: int | None = None
    fps: float | None = None
    clock_mhz: float = DEFAULT_CLOCK_MHZ
    folding: Path | None = None
    part: str = DEFAULT_PART
    algorithms: Algorithms = DIRECT


def read_folding(path: Path) -> dict[str, Folding]:
    """A JSON file {"stage1.0": {"pi": 4, "po": 2}, ...}; "m": 4 beside them for F(4).

    Raises InputError for anything else.
    """
    try:
        content = json.loads(path.read_text())
    except ValueError as error:
        raise InputError(f"{path} is not JSON: {error}") from None
    example = '{"stage1.0": {"pi": 4, "po": 2}}'
    if not isinstance(content, dict):
        raise InputError(f"{path}: expected {example}")
    foldings = {}
    for layer, value in content.items():
        if not isinstance(value, dict) or set(value) - {"m"} != {"pi", "po"}:
            raise InputError(f"{path}: {layer} is {json.dumps(value)}, expected {example}")
        if not all(isinstance(v, int) and not isinstance(v, bool) for v in value.values()):
            raise InputError(f"{path}: {layer}: pi, po and m are whole numbers, got {json.dumps(value)}")
        foldings[layer] = Folding(value["pi"], value["po"], value.get("m"))
    return foldings


def algorithms(winograd: str, dsp: str, phases: bool = True) -> Algorithms:
    """From the words of the command line: "auto", "off" or a tile; "27x18"; whether stride 2 may use tiles.

    Raises InputError for anything else.
    """
    try:
        ports = tuple(int(part) for part in dsp.split("x"))
        if len(ports) != 2 or min(ports) < 9:
            raise ValueError
    except ValueError:
        raise InputError(
            f"--dsp is the widths of a multiplier's two signed ports, as 27x18, not {dsp!r}"
        ) from None
    widths = (ports[0], ports[1])
    if winograd == "off":
        return Algorithms(dsp=widths)
    if winograd == "auto":
        return Algorithms(tuple(TILES), phases=phases, dsp=widths)
    if winograd.isdecimal() and int(winograd) in TILES:
        return Algorithms((int(winograd),), direct=False, phases=phases, dsp=widths)
    raise InputError(f"--winograd is auto, off or a tile from {TILES[0]} to {TILES[-1]}, not {winograd!r}")


def check_directory(directory: Path, force: bool) -> None:
    """Refuse a folder that would be overwritten or cannot be written, before any work is done."""
    if directory.exists() and not directory.is_dir():
        raise InputError(f"{directory} is a file: give a folder with -o")
    if directory.is_dir() and any(directory.iterdir()):
        if not (directory / "design.json").is_file():
            raise InputError(f"{directory} holds other files: give an empty or new folder with -o")
        if not force:
            raise InputError(f"{directory} holds a design already: --force writes over it")
    parent = next(p for p in (directory.absolute(), *directory.absolute().parents) if p.exists())
    if not os.access(parent, os.W_OK | os.X_OK):
        raise InputError(f"{parent} cannot be written: give another folder with -o")


def generate(network: IntegerNetwork, directory: Path, request: Request, options: dict[str, Any]) -> Design:
    """Plan and write a design; `options` is recorded in design.json.

    Raises InputError where no folding satisfies the request.
    """
    multipliers = request.multipliers
    if multipliers is None and request.fps is None:
        multipliers = DEFAULT_MULTIPLIERS
    plan = make_plan(
        network,
        multipliers=multipliers,
        fps=request.fps,
        clock_mhz=request.clock_mhz,
        folding=read_folding(request.folding) if request.folding else None,
        algorithms=request.algorithms,
    )
    design = Design(directory, request.target, network, plan, options)
    (directory / "design.json").unlink(missing_ok=True)  # written last: without it a folder is no design
    (directory / results.FILE).unlink(missing_ok=True)  # what was proven was another design
    if request.target == "verilog":
        emit.emit(design)
    else:
        emit_hls.emit(network, plan, directory, part=request.part, clock_mhz=request.clock_mhz)
    designs.save(design)
    designs.remember(directory)
    return design
