"""How a stage says how far it is."""

from __future__ import annotations

from collections.abc import Callable

# progress(share done in 0..1, what is going on); None for a share that nobody knows. The first call
# says that the long part of a stage begins.
Progress = Callable[[float | None, str], None]


def silent(share: float | None, what: str) -> None:
    """A Progress that nobody sees."""
