"""The commands' reference: for each one a page with what `--help` prints."""

from __future__ import annotations

import click

from repvgg_hw.cli import COMMANDS, main
from website import fenced

FOLDER = "reference/commands"
WIDTH = 100  # columns of the help texts

INTRODUCTION = """# Commands

Printed by `repvgg-hw COMMAND --help` of this version. What holds for all of them, exit codes, output, files,
is on [a page of its own](../../cli.md).

"""


def pages() -> dict[str, str]:
    """Markdown of each page, by its path on the site."""
    settings = {**main.context_settings, "max_content_width": WIDTH, "terminal_width": WIDTH}
    top = click.Context(main, info_name="repvgg-hw", **settings)
    commands = {name: main.get_command(top, name) for name in COMMANDS}
    rows, made = [], {}
    for name, command in commands.items():
        if command is None:
            raise LookupError(f"the command {name} has no module")
        context = click.Context(command, parent=top, info_name=name, terminal_width=WIDTH)
        made[f"{FOLDER}/{name}.md"] = f"# repvgg-hw {name}\n\n{fenced(command.get_help(context))}"
        rows.append(f"| [{name}]({name}.md) | {command.get_short_help_str(limit=200)} |")
    table = "\n".join(["| command | what it does |", "|---|---|", *rows])
    made[f"{FOLDER}/index.md"] = f"{INTRODUCTION}{table}\n\n## repvgg-hw\n\n{fenced(main.get_help(top))}"
    return made
