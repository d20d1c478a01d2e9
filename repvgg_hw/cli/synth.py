"""`repvgg-hw synth`: netlist, counts and, for ECP5, a routed clock and a bitstream."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from repvgg_hw.cli.command import Command
from repvgg_hw.cli.rules import excludes, needs, void
from repvgg_hw.cli.tables import show_table
from repvgg_hw.cli.talk import say
from repvgg_hw.cli.values import NAME, PLACE, OutputFile, Real, Whole

if TYPE_CHECKING:
    from repvgg_hw.synth.result import Part, Planned, Resources, Synthesis

RULES = (
    excludes("--layer", "--layers"),
    needs("--jobs", "--layers"),
    excludes("--bitstream", "--layer", why="a bitstream is of the whole design"),
    excludes("--bitstream", "--layers", why="a bitstream is of the whole design"),
    excludes("--bitstream", "--no-route", why="a bitstream is of a routed design"),
    *(
        void(option, "--no-route", why="it is of routing")
        for option in ("--clock", "--seed", "--seeds", "--minutes")
    ),
)
PATH_STEPS = 12  # of the critical path that are printed; JSON has all


@click.command(cls=Command, rules=RULES)
@click.argument("directory", required=False, type=PLACE)
@click.option("--device", required=True, help="A board or part that `repvgg-hw devices` lists.")
@click.option("--layer", type=NAME, help="This layer, or unit of an engine, alone.")
@click.option("--layers", is_flag=True, help="Every layer alone, in parallel.")
@click.option("--jobs", type=Whole(1, 1024), help="Processes of --layers [default: one per core].")
@click.option("--no-route", is_flag=True, help="Netlist and counts only: no clock.")
@click.option("--clock", "clock_mhz", type=Real(over=0, highest=1000), default=110.0, show_default=True,
              help="MHz that placing and routing work towards.")  # fmt: skip
@click.option("--seed", type=Whole(1, 2**30), default=1, show_default=True, help="Of placing.")
@click.option(
    "--seeds",
    type=Whole(1, 1000),
    default=1,
    show_default=True,
    help="Place and route from so many seeds, --seed and those after it; the fastest is kept.",
)
@click.option(
    "--minutes",
    type=Real(over=0, highest=100_000),
    default=60.0,
    show_default=True,
    help="After which one placer, with the routers behind it, is ended and another is tried.",
)
@click.option("--bitstream", type=OutputFile(".bit"), help="Write the routed design's bitstream (ECP5).")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def command(
    directory: Path | None,
    device: str,
    layer: str | None,
    layers: bool,
    jobs: int | None,
    no_route: bool,
    clock_mhz: float,
    seed: int,
    seeds: int,
    minutes: float,
    bitstream: Path | None,
    as_json: bool,
) -> None:
    """Synthesise a generated design with open tools: what it takes of a device, the clock it holds.

    DIRECTORY is a folder written by `generate --target verilog` [default: the last one]. Yosys makes a
    netlist for AMD's 7 series and UltraScale+ and for Lattice ECP5; nextpnr routes ECP5. `simulate
    --netlist DEVICE` proves the netlist of a whole chain of layers. An engine has no layers: what is counted
    one by one, and what --layer and --layers take, are its units, as input, array, output.

    \b
    Examples:
      repvgg-hw synth build/net --device ulx3s-85f --bitstream net.bit
      repvgg-hw synth build/net --device kv260 --layers
      repvgg-hw synth build/net --device ulx3s-85f --layer stage1.0

    Exit codes: 0 it fits, 1 it does not or a tool failed, 2 the input or usage is wrong.
    """
    from repvgg_hw import design as designs
    from repvgg_hw.api.synthesised import SynthesisOptions, synthesise_design
    from repvgg_hw.cli.progress import bar
    from repvgg_hw.errors import InputError
    from repvgg_hw.plan import device as devices
    from repvgg_hw.report.provenance import provenance
    from repvgg_hw.synth import tasks

    chosen = devices.get(device)
    if chosen.part.nextpnr is None:
        context = click.get_current_context()
        for name in ("bitstream", "no_route", "clock_mhz", "seed", "seeds", "minutes"):
            if context.get_parameter_source(name) is not ParameterSource.DEFAULT:
                option = "--clock" if name == "clock_mhz" else "--" + name.replace("_", "-")
                raise InputError(f"{option}: no open tool routes {chosen.name}: leave it out")
    place = directory if directory is not None else designs.last_directory()
    with bar(f"synthesise for {chosen.name}") as update:
        made = synthesise_design(
            place,
            chosen.name,
            SynthesisOptions(
                layer=layer,
                layers=layers,
                jobs=jobs,
                route=False if no_route else None,
                routing=tasks.Routing(clock_mhz, tuple(range(seed, seed + seeds)), minutes),
                bitstream=bitstream,
                progress=update,
            ),
        )
    design, done = made.design, made.result
    if as_json:
        record = {"fits": done.fits, "provenance": provenance(design)}
        say(json.dumps(done.to_json() | record, indent=2))
    else:
        _print(done, design.plan.name)
    made.check()


def _counts(counted: Iterable[str], planned: Planned | None, made: Resources) -> tuple[str, ...]:
    """Cells of these kinds, and in brackets what the plan says of them; then carry cells."""
    both = [
        f"{getattr(made, name):,}" + ("" if planned is None else f" ({getattr(planned, name):,})")
        for name in counted
    ]
    return (*both, f"{made.carry:,}")


def _print(done: Synthesis, name: str) -> None:
    def row(part: Part) -> tuple[str, ...]:
        return (
            part.name,
            *_counts(done.counted, part.planned, part.synthesised),
            "" if part.mhz is None else f"{part.mhz:.1f}",
            f"{part.seconds + (part.route_seconds or 0):.0f}",
            f"{max(part.megabytes, part.route_megabytes or 0):,.0f}",
        )

    counted = (*done.counted.values(), "carry")
    most = ("of the device", *(f"{done.available[name]:,}" for name in done.counted), "", "", "", "")
    title = f"{name}: {done.device} ({done.family}), {done.tools}"
    headings = (*counted, "MHz", "seconds", "MB")
    show_table(title, ("<", *headings), [*(row(part) for part in done.parts), most])
    for part in done.parts:
        if part.units:
            units = [
                (unit.name, *_counts(done.counted, unit.planned, unit.synthesised)) for unit in part.units
            ]
            show_table(f"units of {part.name}", ("<", *counted), units)
    for part in done.parts:
        if len(part.attempts) > 1:
            _print_attempts(part)
    routed = [part for part in done.parts if part.mhz is not None and part.path]
    if routed:
        slowest = min(routed, key=lambda part: part.mhz or 0)
        say(f"longest path of {slowest.name}, {sum(step.ns for step in slowest.path):.1f} ns:")
        for step in slowest.path[:PATH_STEPS]:
            where = step.end if step.kind in ("routing", "setup") else step.start
            say(f"  {step.ns:6.2f} ns  {step.kind:8} {where}")
        if len(slowest.path) > PATH_STEPS:
            say(f"  ... and {len(slowest.path) - PATH_STEPS} more steps: --json has them")


def _print_attempts(part: Part) -> None:
    for one in part.attempts:
        found = one.failed if one.mhz is None else f"{one.mhz:.1f} MHz"
        say(f"{part.name}, seed {one.seed}, {one.placer} and {one.router}, {one.seconds:.0f} s: {found}")
    if part.mhz_median is not None:
        say(f"{part.name}: {part.mhz_median:.1f} MHz in the median")
