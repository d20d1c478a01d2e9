"""What the engine's units are linted with, and what they must refuse: a file `limits_PART.py` for each part.

Such a file has three dicts by module: LINT (sets of parameters for `verilator -Wall`), RED (parameters that
each of its checks refuses, and the check's name) and LEGAL (parameters at the edge of what is legal).
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any


def collected(table: str) -> dict[str, Any]:
    """One of the dicts, of all parts together."""
    found: dict[str, Any] = {}
    for path in sorted(Path(__file__).parent.glob("limits_*.py")):
        part = getattr(importlib.import_module(path.stem), table)
        assert not found.keys() & part.keys(), path.name
        found |= part
    return found
