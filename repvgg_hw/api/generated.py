"""The fourth stage: a design's folder, as `PlannedDesign.design` writes it and `open_design` finds it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from repvgg_hw.design import Design, folder, last_directory
from repvgg_hw.design import load as load_design
from repvgg_hw.plan.planner import NetworkPlan
from repvgg_hw.progress import Progress, silent

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from repvgg_hw.api.boarded import BoardProject
    from repvgg_hw.api.quantized import QuantizedNetwork
    from repvgg_hw.api.simulated import SimulatedDesign
    from repvgg_hw.api.synthesised import SynthesisedDesign
    from repvgg_hw.model.preprocessing import Preprocessing
    from repvgg_hw.report import Summary


@dataclass(frozen=True, repr=False)
class GeneratedDesign:
    """An accelerator on disk, or another network's image for one.

    contents  its request, network and plan, as they are in the folder
    why       of several architectures, why this one; "" where nobody chose, or it was chosen earlier
    stamp     state of the folder in which the contents were read; None where they were not read
    """

    contents: Design[NetworkPlan]
    why: str = ""
    stamp: tuple[object, ...] | None = None

    @property
    def directory(self) -> Path:
        """Its folder."""
        return self.contents.directory

    @property
    def plan(self) -> NetworkPlan:
        """Its layers, multipliers, cycles, memories."""
        return self.contents.plan

    def __repr__(self) -> str:
        of = self.contents
        kind = of.kind if of.hardware is None else f"an image for the hardware of {of.hardware.name}"
        return f"<GeneratedDesign {of.plan.name}: {kind} in {of.directory}>"

    def program(
        self, network: QuantizedNetwork, directory: str | Path | None = None, *, force: bool = False
    ) -> GeneratedDesign:
        """Another network's image for this engine, whose sources stay as they are.

        directory  of the image [default: build/NETWORK-image]
        Raises InputError where the network exceeds a limit of the hardware, or this is no engine.
        """
        from repvgg_hw.design import accuracy
        from repvgg_hw.errors import InputError
        from repvgg_hw.names import folder_name
        from repvgg_hw.targets.generate import check_directory
        from repvgg_hw.targets.program import program

        place = Path(directory or Path("build") / f"{folder_name(network.source)}-image")
        if place.resolve() == self.directory.resolve():
            raise InputError(f"{place} is the engine's own folder: give another")
        check_directory(place, force)
        hardware = folder.steady(self.directory, lambda: load_design(self.directory))
        made = program(hardware, network.integers, place, dict(network.options), force=force)
        if network.measured is not None:
            accuracy.put(network.measured, place)
        return GeneratedDesign(made)

    def simulate(
        self,
        images: str | Path | NDArray[np.uint8] | None = None,
        *,
        limit: int | None = None,
        labels: NDArray[np.int64] | None = None,
        preprocess: str | Preprocessing | None = None,
        class_index: str | Path | None = None,
        image: GeneratedDesign | str | Path | None = None,
        layer: str | None = None,
        layers: bool = False,
        jobs: int | None = None,
        scheduler: str | None = None,
        netlist: str | None = None,
        stalls: int = 0,
        extremes: bool = False,
        waves: bool | tuple[int, int] = False,
        timeout: float | None = None,
        fresh: bool = False,
        clock_gating: bool = False,
        progress: Progress = silent,
    ) -> SimulatedDesign:
        """Build, run, and compare every value of every layer with the golden model; the result is kept.

        It is of the design that is in the folder when its turn comes: it waits for other commands there.

        images    a folder or an .npz, or an array (N, H, W, C) uint8, then with `labels` [default: synthetic
                  ones]; limit: at most that many [default: all, or 4 synthetic ones]
        preprocess, class_index   how files come to the input's size; a JSON file, which folder is which class
        image     on an engine: the network of this image in place of the one that it was generated for
        layer     this layer alone; layers: each alone, by `jobs` processes or a Dask `scheduler`
        netlist   for this device, as `synth` made it, in place of RTL
        stalls    seed of pauses that fill and drain every buffer; extremes: inputs to the edges of the widths
        waves     record the first ones; (from, to): these cycles
        timeout   seconds for one simulation; fresh: do not go on behind what an earlier run has proven
        clock_gating   layers of the whole network have no clock while at rest: faster; what begins there by
                  itself is not seen
        What differs is in the result (`SimulatedDesign.check` raises it). Raises InputError for what cannot
        be simulated so.
        """
        from repvgg_hw.api.pictures import Pictures
        from repvgg_hw.api.simulated import simulate
        from repvgg_hw.model.preprocessing import preprocessing
        from repvgg_hw.targets.target import ProofOptions

        return simulate(
            self,
            open_image(image),
            Pictures(
                images,
                limit,
                labels,
                preprocessing(preprocess) if isinstance(preprocess, str) else preprocess,
                None if class_index is None else Path(class_index),
            ),
            netlist,
            ProofOptions(
                layer=layer,
                layers=layers,
                jobs=jobs,
                scheduler=scheduler,
                stalls=stalls,
                extremes=extremes,
                waves=_window(waves),
                timeout=timeout,
                fresh=fresh,
                clock_gating=clock_gating,
                progress=progress,
            ),
        )

    def synth(
        self,
        device: str,
        *,
        layer: str | None = None,
        layers: bool = False,
        jobs: int | None = None,
        route: bool | None = None,
        clock_mhz: float | None = None,
        seeds: Sequence[int] = (1,),
        minutes: float | None = None,
        bitstream: str | Path | None = None,
        progress: Progress = silent,
    ) -> SynthesisedDesign:
        """Make its netlist with open tools and count cells; for ECP5 place and route it. The result is kept.

        device     a board or part of `repvgg-hw devices`
        layer      this layer, or an engine's unit, alone; layers: each alone, by `jobs` processes
        route      False: counts only, no clock [default: where open tools route the device]
        clock_mhz, seeds, minutes   of routing: what it works towards, the seeds of which the fastest is kept,
                   after which time each is tried in another way
        bitstream  write it here, too
        What does not fit is in the result (`SynthesisedDesign.check` raises it). Raises InputError for what
        cannot be synthesised so, CheckFailed where a tool failed.
        """
        from repvgg_hw.api.synthesised import SynthesisOptions, synthesise_design
        from repvgg_hw.synth.nextpnr import DEFAULT_MHZ, DEFAULT_MINUTES
        from repvgg_hw.synth.tasks import Routing

        routing = Routing(clock_mhz or DEFAULT_MHZ, tuple(seeds), minutes or DEFAULT_MINUTES)
        place = None if bitstream is None else Path(bitstream)
        return synthesise_design(
            self.directory, device, SynthesisOptions(layer, layers, jobs, route, routing, place, progress)
        )

    def board(
        self,
        name: str,
        directory: str | Path | None = None,
        *,
        top: int | None = None,
        logits: bool = True,
        images: Sequence[GeneratedDesign | str | Path] = (),
        bitstream: str | Path | None = None,
        seed: int = 1,
        force: bool = False,
        progress: Progress = silent,
    ) -> BoardProject:
        """Write what a board needs of this design: wrapper, registers, project scripts, driver.

        name       "pynq-z2", "kv260", "zcu104", "ulx3s-85f", "orangecrab-85f", "litex"
        directory  [default: the design's, and the board's name]; force: write over a board's folder there
        top        send so many of the likeliest classes [default: 1]; logits: and all logits
        images     of engines: other networks, made by `program`
        bitstream  make it, too, where open tools do (ECP5), placed from `seed`
        Raises InputError for what the board cannot take, CheckFailed where a tool failed or the clock does
        not hold.
        """
        from repvgg_hw.api.boarded import board_design

        others = [each.directory if isinstance(each, GeneratedDesign) else Path(each) for each in images]
        return board_design(
            self.directory,
            name,
            None if directory is None else Path(directory),
            top=top,
            logits=logits,
            images=others,
            bitstream=None if bitstream is None else Path(bitstream),
            seed=seed,
            force=force,
            progress=progress,
        )

    def report(self) -> Summary:
        """What was planned, emitted and found, as the folder says now; `write_html` makes it a page."""
        return read_report(self.directory)


def open_design(directory: str | Path | None = None, *, images: bool = True) -> GeneratedDesign:
    """A folder that was written by `design`, `program` or the commands [default: the last one].

    images  also what `program` wrote
    Raises InputError where it holds none.
    """
    place = last_directory() if directory is None else Path(directory)

    def read() -> GeneratedDesign:
        before = folder.stamp(place)
        return GeneratedDesign(load_design(place, images=images), stamp=before)

    return folder.steady(place, read)


def read_report(directory: Path) -> Summary:
    """The report on a folder that nobody writes meanwhile: it is read again where somebody did."""
    from repvgg_hw.report import summarize
    from repvgg_hw.targets import registry

    def read() -> Summary:
        design = load_design(directory, images=True)
        registry.of(design)  # raises where this version has no such target
        return summarize(design)

    return folder.steady(directory, read)


def open_image(image: GeneratedDesign | str | Path | None) -> GeneratedDesign | None:
    """An image that is given as a folder, too."""
    return open_design(image) if isinstance(image, (str, Path)) else image


def _window(waves: bool | tuple[int, int]) -> tuple[int, int | None] | None:
    """From a cycle to a later one, or to the end."""
    from repvgg_hw.errors import InputError

    if isinstance(waves, bool):
        return (0, None) if waves else None
    if waves[0] >= waves[1]:
        raise InputError(f"--waves-window is from one cycle to a later one, not {waves[0]} {waves[1]}")
    return waves
