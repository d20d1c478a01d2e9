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
from repvgg_hw.plan import device as devices
from repvgg_hw.plan.device import DEFAULT_DSP, DEFAULT_PART, check_part, check_ports, parse_dsp
from repvgg_hw.plan.folding import Folding
from repvgg_hw.plan.parts import Family
from repvgg_hw.schema import exactly
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
    packed  whether a direct layer's outputs share multipliers by twos
    """

    tiles: tuple[int, ...] = ()
    direct: bool = True
    phases: bool = True
    dsp: tuple[int, int] = DEFAULT_DSP
    packed: bool = False

    def __post_init__(self) -> None:
        if not set(self.tiles) <= set(TILES):
            raise InputError(f"Winograd tiles are {TILES[0]} to {TILES[-1]}, not {list(self.tiles)}")
        check_ports(self.dsp)


DIRECT = Algorithms()
DEFAULT_FILL = 0.8
DEFAULT_FILLS = {"engine": 0.9}  # by architecture: an array of one kind of cell is routed fuller


@dataclass(frozen=True)
class OnDevice:
    """The device that a plan must fit.

    fill   the share of each of its resources that the plan may take
    clock  where the clock is from: "routed", such a design on that device; "assumed", by the user; None: none
    """

    name: str
    fill: float = DEFAULT_FILL
    clock: str | None = None

    def __post_init__(self) -> None:
        devices.get(self.name)
        if not 0 < self.fill <= 1:  # also refuses NaN
            raise InputError(f"--fill is a share of the device above 0 and up to 1, not {self.fill}")


@dataclass(frozen=True)
class Request:
    """What the user asks of the hardware.

    multipliers  budget, within which frames come as fast as they can; None where fps or a device is given
    fps          frames per second at clock_mhz, with as few multipliers as reach it
    folding      layer name -> fixed folding, which the search keeps
    part         device of an HLS project
    device       what the plan must fit; clock_mhz is None where nothing supports a clock on it
    architecture  what plans the network
    Raises InputError for a clock, a rate or a device that no design can have: what is asked for reaches
    Tcl scripts and divisors, from the command line or from a design.json that somebody edited.
    """

    target: str
    multipliers: int | None = None
    fps: float | None = None
    clock_mhz: float | None = DEFAULT_CLOCK_MHZ
    folding: Mapping[str, Folding] = field(default_factory=dict)
    part: str = DEFAULT_PART
    algorithms: Algorithms = DIRECT
    architecture: str = DEFAULT_ARCHITECTURE
    device: OnDevice | None = None

    def __post_init__(self) -> None:
        if self.clock_mhz is None and (self.device is None or self.fps is not None):
            raise InputError("the clock may be missing only where a device is given, and no frame rate")
        if (
            self.clock_mhz is not None and not CLOCK_MHZ[0] <= self.clock_mhz <= CLOCK_MHZ[1]
        ):  # also refuses NaN
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
    clock_mhz: float | None = None,  # [default: the device's, else DEFAULT_CLOCK_MHZ]
    folding: Path | Mapping[str, Folding] | None = None,  # a file, or what is in it
    part: str = DEFAULT_PART,
    winograd: str = DEFAULT_WINOGRAD,
    phases: bool = True,
    dsp: str | None = None,  # "27x18"
    architecture: str = DEFAULT_ARCHITECTURE,
    device: str | None = None,
    fill: float | None = None,
) -> Request:
    """From the words of the command line, with every default. Raises InputError for what they cannot mean."""
    if multipliers is not None and fps is not None:
        raise InputError("give either --multipliers or --fps: one follows from the other")
    if multipliers is not None and device is not None:
        raise InputError("give either --multipliers or --device: one follows from the other")
    if multipliers is None and fps is None and device is None:
        multipliers = DEFAULT_MULTIPLIERS
    on_device, ports = None, DEFAULT_DSP if dsp is None else parse_dsp(dsp)
    if device is None:
        clock_mhz = DEFAULT_CLOCK_MHZ if clock_mhz is None else clock_mhz
    else:
        on_device, clock_mhz = _on_device(
            device, _fill(fill, architecture), clock_mhz, architecture, winograd != DEFAULT_WINOGRAD
        )
        if fps is not None and clock_mhz is None:
            raise InputError(
                f"--fps needs --clock: no such design was routed on {device}, so no clock is known"
            )
        ports = devices.get(device).family.dsp_ports
    algorithms = parse_algorithms(winograd, ports, phases)
    packed = device is not None and packs(target, devices.get(device).family)
    return Request(
        target,
        multipliers,
        fps,
        clock_mhz,
        read_folding(folding) if isinstance(folding, Path) else dict(folding or {}),
        part,
        dataclasses.replace(algorithms, packed=packed),
        architecture,
        on_device,
    )


def packs(target: str, family: Family) -> bool:
    """Whether a target makes two products in one of the family's multipliers: the Verilog library does."""
    return target == "verilog" and family.packs


def _fill(fill: float | None, architecture: str) -> float:
    return DEFAULT_FILLS.get(architecture, DEFAULT_FILL) if fill is None else fill


def _on_device(
    name: str, fill: float, clock_mhz: float | None, architecture: str, winograd: bool
) -> tuple[OnDevice, float | None]:
    """The device and the clock on it: the user's, else one that a design of that kind reached, else none."""
    found = devices.get(name)
    if clock_mhz is not None:
        return OnDevice(found.name, fill, "assumed"), clock_mhz
    if found.clock is not None and found.clock.covers(architecture, winograd):
        return OnDevice(found.name, fill, "routed"), found.clock.mhz
    return OnDevice(found.name, fill), None


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
    """Every field, for design.json; of the device only where one was asked for."""
    fields = dataclasses.asdict(dataclasses.replace(request, folding=dict(request.folding)))
    if request.device is None:
        del fields["device"]
    return fields


def from_json(content: Mapping[str, Any]) -> Request:
    """What `to_json` wrote. Raises InputError that names the field where it is something else."""
    return exactly({"device": None} | dict(content), Request, "request")
