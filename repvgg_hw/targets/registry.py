"""The targets by name. A new one is a module with a `TARGET` and a line here."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from repvgg_hw.errors import InputError, context

if TYPE_CHECKING:
    from repvgg_hw.design import Design
    from repvgg_hw.targets.target import Target

# name -> module that holds its TARGET, imported only where it is used; the first is the default
MODULES = {
    "verilog": "repvgg_hw.targets.verilog.target",
    "hls": "repvgg_hw.targets.hls.target",
}


def names() -> list[str]:
    """What `--target` may be."""
    return list(MODULES)


def of(design: Design[Any]) -> Target:
    """The target of a design that was read. Raises InputError, which names its design.json, for none."""
    with context(f"{design.directory / 'design.json'}: request.target"):
        return get(design.target)


def get(name: str) -> Target:
    """The target of that name. Raises InputError where there is none."""
    if name not in MODULES:
        raise InputError(f"there is no target {name!r}: choose from {', '.join(MODULES)}")
    target: Target = importlib.import_module(MODULES[name]).TARGET
    return target
