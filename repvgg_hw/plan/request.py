"""What the user asks of the hardware, as one value: read from words once, and recorded in design.json."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from repvgg_hw import schema
from repvgg_hw.errors import InputError
from repvgg_hw.plan.device import DEFAULT_DSP, DEFAULT_PART, check_part, parse_dsp
from repvgg_hw.plan.folding import Folding
from repvgg_hw.winograd.matrices import TILES

DEFAULT_MULTIPLIERS = 512
DEFAULT_CLOCK_MHZ = 200.0
DEFAULT_WINOGRAD = "off"
DEFAULT_ARCHITECTURE = "stream"
WINOGRAD = ("off", "auto", *map(str, TILES))  # what parse_algorithms reads
CLOCK_MHZ = (1.0, 10_000.0)  # from and to
SLOWEST_FPS, LARGEST_FPS = 1e-3, 1e12


@dataclass(frozen=True)
class Algorithms:
    """Which algorithms the search may give to a layer.

    tiles   Winograd tiles F(m); none for direct products alone
    direct  whether a layer may be direct although a tile is allowed
    phases  whether layers of stride 2 may use tiles, as four phases of stride 1
    dsp     widths of one multiplier's signed ports: a tile whose numbers are wider is left out
    """

    tiles: tuple[int, ...] = ()
    direct: bool = True
    phases: bool = True
    dsp: tuple[int, int] = DEFAULT_DSP

    def __post_init__(self) -> None:
        if not set(self.tiles) <= set(TILES):
            raise InputError(f"Winograd tiles are {TILES[0]} to {TILES[-1]}, not {list(self.tiles)}")


DIRECT = Algorithms()


@dataclass(frozen=True)
class Request:
    """What the user asks of the hardware.

    multipliers  budget, within which frames come as fast as they can; None where fps is given
    fps          frames per second at clock_mhz, with as few multipliers as reach it
    folding      layer name -> fixed folding, which the search keeps
    part         device of an HLS project
    architecture  what plans the network
    Raises InputError for a clock, a rate or a device that no design can have: what is asked for reaches
    Tcl scripts and divisors, from the command line or from a design.json that somebody edited.
    """

    target: str
    multipliers: int | None = None
    fps: float | None = None
    clock_mhz: float = DEFAULT_CLOCK_MHZ
    folding: Mapping[str, Folding] = field(default_factory=dict)
    part: str = DEFAULT_PART
    algorithms: Algorithms = DIRECT
    architecture: str = DEFAULT_ARCHITECTURE

    def __post_init__(self) -> None:
        if not CLOCK_MHZ[0] <= self.clock_mhz <= CLOCK_MHZ[1]:  # also refuses NaN
            raise InputError(
                f"the clock is {CLOCK_MHZ[0]:g} to {CLOCK_MHZ[1]:,.0f} MHz, not {self.clock_mhz}"
            )
        if self.fps is not None and not SLOWEST_FPS <= self.fps <= LARGEST_FPS:
            raise InputError(f"frames per second are {SLOWEST_FPS:g} to {LARGEST_FPS:g}, not {self.fps}")
        check_part(self.part)


def parse(
    target: str,
    *,
    multipliers: int | None = None,
    fps: float | None = None,
    clock_mhz: float = DEFAULT_CLOCK_MHZ,
    folding: Path | None = None,
    part: str = DEFAULT_PART,
    winograd: str = DEFAULT_WINOGRAD,
    phases: bool = True,
    dsp: str | None = None,  # "27x18"
    architecture: str = DEFAULT_ARCHITECTURE,
) -> Request:
    """From the words of the command line, with every default. Raises InputError for what they cannot mean."""
    if multipliers is not None and fps is not None:
        raise InputError("give either --multipliers or --fps: one follows from the other")
    if multipliers is None and fps is None:
        multipliers = DEFAULT_MULTIPLIERS
    return Request(
        target,
        multipliers,
        fps,
        clock_mhz,
        read_folding(folding) if folding else {},
        part,
        parse_algorithms(winograd, DEFAULT_DSP if dsp is None else parse_dsp(dsp), phases),
        architecture,
    )


def parse_algorithms(winograd: str, dsp: tuple[int, int] = DEFAULT_DSP, phases: bool = True) -> Algorithms:
    """From "auto", "off" or a tile; whether stride 2 may use tiles. Raises InputError for anything else."""
    if winograd == "off":
        return Algorithms(dsp=dsp)
    if winograd == "auto":
        return Algorithms(tuple(TILES), phases=phases, dsp=dsp)
    if winograd in WINOGRAD:
        return Algorithms((int(winograd),), direct=False, phases=phases, dsp=dsp)
    raise InputError(f"--winograd is auto, off or a tile from {TILES[0]} to {TILES[-1]}, not {winograd!r}")


def read_folding(path: Path) -> dict[str, Folding]:
    """A JSON file {"stage1.0": {"pi": 4, "po": 2}, ...}; "m": 4 beside them for F(4).

    Raises InputError for anything else.
    """
    content = schema.read_typed(path, "JSON file of foldings")
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


def to_json(request: Request) -> dict[str, Any]:
    """Every field, for design.json."""
    return dataclasses.asdict(dataclasses.replace(request, folding=dict(request.folding)))
