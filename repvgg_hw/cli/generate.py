"""`repvgg-hw generate`: from a checkpoint or a variant's name to an accelerator's sources."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from repvgg_hw.cli.command import Command
from repvgg_hw.cli.hardware import HARDWARE, HARDWARE_RULES, hardware_options
from repvgg_hw.cli.rules import needs
from repvgg_hw.cli.source import SOURCE_GROUPS, SOURCE_RULES, NetworkSource, source_options
from repvgg_hw.cli.tables import show_table
from repvgg_hw.cli.talk import note, say
from repvgg_hw.cli.values import PLACE

if TYPE_CHECKING:
    from repvgg_hw.design import Design
    from repvgg_hw.plan.planner import NetworkPlan
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

    from repvgg_hw import design as designs
    from repvgg_hw.targets.generate import check_directory, check_request, generate_fastest

    source.check()
    for request in asked:
        check_request(request)
    if output is None:
        output = Path("build") / f"{source.folder}-{asked[0].target}"
    check_directory(output, force)
    network = source.network()
    rooms = [source.other(name, network) for name in others]
    options = source.options | ({"for": list(others)} if others else {})
    design, why = generate_fastest(network, output, asked, options, others=rooms, force=force)
    designs.remember(output)
    _print(design, why, as_json)
    if source.random:
        note("RANDOM WEIGHTS: for structure and proof only; this design classifies nothing.")


def _print(design: Design[NetworkPlan], why: str, as_json: bool) -> None:

    from repvgg_hw.plan.rate import fits, rate
    from repvgg_hw.report.provenance import provenance

    plan = design.plan
    if as_json:
        record = {
            "directory": str(design.directory),
            "provenance": provenance(design),
            "architecture": design.request.architecture,
            "chosen": why or None,
            "plan": plan.to_json(),
        }
        say(json.dumps(record, indent=2))
        return
    show_table(
        f"{plan.name}: {design.target} in {design.directory}",
        ("<layer", "<algorithm", "PI", "PO", "multipliers", "cycles"),
        (
            (n.name, n.algorithm, str(n.pi), str(n.po), f"{n.multipliers:,}", f"{n.cycles:,}")
            for n in plan.layers
        ),
    )
    say(
        f"frame interval {plan.frame_interval:,} cycles, {rate(plan, design.request)}; "
        f"{plan.multipliers:,} multipliers at {plan.utilization:.3f} MACs per cycle each, "
        f"and {plan.requant_multipliers} in requantization"
    )
    if (fitting := fits(plan, design.request)) is not None:
        say(fitting)
    if why:
        say(why)
    say(f"output: {plan.output.summary}; a value is its integer times {design.network.output_scale:.6g}")
    say(f"next: repvgg-hw simulate {design.directory}")
