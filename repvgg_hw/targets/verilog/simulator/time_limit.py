"""How long a simulation may take before it counts as hung.

The bench's own watchdog counts cycles in which no stream moves. It cannot end a simulator that stands still,
or a design that sends for ever: for those there is wall clock.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar

from repvgg_hw.errors import CheckFailed

# Far beyond what large designs need on slow and busy machines.
PATIENCE_SECONDS = 1800
PATIENCE_CYCLES_PER_SECOND = 500

_limit: ContextVar[float | None] = ContextVar("time_limit", default=None)


class TimedOut(CheckFailed):
    """A simulation was stopped because it took longer than its time limit."""


def patience(cycles: int) -> float:
    """Seconds of wall clock after which a simulation of so many cycles counts as hung."""
    return PATIENCE_SECONDS + cycles / PATIENCE_CYCLES_PER_SECOND


@contextlib.contextmanager
def time_limit(seconds: float | None) -> Iterator[None]:
    """Each simulation inside this context that takes more seconds of wall clock raises TimedOut."""
    token = _limit.set(seconds)
    try:
        yield
    finally:
        _limit.reset(token)


def allowed_seconds() -> float | None:
    """What the innermost `time_limit` allows; None where there is none."""
    return _limit.get()
