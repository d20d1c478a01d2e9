"""`repvgg-hw generate`: from a checkpoint or a variant's name to an accelerator's sources."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from repvgg_hw.cli.command import Command
from repvgg_hw.cli.hardware import HARDWARE, HARDWARE_RULES, hardware_options
from repvgg_hw.cli.progress import on_demand
from repvgg_hw.cli.rules import needs
from repvgg_hw.cli.source import SOURCE_GROUPS, SOURCE_RULES, NetworkSource, source_options
from repvgg_hw.cli.tables import show_table
from repvgg_hw.cli.talk import note, say
from repvgg_hw.cli.values import PLACE

if TYPE_CHECKING:
    from repvgg_hw.api import GeneratedDesign
    from repvgg_hw.plan.request import Request

RULES = (
    *SOURCE_RULES,
    *HARDWARE_RULES,
    needs("--for", "--architecture engine", why="a streaming design runs one network"),
)
GROUPS = {
    **SOURCE_GROUPS,
    "Hardware": (*HARDWARE, "--for"),
    "Output": ("--output", "--force", "--json", "--quiet", "--verbose"),
}


@click.command(cls=Command, rules=RULES, groups=GROUPS)
@source_options
@click.option("-o", "--output", type=PLACE, help="Folder [default: build/NETWORK-TARGET].")
@hardware_options
@click.option(
    "--for",
    "others",
    multiple=True,
    metavar="NETWORK",
    help="Room for this network, too: a variant's name, or an .npz of integers; may be repeated.",
)
@click.option("--force", is_flag=True, help="Write over a design that is there.")
@click.option("--json", "as_json", is_flag=True, help="Print the plan as JSON.")
def command(
    source: NetworkSource,
    output: Path | None,
    asked: tuple[Request, ...],
    others: tuple[str, ...],
    force: bool,
    as_json: bool,
) -> None:
    """Quantize a network, plan its accelerator and write it as Verilog or HLS C++.

    \b
    Examples:
      repvgg-hw generate --weights net.pth --calibration images/ --target verilog -o build/net
      repvgg-hw generate --integers tuned.npz -o build/net
      repvgg-hw generate --model A0 --target hls
      repvgg-hw generate --model A0 --architecture engine --device pynq-z2 --for B1g4
      repvgg-hw generate --model A0 --input-size 224 --multipliers 8192 --winograd auto

    Exit codes: 0 done, 1 the fused network differs from the trained one or from --expect,
    2 the input or usage is wrong.
    """

    from repvgg_hw.targets.generate import check_directory, check_request

    source.check()
    for request in asked:
        check_request(request)
    if output is None:
        output = Path("build") / f"{source.folder}-{asked[0].target}"
    check_directory(output, force)
    network = source.network()
    rooms = [source.beside(network, name) for name in others]
    with on_demand(f"plan {network.integers.name}") as update:
        planned = network.plan_requests(asked, rooms, update)
    design = planned.design(output, force=force)
    _print(design, source.calibration, as_json)
    if source.random:
        note("RANDOM WEIGHTS: for structure and proof only; this design classifies nothing.")


def _print(design: GeneratedDesign, images: Path | None, as_json: bool) -> None:
    from repvgg_hw.report import text
    from repvgg_hw.report.provenance import provenance

    of = design.contents
    if as_json:
        record = {
            "directory": str(design.directory),
            "provenance": provenance(of),
            "architecture": of.request.architecture,
            "chosen": design.why or None,
            "plan": of.plan.to_json(),
        }
        say(json.dumps(record, indent=2))
        return
    show_table(*text.plan_table(of.plan, f"{of.kind} in {design.directory}"))
    for line in text.plan_lines(of.plan, of.request, design.why, of.network):
        say(line)
    those = f" --images {shlex.quote(str(images))} --limit 4" if images else ""
    say(f"next: repvgg-hw simulate {design.directory}{those}")
