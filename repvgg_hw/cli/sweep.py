"""`repvgg-hw sweep`: many plans of one network, side by side."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from repvgg_hw.cli.command import Command
from repvgg_hw.cli.progress import on_demand
from repvgg_hw.cli.rules import excludes, needs, void
from repvgg_hw.cli.source import SOURCE_GROUPS, SOURCE_RULES, NetworkSource, source_options
from repvgg_hw.cli.tables import show_table
from repvgg_hw.cli.talk import note, say
from repvgg_hw.cli.values import BITS, COUNT, NAME, PLACE, SHARE, Listed, Real, Whole, Word
from repvgg_hw.plan import device as devices
from repvgg_hw.plan import registry as planners
from repvgg_hw.plan import request as requests

if TYPE_CHECKING:
    from repvgg_hw.explore import Sweep

BUDGETS = ("--multipliers", "--device", "--fps")
AXES = (*BUDGETS, "--architecture", "--winograd", "--widths", "--clock", "--fill")
DATA = ("--data", "--limit", "--class-index")


class BitWidths(click.ParamType[tuple[int, int]]):
    """ "6" -> (6, 8): weights of 6 bits, activations of 8; "6x7" -> (6, 7)."""

    name = "W[xA]"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        """Bits of weights and of activations."""
        match = re.fullmatch("([0-9]{1,2})(?:[xX]([0-9]{1,2}))?", str(value).strip())
        if match is None:
            self.fail(f"{value!r} is not widths like 8 or 6x8 (weights x activations)", param, ctx)
        return BITS.convert(match[1], param, ctx), BITS.convert(match[2] or "8", param, ctx)


RULES = (
    *SOURCE_RULES,
    *(excludes("--widths", option) for option in ("--weight-bits", "--activation-bits")),
    *(
        excludes("--widths", option, why="it gives each layer its own")
        for option in ("--bits", "--weight-memory")
    ),
    void("--widths", "--integers", why="the file holds the result"),
    needs("--fill", "--device"),
    *(needs(option, "--data") for option in DATA[1:]),
    void("--data", "--model", why="random weights classify nothing"),
    void("--data", "--head none", why="top-1 needs classes"),
    void("--jobs", "--scheduler", why="its workers set how many run at once"),
)
GROUPS = {
    **SOURCE_GROUPS,
    "Sweep, each a list": AXES,
    "Accuracy": DATA,
    "Output": (
        *("--output", "--fresh", "--jobs", "--scheduler"),
        *("--json", "--quiet", "--verbose"),
    ),
}


@click.command(cls=Command, rules=RULES, groups=GROUPS)
@source_options
@click.option("--multipliers", type=Listed(COUNT, "256,512"), help="Budgets of multipliers.")
@click.option(
    "--device",
    type=Listed(Word("NAME", devices.get), "pynq-z2,kv260"),
    help="Boards and parts to plan within; `repvgg-hw devices` lists them.",
)
@click.option(
    "--fps",
    type=Listed(Real(requests.SLOWEST_FPS, requests.LARGEST_FPS), "1000,2000"),
    help="Frames per second to reach at --clock.",
)
@click.option(
    "--architecture",
    type=Listed(click.Choice(planners.names()), "stream,engine"),
    help="How the hardware is built [default: stream, on a device both].",
)
@click.option(
    "--winograd",
    type=Listed(click.Choice(requests.WINOGRAD), "off,auto,4"),
    default=requests.DEFAULT_WINOGRAD,
    show_default=True,
    help="Tiles that the search may use, of streams: none, any, or this one everywhere.",
)
@click.option(
    "--widths",
    type=Listed(BitWidths(), "8,6x8"),
    help="Bits of weights, or of weights x activations: quantized anew for each [default: 8].",
)
@click.option(
    "--clock",
    "clock_mhz",
    type=Real(*requests.CLOCK_MHZ),
    help=f"In MHz [default: {requests.DEFAULT_CLOCK_MHZ:g}, or what is known of a device].",
)
@click.option("--fill", type=SHARE, help="Share of the devices that may be taken.")
@click.option("--data", type=PLACE, help="Labelled images: top-1 of the integers, for each of --widths.")
@click.option("--limit", type=COUNT, help="At most that many of them.")
@click.option("--class-index", type=PLACE, help="JSON: which class folder is which class.")
@click.option("-o", "--output", type=PLACE, help="Folder [default: build/NETWORK-sweep].")
@click.option("--fresh", is_flag=True, help="Plan every point anew; what is in the folder counts otherwise.")
@click.option("--jobs", type=Whole(1, 1024), help="Processes [default: one per core].")
@click.option("--scheduler", type=NAME, help="Address of a Dask scheduler that plans the points.")
@click.option("--json", "as_json", is_flag=True, help="Print the points as JSON.")
def command(
    source: NetworkSource,
    multipliers: tuple[int, ...] | None,
    device: tuple[str, ...] | None,
    fps: tuple[float, ...] | None,
    architecture: tuple[str, ...] | None,
    winograd: tuple[str, ...],
    widths: tuple[tuple[int, int], ...] | None,
    clock_mhz: float | None,
    fill: float | None,
    data: Path | None,
    limit: int | None,
    class_index: Path | None,
    output: Path | None,
    fresh: bool,
    jobs: int | None,
    scheduler: str | None,
    as_json: bool,
) -> None:
    """Plan a network within many budgets and say which designs no other one beats.

    A point for each budget, architecture, choice of tiles and width. The folder keeps every point that is
    done, so that the same command goes on where it was broken off; sweep.svg in it is the Pareto plot.

    \b
    Examples:
      repvgg-hw sweep --model A0 --multipliers 512,1024,2048 --winograd off,auto -o build/a0-sweep
      repvgg-hw sweep --weights net.pth --calibration images/ --device kv260 --widths 8,6,4 --data val/

    Exit codes: 0 done, 1 the fused network differs from the trained one, 2 the input or usage is wrong.
    """
    from repvgg_hw.api import sweep
    from repvgg_hw.explore import grid
    from repvgg_hw.explore.kept import check_folder

    source.check()
    axes: dict[str, Any] = {
        "multipliers": multipliers or (),
        "fps": fps or (),
        "device": device or (),
        "architecture": architecture,
        "winograd": winograd,
        "clock_mhz": clock_mhz,
        "fill": fill,
    }
    grid(["network"], **axes)  # says what is wrong before anything is quantized
    output = Path("build") / f"{source.folder}-sweep" if output is None else output
    check_folder(output)
    networks = source.networks(_quantizers(source, widths))
    with on_demand("sweep") as update:
        found = sweep(
            networks,
            output,
            **axes,
            data=data,
            limit=limit,
            class_index=class_index,
            jobs=jobs,
            scheduler=scheduler,
            fresh=fresh,
            progress=update,
        )
    _print(found, output, as_json)
    if source.random:
        note("RANDOM WEIGHTS: for structure only.")


def _quantizers(source: NetworkSource, widths: tuple[tuple[int, int], ...] | None) -> dict[str, Any]:
    """Label -> how to quantize."""
    if widths is None:
        return {source.folder: source.quantizer}
    return {
        f"{weights}x{activations} bits": dataclasses.replace(
            source.quantizer, weight_bits=weights, activation_bits=activations
        )
        for weights, activations in dict.fromkeys(widths)
    }


def _print(found: Sweep, output: Path, as_json: bool) -> None:
    if as_json:
        say(json.dumps(found.to_json(), indent=2))
        return
    show_table(*found.table())
    for line in found.lines():
        say(line)
    say(f"plot: {output / 'sweep.svg'}")
