"""Tables on standard output: whole in pipes, readable on narrow terminals, no number ever cut off."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from repvgg_hw.cli.talk import say

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

ASCII = str.maketrans({"±": "+-"})
LEFT = "<"  # before a heading: a column of words, aligned left


def show_table(title: str, headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table; a heading that begins with LEFT is of words, any other of numbers.

    In a pipe or a file it has the width that it needs. On a terminal that is narrower, headings break between
    words, then columns of words fold; numbers stay whole, and a table that is still too wide is printed as
    it is. Cells are plain text: brackets in names mean nothing. Without UTF-8, lines are drawn in ASCII.
    """
    from rich.console import Console

    rows = [tuple(row) for row in rows]
    terminal = Console(highlight=False)
    table = _table(title, headings, rows, terminal)
    widest = terminal.measure(table, options=terminal.options.update(width=100_000)).maximum
    if sys.stdout.isatty() and widest > terminal.width:
        table = _table(title, [heading.replace(" ", "\n") for heading in headings], rows, terminal)
        wide = terminal.options.update(width=100_000)
        widest = max(terminal.width, terminal.measure(table, options=wide).minimum)
    console = Console(highlight=False, width=widest)
    with console.capture() as drawn:
        console.print(table, crop=False)
    for line in drawn.get().splitlines():
        say(line.rstrip())


def _table(title: str, headings: Sequence[str], rows: Sequence[Sequence[str]], console: Console) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    plain = console.options.ascii_only
    table = Table(
        title=Text(_spelled(title, plain)), box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False
    )
    for heading in headings:
        words = heading.startswith(LEFT)
        table.add_column(
            Text(_spelled(heading.removeprefix(LEFT), plain)),
            justify="left" if words else "right",
            no_wrap=not words,
            overflow="fold",
        )
    for row in rows:
        table.add_row(*(Text(_spelled(cell, plain), _style(cell)) for cell in row))
    return table


def _spelled(text: str, plain: bool) -> str:
    return text.translate(ASCII) if plain else text


def _style(cell: str) -> str:
    """Verdicts are green and red on a terminal; they say the same without colours."""
    return {"yes": "green", "bit-exact": "green", "NO": "red"}.get(cell, "")
