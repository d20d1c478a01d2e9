"""What the library's assertions say (sim/rvg_assert.sv): the first broken promise ends a simulation."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

ASSERTIONS = ("-DRVG_ASSERT",)  # arguments of a build in which every promise of the library is checked

_BROKEN = re.compile(r"^broken promise in (\S*): (rvg_\w+: .*)$", re.MULTILINE)


def broken_promise(output: Path, layers: Mapping[str, str], layer: str = "") -> str | None:
    """The first one in a simulator's output, with the layer in which it was broken; None where all held.

    layers  identifier -> name of the layers that are classes of their own
    layer   the name for what is none of them; without it, the module alone is named
    """
    text = output.read_text(errors="replace") if output.is_file() else ""
    match = _BROKEN.search(text)
    if match is None:
        return None
    scope, promise = match.groups()
    name = layers.get(scope.rpartition(".")[2].removeprefix("u_"), layer)
    return f"{name}: {promise}" if name else promise
