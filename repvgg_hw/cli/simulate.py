"""`repvgg-hw simulate`: build, run, compare every layer with golden."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from repvgg_hw.cli.command import Command
from repvgg_hw.cli.options import IMAGE_RULES, image_options
from repvgg_hw.cli.rules import excludes, needs, void
from repvgg_hw.cli.tables import show_table
from repvgg_hw.cli.talk import note, say
from repvgg_hw.cli.values import COUNT, NAME, PLACE, OutputFile, Real, Whole
from repvgg_hw.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from repvgg_hw.design import Design
    from repvgg_hw.design.results import SimulationResult
    from repvgg_hw.model.preprocessing import Preprocessing
    from repvgg_hw.plan.planner import NetworkPlan
    from repvgg_hw.targets.target import ProofOptions, Target

DEFAULT_IMAGES = 4  # synthetic ones, where no images are given


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
@click.option("--stalls", type=Whole(1, 2**31 - 1), help="Seed of pauses that fill and drain every buffer.")
@click.option("--extremes", is_flag=True, help="Also inputs that drive sums to the edges of their widths.")
@click.option("--waves", is_flag=True, help="Record a VCD, of --layer's inside or of all streams.")
@click.option("--waves-window", type=(CYCLE, CYCLE), metavar="FROM TO", help="Record these cycles only.")
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
      repvgg-hw simulate build/net --netlist ulx3s-85f
      repvgg-hw simulate build/engine --image build/other

    Exit codes: 0 every value equal, 1 something differs, 2 the input or usage is wrong.
    """
    from repvgg_hw import design as designs
    from repvgg_hw import golden
    from repvgg_hw.cli.progress import bar
    from repvgg_hw.design import folder, results
    from repvgg_hw.errors import CheckFailed
    from repvgg_hw.files import check_output
    from repvgg_hw.plan import device as devices
    from repvgg_hw.report.provenance import provenance
    from repvgg_hw.synth import circuit, proof
    from repvgg_hw.targets import registry
    from repvgg_hw.targets.program import check_made_for
    from repvgg_hw.targets.target import ProofOptions

    made_at = directory if directory is not None else designs.last_directory()
    place = made_at if image is None else image
    device = None if netlist is None else devices.get(netlist)
    options = ProofOptions(
        layer=layer,
        layers=layers,
        jobs=jobs,
        scheduler=scheduler,
        stalls=stalls or 0,
        extremes=extremes,
        waves=_window(waves, waves_window),
        timeout=timeout,
        fresh=fresh,
    )

    def prepare() -> tuple[Design[NetworkPlan], Target, NDArray[np.int8], ProofOptions]:
        design = designs.load(place, images=image is not None)
        target, hardware = registry.of(design), None
        if image is not None:
            hardware = designs.load(made_at)
            check_made_for(design, hardware)
        _check_options(target, options)
        if device is not None and target.name != "verilog":
            raise InputError(f"--netlist: not for designs of the target {target.name}")
        check_output(place / (results.FILE if device is None else proof.FILE))
        pixels, labels = _images(design, images, limit, preprocessing, class_index)
        own = dataclasses.replace(options, labels=labels, hardware=hardware)
        return design, target, golden.quantize_input(pixels, design.network), own

    places = {made_at, place}
    before = [folder.stamp(each) for each in places]
    design, target, x, own = prepare()
    with contextlib.ExitStack() as locks:
        for each in sorted(places):
            locks.enter_context(folder.locked(each))
            folder.recover(each)
        if [folder.stamp(each) for each in places] != before:  # made anew while this one prepared, or waited
            design, target, x, own = prepare()
        states = {each: folder.fingerprint(each) for each in places}
        state = states[place]
        made = None if device is None else circuit.required(place, device)
        with bar(f"simulate {design.plan.name}") as update:
            try:
                own = dataclasses.replace(own, state=state, progress=update)
                if device is None:
                    result = target.prove(design, x, own)
                else:
                    result = proof.prove(design, device, x, own)
            except CheckFailed as error:  # kept, so that no report shows an older result in its place
                result = results.not_proven(design.target, len(x), design.plan.frame_interval, str(error))
        if any(folder.fingerprint(each) != states[each] for each in places):
            problem = "files of the design have changed while it was simulated: simulate again"
            result = dataclasses.replace(result, problems=(problem, *result.problems))
        if device is None or made is None:
            results.save(result, place, state)
        else:
            proof.save(place, device, made, result)
    if junit is not None:
        results.write_junit(result, junit, f"repvgg-hw.{design.plan.name}")
    if as_json:
        record = {"provenance": provenance(design)}
        say(json.dumps(result.to_json() | record, indent=2))
    else:
        _print(result, design, target)
    sys.exit(0 if result.passed else 1)


def _check_options(target: Target, options: ProofOptions) -> None:
    """Refuse options that this target's proof does not know."""
    given = ("stalls", "extremes", "waves", "layers", "jobs", "scheduler", "timeout", "fresh")
    foreign = [f"--{name}" for name in given if getattr(options, name) and name not in target.takes]
    if foreign:
        raise InputError(f"{', '.join(foreign)}: not for designs of the target {target.name}")


def _window(waves: bool, window: tuple[int, int] | None) -> tuple[int, int | None] | None:
    if window is not None and window[0] >= window[1]:
        raise InputError(f"--waves-window is from one cycle to a later one, not {window[0]} {window[1]}")
    return (window or (0, None)) if waves else None


def _images(
    design: Design[NetworkPlan],
    path: Path | None,
    limit: int | None,
    preprocessing: Preprocessing | None,
    class_index: Path | None,
) -> tuple[NDArray[np.uint8], NDArray[np.int64] | None]:
    """Pixels (N, H, W, C) and labels; seeded synthetic images where no path is given.

    Images come to the design's size as those did that it was calibrated on, unless options say otherwise.
    """
    from repvgg_hw.model.images import checked_labels, load_images, synthetic
    from repvgg_hw.model.preprocessing import from_json

    channels, height, width = design.network.in_shape
    if path is None:
        return synthetic(limit or DEFAULT_IMAGES, design.network.in_shape), None
    if preprocessing is None:
        preprocessing = from_json(design.options.get("preprocess"))
    if design.network.linear is None:
        if class_index is not None:
            raise InputError("--class-index: this design ends with a map and has no classes: leave it out")
        return load_images(path, limit, channels, (height, width), preprocessing).pixels, None
    loaded = load_images(path, limit, channels, (height, width), preprocessing, class_index)
    if len(loaded.folders) not in (0, design.network.num_classes):
        note(
            f"no top-1: {len(loaded.folders)} class folders, the network has {design.network.num_classes} "
            "classes; --class-index FILE says which folder is which class"
        )
        return loaded.pixels, None
    labels = None if loaded.labels is None else checked_labels(loaded, design.network.num_classes)
    return loaded.pixels, labels


def _print(result: SimulationResult, design: Design[NetworkPlan], target: Target) -> None:

    rows = [
        (
            layer.name,
            f"{layer.values:,}",
            f"{layer.planned_cycles:,}",
            "" if layer.interval is None else f"{layer.interval:,}",
            "yes" if layer.passed else "NO",
        )
        for layer in result.layers
    ]
    headings = ("values compared", "cycles planned", f"{target.counts} simulated", "bit-exact")
    title = f"{design.plan.name}: {result.target}, {result.images} images"
    show_table(title, ("<layer", *headings), rows)
    if result.frame_interval is not None:
        say(f"frame interval {result.frame_interval:,} {target.counts}, planned {result.planned_interval:,}")
    if result.top1_simulated is not None and result.top1_golden is not None:
        say(f"top-1: golden {result.top1_golden:.2%}, simulated {result.top1_simulated:.2%}")
    if result.limits:
        say(f"{'WARNING ' if result.limits_not_reached else ''}{result.limits_summary}")
    if result.reach_summary:
        say(result.reach_summary)
    for line in result.notes:
        say(line)
    for problem in result.problems:
        print(f"FAILED {problem}", file=sys.stderr)
    verdict = "every value of every layer is equal to golden" if result.passed else "NOT proven"
    say(
        f"{result.bit_exact} of {result.images} images bit-exact: {verdict} "
        f"(build {result.build_seconds:.0f} s, run {result.run_seconds:.0f} s)"
    )
