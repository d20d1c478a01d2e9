"""`repvgg-hw simulate`: build, run, compare every layer with golden."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from repvgg_hw.cli.command import Command
from repvgg_hw.cli.options import IMAGE_RULES, image_options
from repvgg_hw.cli.progress import on_demand
from repvgg_hw.cli.rules import excludes, needs, void
from repvgg_hw.cli.tables import show_table
from repvgg_hw.cli.talk import say
from repvgg_hw.cli.values import COUNT, NAME, PLACE, OutputFile, Real, Whole

if TYPE_CHECKING:
    from repvgg_hw.api import SimulatedDesign
    from repvgg_hw.model.preprocessing import Preprocessing

RULES = (
    *IMAGE_RULES,
    *(needs(option, "--images") for option in ("--preprocess", "--class-index")),
    needs("--waves-window", "--waves"),
    excludes("--layer", "--layers"),
    needs("--jobs", "--layers"),
    needs("--scheduler", "--layers"),
    void("--jobs", "--scheduler", why="its workers set how many run at once"),
    void("--waves", "--layers", why="give --layer for the inside of one"),
    void("--fresh", "--layer", "--waves", why="such a run starts over anyway"),
    *excludes("--netlist", "--image", why="netlists run their own network"),
    *(
        void("--netlist", option, why="a netlist is simulated whole, and seen at the streams between layers")
        for option in ("--layer", "--layers", "--waves")
    ),
    void(
        *("--clock-gating", "--layer", "--layers", "--netlist", "--stalls"),
        why="it is for the RTL of a whole network, without pauses",
    ),
)
CYCLE = Whole(0, 2**63 - 1)


@click.command(cls=Command, rules=RULES)
@click.argument("directory", required=False, type=PLACE)
@click.option(
    "--image", type=PLACE, help="Folder that `program` wrote: this network, on DIRECTORY's hardware."
)
@click.option("--images", type=PLACE, help="Images to run [default: synthetic ones].")
@click.option("--limit", type=COUNT, help="At most that many images [default: all, or 4].")
@image_options
@click.option("--class-index", type=PLACE, help="JSON: which class folder is which class.")
@click.option("--layer", type=NAME, help="This layer alone, on golden's input.")
@click.option("--layers", is_flag=True, help="Every layer alone, in parallel.")
@click.option(
    "--netlist", type=NAME, metavar="DEVICE", help="The netlist that `synth --device DEVICE` made, not RTL."
)
@click.option("--fresh", is_flag=True, help="Start over; a run that was broken off goes on otherwise.")
@click.option("--jobs", type=Whole(1, 1024), help="Processes of --layers [default: one per core].")
@click.option("--scheduler", type=NAME, help="Address of a Dask scheduler that runs --layers.")
@click.option(
    "--clock-gating", is_flag=True, help="No clock for layers at rest: deep networks run in less time."
)
@click.option("--stalls", type=Whole(1, 2**31 - 1), help="Seed of pauses that fill and drain every buffer.")
@click.option("--extremes", is_flag=True, help="Also inputs that drive sums to the edges of their widths.")
@click.option(
    "--waves",
    is_flag=True,
    help="Record a VCD with a layout: streams, or --layer's inside.",
)
@click.option(
    "--waves-window",
    type=(CYCLE, CYCLE),
    metavar="FROM TO",
    help="These cycles [default: 0 20000; inside 0 2000].",
)
@click.option(
    "--timeout",
    type=Real(over=0, highest=1e7),
    help="Seconds of wall clock for one simulation [default: 1,800 and 1 for every 500 cycles].",
)
@click.option("--junit", type=OutputFile(".xml"), help="Write results as JUnit XML.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def command(
    directory: Path | None,
    image: Path | None,
    images: Path | None,
    limit: int | None,
    preprocessing: Preprocessing | None,
    class_index: Path | None,
    layer: str | None,
    layers: bool,
    netlist: str | None,
    fresh: bool,
    jobs: int | None,
    scheduler: str | None,
    clock_gating: bool,
    stalls: int | None,
    extremes: bool,
    waves: bool,
    waves_window: tuple[int, int] | None,
    timeout: float | None,
    junit: Path | None,
    as_json: bool,
) -> None:
    """Prove that a generated design computes what the golden model computes, bit for bit.

    DIRECTORY is a folder written by `generate` [default: the last one]. With --image its sources run the
    network of that folder, where the result is kept.

    \b
    Examples:
      repvgg-hw simulate build/net --images images/ --limit 8 --junit results.xml
      repvgg-hw simulate build/net --layer stage3.7 --waves --waves-window 1000 2000
      repvgg-hw simulate build/net --stalls 1 --extremes
      repvgg-hw simulate build/net --layers --extremes
      repvgg-hw simulate build/net --limit 1 --clock-gating
      repvgg-hw simulate build/net --netlist ulx3s-85f
      repvgg-hw simulate build/engine --image build/other

    Exit codes: 0 every value equal, 1 something differs, 2 the input or usage is wrong.
    """
    from repvgg_hw.api import open_design
    from repvgg_hw.api.generated import open_image
    from repvgg_hw.design.results import write_junit
    from repvgg_hw.plan import device as devices

    if netlist is not None:
        devices.get(netlist)
    read = open_image(image)  # named first where both are wrong: it is what is simulated
    design = open_design(directory)
    with on_demand(f"simulate {(read or design).plan.name}") as update:
        simulated = design.simulate(
            images,
            limit=limit,
            preprocess=preprocessing,
            class_index=class_index,
            image=read,
            layer=layer,
            layers=layers,
            jobs=jobs,
            scheduler=scheduler,
            netlist=netlist,
            stalls=stalls or 0,
            extremes=extremes,
            waves=waves_window or waves,
            timeout=timeout,
            fresh=fresh,
            clock_gating=clock_gating,
            progress=update,
        )
    if junit is not None:
        write_junit(simulated.result, junit, f"repvgg-hw.{simulated.design.plan.name}")
    _print(simulated, as_json)
    sys.exit(0 if simulated.passed else 1)


def _print(simulated: SimulatedDesign, as_json: bool) -> None:
    from repvgg_hw.report import text
    from repvgg_hw.report.provenance import provenance

    result, counts = simulated.result, simulated.counts
    if as_json:
        say(json.dumps(result.to_json() | {"provenance": provenance(simulated.design)}, indent=2))
        return
    show_table(*text.result_table(simulated.design, result, counts))
    for line in text.result_lines(result, counts):
        say(line)
    for line in text.problem_lines(result):
        print(line, file=sys.stderr)
    say(text.verdict_line(result))
