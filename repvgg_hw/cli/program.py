"""`repvgg-hw program`: another network for hardware that exists."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from repvgg_hw.cli.command import Command
from repvgg_hw.cli.source import SOURCE_GROUPS, SOURCE_RULES, NetworkSource, source_options
from repvgg_hw.cli.tables import show_table
from repvgg_hw.cli.talk import note, say
from repvgg_hw.cli.values import PLACE

if TYPE_CHECKING:
    from repvgg_hw.api import GeneratedDesign

GROUPS = {**SOURCE_GROUPS, "Output": ("--output", "--force", "--json", "--quiet", "--verbose")}


@click.command(cls=Command, rules=SOURCE_RULES, groups=GROUPS)
@click.argument("directory", type=PLACE)
@source_options
@click.option("-o", "--output", type=PLACE, help="Folder [default: build/NETWORK-image].")
@click.option("--force", is_flag=True, help="Write over an image that is there.")
@click.option("--json", "as_json", is_flag=True, help="Print the plan as JSON.")
def command(directory: Path, source: NetworkSource, output: Path | None, force: bool, as_json: bool) -> None:
    """Quantize a network and make its DRAM image for an engine that exists: no source changes.

    DIRECTORY is a folder written by `generate --architecture engine`. A network that exceeds one of its
    limits is refused: which one, where, and by how much.

    \b
    Example:
      repvgg-hw program build/engine --weights net.pth --calibration images/ -o build/net-image
      repvgg-hw simulate build/engine --image build/net-image --images images/ --limit 4

    Exit codes: 0 done, 1 the fused network differs from the trained one or from --expect,
    2 the network does not fit, or the input or usage is wrong.
    """
    from repvgg_hw.api import open_design
    from repvgg_hw.targets.generate import check_directory
    from repvgg_hw.targets.program import check_hardware

    source.check()
    hardware = open_design(directory, images=False)
    check_hardware(hardware.contents)
    if output is None:
        output = Path("build") / f"{source.folder}-image"
    if output.resolve() == directory.resolve():
        raise click.UsageError(f"-o {output} is the engine's own folder: give another")
    check_directory(output, force)
    image = hardware.program(source.network(), output, force=force)
    _print(image, directory, as_json)
    if source.random:
        note("RANDOM WEIGHTS: for structure and proof only; this image classifies nothing.")


def _print(image: GeneratedDesign, hardware: Path, as_json: bool) -> None:
    from repvgg_hw.plan.rate import rate
    from repvgg_hw.report.provenance import provenance
    from repvgg_hw.report.text import output_line

    of, plan = image.contents, image.plan
    if as_json:
        record = {
            "directory": str(image.directory),
            "hardware": str(hardware),
            "provenance": provenance(of),
            "plan": plan.to_json(),
        }
        say(json.dumps(record, indent=2))
        return
    show_table(
        f"{plan.name}: an image in {image.directory} for {hardware}",
        ("<layer", "<shape", "cycles planned"),
        ((layer.name, layer.shape, f"{layer.cycles:,}") for layer in plan.layers),
    )
    say(f"frame interval {plan.frame_interval:,} cycles, {rate(plan, of.request)}")
    say(output_line(plan, of.network))
    say(f"next: repvgg-hw simulate {hardware} --image {image.directory}")
