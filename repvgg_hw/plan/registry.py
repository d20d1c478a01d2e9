"""The architectures by name. A new one is a module with a `PLANNER` and a line here."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from repvgg_hw.errors import InputError

if TYPE_CHECKING:
    from repvgg_hw.plan.planner import Planner

# name -> module that holds its PLANNER, imported only where it is used
MODULES = {
    "stream": "repvgg_hw.plan.stream.planner",
    "engine": "repvgg_hw.plan.engine.planner",
}


def names() -> list[str]:
    """What `--architecture` may be."""
    return list(MODULES)


def get(name: str) -> Planner:
    """The planner of that name. Raises InputError where there is none."""
    if name not in MODULES:
        raise InputError(f"there is no architecture {name!r}: choose from {', '.join(MODULES)}")
    planner: Planner = importlib.import_module(MODULES[name]).PLANNER
    return planner
