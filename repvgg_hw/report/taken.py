"""What each part of a design takes of a device: estimated by the plan, counted where `synth` made it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from repvgg_hw.design import Design
from repvgg_hw.plan import device as devices
from repvgg_hw.plan.planner import NetworkPlan
from repvgg_hw.plan.resources import TITLES, Resources, of_device, total
from repvgg_hw.synth.result import AVAILABLE, Synthesis
from repvgg_hw.synth.tasks import WHOLE

SHOWN = tuple(AVAILABLE)  # what synthesis counts; LUTs that are memory are among the LUTs
ALL = "whole design"  # the sum of the parts: no layer's name has a space


@dataclass(frozen=True)
class PartRow:
    """A layer, or an engine's unit. counted: resource -> cells of its netlist; None where none was made."""

    name: str
    estimated: Resources
    counted: Mapping[str, int] | None


@dataclass(frozen=True)
class Taken:
    """Every part beside a device; the last row is their sum.

    estimate  what to call the estimates
    """

    device: str
    estimate: str
    available: Resources
    rows: tuple[PartRow, ...]

    @property
    def shown(self) -> dict[str, str]:
        """Resource -> heading: UltraRAM only where the device has any."""
        return {name: TITLES[name] for name in SHOWN if name != "uram" or self.available.uram}

    @property
    def synthesised(self) -> bool:
        """Whether any part was counted in a netlist."""
        return any(row.counted is not None for row in self.rows)

    def share(self, row: PartRow, name: str) -> float | None:
        """Of the device's, as estimated; None where it has none."""
        there = getattr(self.available, name)
        return getattr(row.estimated, name) / there if there else None

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return dataclasses.asdict(self)


def taken(design: Design[NetworkPlan], synthesis: Synthesis | None) -> Taken | None:
    """Beside the device that the design was planned for, else the one that it was synthesised for.

    None where nobody named one.
    """
    asked = design.request.device
    name = asked.name if asked is not None else synthesis.device if synthesis is not None else None
    if name is None:
        return None
    device, plan = devices.get(name), design.plan
    parts = plan.resources_by_part(device.family.name)
    counted = _counted(synthesis) if synthesis is not None and synthesis.device == device.name else {}
    rows = [PartRow(part, estimated, counted.get(part)) for part, estimated in parts.items()]
    rows.append(PartRow(ALL, total(parts.values()), counted.get(ALL)))
    return Taken(device.name, plan.estimate, of_device(device), tuple(rows))


def _counted(synthesis: Synthesis) -> dict[str, dict[str, int]]:
    """Part -> resource -> cells: of netlists of one part, of units within a netlist, and of the whole."""
    found = {}
    for part in synthesis.parts:
        for name, made in [(part.name, part.synthesised), *((u.name, u.synthesised) for u in part.units)]:
            found[ALL if name == WHOLE else name] = {what: getattr(made, what) for what in SHOWN}
    return found
