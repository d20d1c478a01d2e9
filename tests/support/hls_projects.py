"""What the tests of emitted HLS projects share."""

from __future__ import annotations

from pathlib import Path

QUICK = ("-O0", "-Werror")


def patch(path: Path, old: str, new: str) -> None:
    """Replace a text that must be there exactly once."""
    text = path.read_text()
    assert text.count(old) == 1, f"{path.name} holds {old!r} {text.count(old)} times"
    path.write_text(text.replace(old, new))
