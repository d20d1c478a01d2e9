"""`repvgg-hw report`: what was planned, emitted and simulated."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from repvgg_hw.cli.command import Command
from repvgg_hw.cli.tables import show_table
from repvgg_hw.cli.talk import say
from repvgg_hw.cli.values import PLACE, OutputFile

if TYPE_CHECKING:
    from repvgg_hw.report import Summary


@click.command(cls=Command)
@click.argument("directory", required=False, type=PLACE)
@click.option(
    "--html", type=OutputFile(".html", ".htm"), help="Page to write [default: DIRECTORY/report.html]."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of the table.")
def command(directory: Path | None, html: Path | None, as_json: bool) -> None:
    """Say what was planned, emitted and simulated: in the terminal, as JSON, and as an HTML page.

    DIRECTORY is a folder written by `generate` or `program` [default: the last one].

    \b
    Example:
      repvgg-hw report build/net --html report.html

    Exit codes: 0 reported, 2 the input or usage is wrong.
    """
    from repvgg_hw import design as designs
    from repvgg_hw import report
    from repvgg_hw.design import folder
    from repvgg_hw.targets import registry

    place = directory if directory is not None else designs.last_directory()

    def read() -> Summary:
        design = designs.load(place, images=True)
        registry.of(design)  # raises where this version has no such target
        return report.summarize(design)

    summary = folder.steady(place, read)
    page = report.write_html(summary, html)
    if as_json:
        say(json.dumps(summary.to_json(), indent=2))
        return
    _print(summary)
    say(f"page: {page}")


def _print(summary: Summary) -> None:
    from repvgg_hw.plan.rate import fits, rate
    from repvgg_hw.report.provenance import lines, provenance

    plan, request = summary.design.plan, summary.design.request
    rows = []
    for row in summary.rows:
        interval = "" if row.interval is None else f"{row.interval:,}"
        cells = (row.name, row.algorithm, str(row.pi), str(row.po), f"{row.multipliers:,}", f"{row.cycles:,}")
        rows.append((*cells, interval, f"{row.use:.1%}", row.verdict))
    numbers = ("PI", "PO", "multipliers", "cycles", "simulated", "use")
    show_table(f"{plan.name}: {summary.design.target}", ("<layer", "<algorithm", *numbers, "<result"), rows)
    say(
        f"frame interval {plan.frame_interval:,} cycles, {rate(plan, request)}; "
        f"{plan.multipliers:,} multipliers, {plan.utilization:.3f} MACs per multiplier and cycle"
    )
    if (fitting := fits(plan, request)) is not None:
        say(fitting)
    scale = summary.design.network.output_scale
    say(f"output: {plan.output.summary}; a value is its integer times {scale:.6g}")
    adders, registers = (sum(getattr(row, name) for row in summary.rows) for name in ("adders", "registers"))
    result = summary.result
    latency = f"{result.latency_cycles:,} cycles" if result and result.latency_cycles else "not simulated"
    say(
        f"price: {plan.memory_bits:,} bits of memory, {registers:,} bits of data registers, "
        f"{adders:,} adders in Winograd's transforms; latency {latency}"
    )
    for what, text in lines(provenance(summary.design)):
        say(f"{what}: {text}")
    if result and result.limits:
        say(result.limits_summary)
    if result and result.reach_summary:
        say(result.reach_summary)
    say(summary.verdict)
    for line in summary.netlist_verdicts:
        say(line)
