"""What a usage error adds where a common slip explains it: the line says what to type instead."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence

import click

_NUMBER = re.compile(r"[+-]?[0-9.]+([eE][+-]?[0-9]+)?,?")


def surplus(words: Sequence[str], command: click.Command) -> str:
    """What arguments that a command does not take were meant to be; "" where nothing suggests itself."""
    if all(_NUMBER.fullmatch(word) for word in words):
        return "numbers of one option are joined by commas, without blanks, as 0.5,0.5,0.5"
    if any("--weights" in parameter.opts for parameter in command.params):
        return f"a checkpoint stands behind an option here, --weights {words[0]}"
    return ""


def commands(word: str, known: Sequence[str]) -> str:
    """Which command a word that is none was meant to be, or all of them."""
    near = difflib.get_close_matches(word, known, n=1)
    return f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"


def missing(error: click.MissingParameter) -> str:
    """Which option is missing, and what it is in the words of its help."""
    return f"{error.format_message()} {getattr(error.param, 'help', None) or ''}".strip()
