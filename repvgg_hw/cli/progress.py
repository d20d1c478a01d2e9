"""Progress of long steps on standard error: a bar on a terminal, a line now and then anywhere else."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Protocol

from repvgg_hw.cli.talk import QUIET, VERBOSE, level, note

SECONDS = 5.0  # the least between two lines
HEARTBEAT = 60.0  # the most, also while nothing is reported: compilers say nothing


class Update(Protocol):
    """update(share done in 0..1, what is going on); None for a share that nobody knows."""

    def __call__(self, share: float | None, what: str = "") -> None: ...


@contextlib.contextmanager
def bar(title: str, what: str = "") -> Iterator[Update]:
    """Show one step while it runs; yields how it is told of progress. Nothing with --quiet.

    what  it begins with: a log shows it at once, for a long beginning may be silent
    """
    if level() == QUIET:
        yield lambda share, what="": None
    elif sys.stderr.isatty() and level() != VERBOSE:
        with _rich_bar(title) as update:
            yield update
    else:
        lines = Lines(title, note, what, verbose=level() == VERBOSE)
        with _beating(lines):
            yield lines
        lines.done()


@contextlib.contextmanager
def _beating(lines: Lines) -> Iterator[None]:
    """Let them say now and then that a step is still at work, whatever the step itself reports."""
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(SECONDS):
            lines.beat()

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@contextlib.contextmanager
def on_demand(title: str) -> Iterator[Update]:
    """As `bar`, shown from the first that is told of progress: what comes before has no bar of its own."""
    with contextlib.ExitStack() as shown:
        update: Update | None = None

        def first(share: float | None, what: str = "") -> None:
            nonlocal update
            if update is None:
                update = shown.enter_context(bar(title, what))
            update(share, what)

        yield first


class Lines:
    """Lines for logs: one at the start, one for every tenth of the way but SECONDS apart, one at the end.

    Where nothing is to be said for HEARTBEAT, `beat` says the last again, with the time.
    verbose: one for everything that is reported
    """

    def __init__(
        self,
        title: str,
        say: Callable[[str], None],
        what: str = "",
        *,
        verbose: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._title, self._say, self._verbose, self._clock = title, say, verbose, clock
        self._started = self._last = clock()
        self._tenth, self._what = 0, what
        self._reported: tuple[float | None, str] = (None, what)
        say(f"{title}: {what} ..." if what else f"{title} ...")

    def __call__(self, share: float | None, what: str = "") -> None:
        """As Update."""
        self._reported = (share, what)
        now = self._clock()
        tenth = int(10 * (share or 0))
        since = now - self._last
        moved = tenth > self._tenth or (share is None and what != self._what)
        if not (self._verbose and what != self._what) and (
            since < SECONDS or not (moved or since >= HEARTBEAT)
        ):
            return
        self._last, self._tenth, self._what = now, tenth, what
        percent = "" if share is None else f" {share:.0%}"
        self._say(f"{self._title}:{percent} {what} ({now - self._started:.0f} s)".replace("  ", " "))

    def beat(self) -> None:
        """The last that was reported, once more, where nothing has been said for long."""
        if self._clock() - self._last >= HEARTBEAT:
            self(*self._reported)

    def done(self) -> None:
        """The last line."""
        self._say(f"{self._title}: done in {self._clock() - self._started:.1f} s")


@contextlib.contextmanager
def _rich_bar(title: str) -> Iterator[Update]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}", markup=False),  # names may hold brackets
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(title, total=None)

        def update(share: float | None, what: str = "") -> None:
            total = None if share is None else 1.0
            words = f"{title}: {what}" if what else title
            progress.update(task, total=total, completed=share or 0, description=words)

        yield update
