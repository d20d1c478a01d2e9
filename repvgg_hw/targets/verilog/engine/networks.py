"""The engine's constant networks (plan/engine/networks.py) as the modules that templates print."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from repvgg_hw.plan.engine.networks import choices
from repvgg_hw.winograd.pipeline import combinational


def rendered_modules(n: int) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(file name, template, its context without `version`) of an engine's generated modules."""
    for choice in choices(n):
        for network in (choice.stride1, choice.stride2):
            yield (
                f"{network.name}.sv",
                "winograd_network.sv.j2",
                {"network": network, "pipeline": combinational(network.graph)},
            )
        yield f"{choice.name}.sv", "engine_network.sv.j2", {"choice": choice}
