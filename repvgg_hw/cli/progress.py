"""The progress bar of long steps, on stderr, gone when it is done."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn


@contextlib.contextmanager
def bar(console: Console, title: str) -> Iterator[Callable[[float, str], None]]:
    """Yield update(share done in 0..1, what is going on)."""
    columns = (
        TextColumn("{task.description}", markup=False),  # names may hold brackets
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(title, total=1.0)

        def update(share: float, what: str) -> None:
            progress.update(task, completed=share, description=f"{title}: {what}")

        yield update
