"""Beside the stages: a design's netlist, what it takes of a device, and the clock that it holds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repvgg_hw.design import Design, folder
from repvgg_hw.design import load as load_design
from repvgg_hw.errors import CheckFailed, InputError
from repvgg_hw.files import check_output, write_atomically
from repvgg_hw.plan import device as devices
from repvgg_hw.plan.engine.plan import EnginePlan
from repvgg_hw.progress import Progress, silent
from repvgg_hw.synth import circuit, nextpnr, result, synthesise, tasks, tools
from repvgg_hw.synth.result import Synthesis

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, repr=False)
class SynthesisedDesign:
    """What open tools made of a design for a device.

    design  what was synthesised, as it was in its folder then
    result  cells, clocks, paths: see Synthesis
    """

    design: Design[Any]
    result: Synthesis

    @property
    def fits(self) -> bool:
        """Whether the device has what every netlist takes."""
        return self.result.fits

    def check(self) -> SynthesisedDesign:
        """Itself. Raises CheckFailed, with what is short, where it does not fit."""
        if not self.fits:
            raise CheckFailed(f"does not fit {self.result.device}: {'; '.join(self.result.short())}")
        return self

    def __repr__(self) -> str:
        done = self.result
        parts = f"{len(done.parts)} netlists" if len(done.parts) > 1 else "1 netlist"
        clocks = [part.mhz for part in done.parts if part.mhz is not None]
        clock = f", {min(clocks):.1f} MHz" if clocks else ""
        verdict = "fits" if done.fits else f"does not fit: {'; '.join(done.short())}"
        return f"<SynthesisedDesign {self.design.plan.name}: {done.device}, {parts}, {verdict}{clock}>"


@dataclass(frozen=True)
class SynthesisOptions:
    """As GeneratedDesign.synth; layers: of a list that the design knows, or all."""

    layer: str | None = None
    layers: bool = False
    jobs: int | None = None
    route: bool | None = None
    routing: tasks.Routing | None = None
    bitstream: Path | None = None
    progress: Progress = silent


def synthesise_design(directory: Path, device: str, options: SynthesisOptions) -> SynthesisedDesign:
    """As GeneratedDesign.synth. The folder is locked, and read again where it has changed."""
    chosen = devices.get(device)
    routable = chosen.part.nextpnr is not None
    _check_options(options, routable=routable, device=chosen.name)
    route = routable and options.route is not False
    for tool in ("yosys", *(("nextpnr",) if route else ())):
        tools.package(tool)

    def prepare() -> Design[Any]:
        design: Design[Any] = load_design(directory)
        if design.target != "verilog":
            raise InputError(f"{directory} is a design of the target {design.target}: synth takes Verilog")
        if options.bitstream is not None and isinstance(design.plan, EnginePlan):
            raise InputError("--bitstream: an engine's ports are buses, for which no package has pins")
        check_output(directory / result.FILE)
        return design

    before = folder.stamp(directory)
    design = prepare()
    with folder.locked(directory):
        folder.recover(directory)
        if folder.stamp(directory) != before:  # generated anew while this one prepared, or waited
            design = prepare()
        state = folder.fingerprint(directory)
        names = _names(design, options)
        found = tasks.tasks(design, chosen, names, (options.routing or tasks.Routing()) if route else None)
        parts = synthesise.synthesise_all(found, options.jobs, _told(options.progress))
        if options.bitstream is not None:
            options.progress(None, "bitstream")
            write_atomically(options.bitstream, nextpnr.pack(found[0].work, "netlist").read_bytes())
        done = synthesise.synthesis(chosen, parts)
        if folder.fingerprint(directory) != state:
            raise CheckFailed("files of the design have changed while it was synthesised: synthesise again")
        result.save(done, directory, state)
        if names is None and not isinstance(design.plan, EnginePlan):
            circuit.record(found[0].work, state)
    return SynthesisedDesign(design, done)


def _told(progress: Progress) -> synthesise.Update:
    """Progress, of which the words may be left out."""

    def update(share: float | None, what: str = "") -> None:
        progress(share, what)

    return update


def _names(design: Design[Any], options: SynthesisOptions) -> Sequence[str] | None:
    """Which netlists are made alone; None: the whole design."""
    if options.layers:
        return tasks.parts_of(design.plan)
    return None if options.layer is None else [options.layer]


def _check_options(options: SynthesisOptions, *, routable: bool, device: str) -> None:
    """Refuse words that exclude each other; the command line has rules for these, of its own options."""
    alone = options.layer is not None or options.layers
    if options.layer is not None and options.layers:
        raise InputError("layer and layers exclude each other")
    if options.jobs is not None and not options.layers:
        raise InputError("jobs belong to layers")
    if options.bitstream is not None and (alone or options.route is False or not routable):
        raise InputError("bitstream: it is of the whole design, routed, which open tools do for ECP5 alone")
    if options.route and not routable:
        raise InputError(f"route: no open tool routes {device}: leave it out")
