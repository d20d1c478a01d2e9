"""`repvgg-hw report`: what was planned, emitted and simulated."""

from __future__ import annotations

import json
from pathlib import Path

import click

from repvgg_hw.cli.command import Command
from repvgg_hw.cli.tables import show_table
from repvgg_hw.cli.talk import say
from repvgg_hw.cli.values import PLACE, OutputFile


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
    from repvgg_hw.api.generated import read_report
    from repvgg_hw.design import last_directory
    from repvgg_hw.report import text

    summary = read_report(directory if directory is not None else last_directory())
    page = summary.write_html(html)
    if as_json:
        say(json.dumps(summary.to_json(), indent=2))
        return
    show_table(*text.report_table(summary))
    for line in text.report_lines(summary):
        say(line)
    say(f"page: {page}")
