"""`repvgg-hw doctor`: whether this machine has what the other commands need."""

from __future__ import annotations

import dataclasses
import json
import sys

import click

from repvgg_hw.cli.command import Command
from repvgg_hw.cli.tables import show_table
from repvgg_hw.cli.talk import say


@click.command(cls=Command)
@click.option("--build", is_flag=True, help="Also generate a small design and prove it: half a minute.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of the table.")
def command(build: bool, as_json: bool) -> None:
    """Say what this machine has and lacks: compiler, make, perl, packages, folders, disk space.

    \b
    Examples:
      repvgg-hw doctor
      repvgg-hw doctor --build --json

    Below the table is one line of advice for each thing that is missing. What only some commands need is
    advised, and counts as no failure. Exit codes: 0 everything that is needed is there, 1 something is not.
    """
    from repvgg_hw.cli.checks import build_and_prove, checks
    from repvgg_hw.cli.progress import bar

    checked = list(checks())
    ready = all(check.ok for check in checked if check.needed)
    if build and ready:
        with bar("build") as update:
            checked.append(build_and_prove(update))
        ready = checked[-1].ok
    if as_json:
        content = {"ready": ready, "checks": [dataclasses.asdict(check) for check in checked]}
        say(json.dumps(content, indent=2))
    else:
        rows = [
            (check.name, "yes" if check.ok else "NO" if check.needed else "no", check.found)
            for check in checked
        ]
        show_table("", ("<", "<ok", "<found"), rows)
        for check in checked:
            if not check.ok:
                say(f"{check.name}: {check.advice}")
    sys.exit(0 if ready else 1)
