"""How much a command says on standard error beside errors: `--quiet`, `--verbose`, notes.

Results go to standard output and are not affected. Standard error holds notes, warnings and progress, and at
the end at most one line that begins with "error:".
"""

from __future__ import annotations

import logging
import sys
from typing import Any

import click

LEVEL = "repvgg_hw.level"  # in click's meta, which a group shares with its command
QUIET, NORMAL, VERBOSE = 0, 1, 2
_LOG = logging.getLogger("repvgg_hw")


def level() -> int:
    """What the running command was asked for; NORMAL outside of one."""
    context = click.get_current_context(silent=True)
    return NORMAL if context is None else int(context.meta.get(LEVEL, NORMAL))


def say(text: str) -> None:
    """A line of the result; click.echo would write UTF-8 where the locale has only ASCII."""
    print(text)


def note(text: str) -> None:
    """A line for people on standard error, unless --quiet."""
    if level() > QUIET:
        print(text, file=sys.stderr, flush=True)


def detail(text: str) -> None:
    """A line on standard error with --verbose only."""
    if level() == VERBOSE:
        print(text, file=sys.stderr, flush=True)


def set_level(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    """The callback of both options, before the command's name or after it."""
    if not value:
        return
    wanted = QUIET if parameter.name == "quiet" else VERBOSE
    if context.meta.setdefault(LEVEL, wanted) != wanted:
        raise click.UsageError("--quiet and --verbose exclude each other", context)
    if wanted == QUIET:
        _LOG.setLevel(logging.ERROR)
        context.call_on_close(end)


def end() -> None:
    """What a command was asked for is over with it: for those whose words were refused before they began."""
    _LOG.setLevel(logging.NOTSET)


def talk_options() -> list[click.Parameter]:
    """--quiet and --verbose, which every command takes."""
    common: dict[str, Any] = {"is_flag": True, "expose_value": False, "callback": set_level}
    return [
        click.Option(["-q", "--quiet"], help="No notes, warnings and progress; errors only.", **common),
        click.Option(["-v", "--verbose"], help="Every step with its seconds.", **common),
    ]
