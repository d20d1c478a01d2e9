"""What synthesis found: the value that `synth` writes and `report` reads, synth.json beside the design."""

from __future__ import annotations

import dataclasses
import json
import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from repvgg_hw import schema
from repvgg_hw.design import folder
from repvgg_hw.errors import InputError, context
from repvgg_hw.files import write_if_changed
from repvgg_hw.synth.nextpnr import Attempt, Step

FILE = "synth.json"
# Of `Resources`, what is said of a device, and the heading of its column; in brackets stands what is planned.
AVAILABLE = {"dsp": "DSP (planned)", "bram": "BRAM 18k", "uram": "UltraRAM", "lut": "LUT", "ff": "FF"}


@dataclass(frozen=True)
class Resources:
    """Cells of a netlist: multipliers, block RAMs of 18 kbit, look-up tables, flip-flops, carry cells,
    UltraRAMs."""

    dsp: int
    bram: int
    lut: int
    ff: int
    carry: int
    uram: int = 0


@dataclass(frozen=True)
class Planned:
    """What the plan says of a netlist: multipliers exactly, the rest estimated."""

    dsp: int
    bram: int
    lut: int
    ff: int
    uram: int = 0


@dataclass(frozen=True)
class Unit:
    """A unit within a netlist; planned is None where the plan does not tell it apart."""

    name: str
    planned: Planned | None
    synthesised: Resources


@dataclass(frozen=True)
class Part:
    """One netlist: the whole design, or a layer or unit alone.

    units        what it is made of, as far as that was counted apart
    mhz          the highest clock of any seed, routed; None where it was not routed
    path         the longest path from register to register, of that seed
    seconds, megabytes   of Yosys, and of nextpnr where it ran, all seeds together
    attempts     one by one, those that failed too
    """

    name: str
    planned: Planned
    synthesised: Resources
    seconds: float
    megabytes: float
    mhz: float | None = None
    path: tuple[Step, ...] = ()
    route_seconds: float | None = None
    route_megabytes: float | None = None
    attempts: tuple[Attempt, ...] = ()
    units: tuple[Unit, ...] = ()

    @property
    def mhz_median(self) -> float | None:
        """The median clock of the seeds that were routed; None where none was."""
        clocks = [attempt.mhz for attempt in self.attempts if attempt.mhz is not None]
        return statistics.median(clocks) if clocks else None


@dataclass(frozen=True)
class Synthesis:
    """One run of `synth`; available: what the device has, carry cells aside."""

    device: str
    family: str
    tools: str
    available: dict[str, int]
    parts: tuple[Part, ...]

    @property
    def fits(self) -> bool:
        """Whether the device has what every netlist takes."""
        return not self.short()

    @property
    def counted(self) -> dict[str, str]:
        """What is shown of a netlist, carry cells aside, and its heading: UltraRAM where there is any."""
        return {
            name: heading for name, heading in AVAILABLE.items() if name != "uram" or self.available[name]
        }

    def short(self) -> list[str]:
        """What the device has too little of, and how much is asked of it."""
        return [
            f"{part.name}: {asked:,} {resource} of {most:,}"
            for part in self.parts
            for resource, most in self.available.items()
            if (asked := getattr(part.synthesised, resource)) > most
        ]

    def to_json(self) -> dict[str, Any]:
        """For programs; what `load` reads."""
        return dataclasses.asdict(self)


class _State(msgspec.Struct):
    """What synth.json holds beside the result: of which state of the folder it is."""

    fingerprint: str


def save(result: Synthesis, directory: Path, fingerprint: str) -> None:
    """Write synth.json, found of the folder in the state of this fingerprint."""
    content = result.to_json() | {"fingerprint": fingerprint}
    write_if_changed(directory / FILE, json.dumps(content, indent=2) + "\n")


def load(directory: Path) -> Synthesis | None:
    """Read synth.json; None where nothing was synthesised since a file of the design last changed.

    Raises InputError where the file is none of ours.
    """
    path = directory / FILE
    if not path.exists():
        return None
    with context(f"synthesise again: {path}"):
        content = schema.read_json(path)
        state = schema.partly(content, _State)
        rest = {key: value for key, value in content.items() if key != "fingerprint"}
        result = schema.exactly(rest, Synthesis)
        _check(result)
    return result if state.fingerprint == folder.fingerprint(directory) else None


def _check(result: Synthesis) -> None:
    """Refuse, with InputError, what no synthesis gives."""
    if set(result.available) != set(AVAILABLE):
        raise InputError(f"available: {', '.join(result.available)}, right is {', '.join(AVAILABLE)}")
    if not result.parts:
        raise InputError("parts: there is none")
    for part in result.parts:
        planned = [part.planned, *(unit.planned for unit in part.units if unit.planned is not None)]
        made = [part.synthesised, *(unit.synthesised for unit in part.units)]
        counts = [count for one in (*planned, *made) for count in vars(one).values()]
        figures = [part.seconds, part.megabytes, part.mhz, part.route_seconds, part.route_megabytes]
        figures += [x for one in part.attempts for x in (one.seconds, one.megabytes, one.mhz)]
        if min(counts) < 0 or any(x is not None and x < 0 for x in figures):
            raise InputError(f"parts: a figure of {part.name} is below 0")
    if min(result.available.values()) < 0:
        raise InputError("available: a figure is below 0")
