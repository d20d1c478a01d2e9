"""Which netlists are made of a design, and of what: the whole, a chain's layers, an engine's units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from repvgg_hw.design import Design
from repvgg_hw.errors import InputError
from repvgg_hw.files import check_writable, environment, templates_dir
from repvgg_hw.names import top_module
from repvgg_hw.plan.device import Device
from repvgg_hw.plan.engine.plan import EnginePlan
from repvgg_hw.plan.engine.resources import by_unit
from repvgg_hw.plan.resources import Resources
from repvgg_hw.plan.stream.plan import Plan
from repvgg_hw.plan.stream.resources import of_unit
from repvgg_hw.synth import nextpnr
from repvgg_hw.synth.result import Planned
from repvgg_hw.targets.verilog.emit import listed_sources
from repvgg_hw.targets.verilog.engine.units import ALONE, UNITS
from repvgg_hw.targets.verilog.netlist import build

WORK = Path("build") / "synth"  # in the design's folder
WHOLE = "design"


@dataclass(frozen=True)
class Routing:
    """How a netlist is placed and routed: see nextpnr.route."""

    mhz: float = nextpnr.DEFAULT_MHZ
    seeds: tuple[int, ...] = (1,)
    minutes: float = nextpnr.DEFAULT_MINUTES


@dataclass(frozen=True)
class Task:
    """One netlist to be made: plain data, for another process.

    top, sources  the module, and what it is made of beside the library; sources are relative to `design`
    routing       None where it is not placed and routed
    ways          of placing and routing it: see nextpnr.WAYS
    border        of the routed netlist's ports: registers, since it has more than a package has pins
    units         what is counted apart: unit -> modules of the library
    planned_units  what the plan says of these, as far as it tells them apart
    uram          its data memory asks for UltraRAM
    alone         the library's module within the top that is made alone
    """

    name: str
    top: str
    sources: tuple[str, ...]
    design: Path
    work: Path
    device: Device
    planned: Planned
    routing: Routing | None = None
    ways: tuple[nextpnr.Way, ...] = nextpnr.WAYS
    border: bool = False
    units: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    planned_units: Mapping[str, Planned] = field(default_factory=dict)
    alone: str | None = None
    uram: bool = False


def parts_of(plan: Plan | EnginePlan) -> list[str]:
    """What can be made alone: a chain's layers, an engine's units."""
    return list(ALONE) if isinstance(plan, EnginePlan) else [layer.name for layer in plan.layers]


def tasks(
    design: Design[Any], device: Device, names: Sequence[str] | None, routing: Routing | None
) -> list[Task]:
    """The netlists to be made: of the whole design where names is None, else of these of `parts_of`.

    Writes what they need below build/synth. Raises InputError for a name that is none of these.
    """
    directory = design.directory.resolve()
    listed = listed_sources(directory)
    for name in listed:
        if not (directory / name).is_file():
            raise InputError(f"{directory / name} is missing: generate the design again")
    known = parts_of(design.plan)
    for name in names or ():
        if name not in known:
            what = "layer" if isinstance(design.plan, Plan) else "layer: an engine's are its units"
            raise InputError(f"--layer {name!r} is none of this design's {what}: {', '.join(known)}")
    make = _of_engine if isinstance(design.plan, EnginePlan) else _of_chain
    return [make(design, tuple(listed), device, name, routing) for name in names or (WHOLE,)]


def _folder(directory: Path, device: Device, name: str) -> Path:
    work = directory / WORK / device.name / name.replace(".", "_")
    check_writable(work)
    work.mkdir(parents=True, exist_ok=True)
    return work


def _planned(taken: Resources) -> Planned:
    return Planned(taken.dsp, taken.bram, taken.lut, taken.ff, taken.uram)


def _of_chain(
    design: Design[Plan], sources: tuple[str, ...], device: Device, name: str, routing: Routing | None
) -> Task:
    """A chain of layers, or one of them with its tables."""
    directory, plan, family = design.directory.resolve(), design.plan, device.family.name
    work = _folder(directory, device, name)
    layer = next((layer for layer in plan.layers if layer.name == name), None)
    if layer is None:
        taken = plan.resources(family)
        return Task(name, top_module(plan.name), sources, directory, work, device, _planned(taken), routing)
    unit = next(unit for unit in build(plan).units if unit.ident == layer.ident)
    top = f"layer_{unit.ident}"
    text = environment(templates_dir() / "verilog").get_template("layer.sv.j2").render(top=top, unit=unit)
    (work / f"{top}.sv").write_text(text)
    own = f"{WORK}/{device.name}/{unit.ident}/{top}.sv"
    planned = _planned(of_unit(layer, family))
    return Task(name, top, (*sources[:-1], own), directory, work, device, planned, routing)


def _of_engine(
    design: Design[EnginePlan], sources: tuple[str, ...], device: Device, name: str, routing: Routing | None
) -> Task:
    """An engine with its units, or one of these."""
    directory, plan, family = design.directory.resolve(), design.plan, device.family.name
    work, top = _folder(directory, device, name), top_module(plan.name)
    uram = bool(plan.array.word_uram)
    units = {unit: _planned(taken) for unit, taken in by_unit(plan.array, family).items()}
    if name != WHOLE:
        (module,) = UNITS[name]
        return Task(
            name,
            top,
            sources,
            directory,
            work,
            device,
            units[name],
            routing,
            ways=nextpnr.ENGINE_WAYS,
            border=True,
            alone=module,
            uram=uram,
        )
    return Task(
        name, top, sources, directory, work, device, _planned(plan.resources(family)), routing,
        ways=nextpnr.ENGINE_WAYS, border=True, units=UNITS, planned_units=units, uram=uram,
    )  # fmt: skip
