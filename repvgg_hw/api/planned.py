"""The third stage: an accelerator, planned and not yet written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repvgg_hw.api.generated import GeneratedDesign
from repvgg_hw.names import folder_name

if TYPE_CHECKING:
    from repvgg_hw.design.accuracy import Measured
    from repvgg_hw.network import IntegerNetwork
    from repvgg_hw.plan.planner import NetworkPlan
    from repvgg_hw.plan.request import Request


@dataclass(frozen=True, repr=False)
class PlannedDesign:
    """The accelerator of a network: what each layer takes, how fast it is, and nothing on disk.

    request  what was asked for, with every default
    plan     its layers, multipliers, cycles, memories: see NetworkPlan
    why      of several architectures, why this one; else ""
    """

    integers: IntegerNetwork
    source: str
    request: Request
    plan: NetworkPlan
    why: str
    options: Mapping[str, Any]
    measured: Measured | None = None  # what `evaluate` found of these integers

    def __repr__(self) -> str:
        from repvgg_hw.plan.rate import rate

        plan, request = self.plan, self.request
        return (
            f"<PlannedDesign {plan.name}: {request.architecture} as {request.target}, "
            f"{plan.multipliers:,} multipliers, {plan.frame_interval:,} cycles a frame, "
            f"{rate(plan, request)}>"
        )

    def __str__(self) -> str:
        """A table of its layers, and what it comes to."""
        from repvgg_hw.report import text

        table = text.plan_table(self.plan, f"{self.request.architecture} as {self.request.target}")
        return text.plain(table, text.plan_lines(self.plan, self.request, self.why, self.integers))

    @property
    def directory(self) -> Path:
        """Where `design` writes it, where no folder is given."""
        return Path("build") / f"{folder_name(self.source)}-{self.request.target}"

    def design(self, directory: str | Path | None = None, *, force: bool = False) -> GeneratedDesign:
        """Write the accelerator's sources into a folder, whole or not at all; it is then the last one.

        force  write over a design that is there
        Raises InputError for a folder with other files, and where the target cannot express the plan.
        """
        from repvgg_hw import design as designs
        from repvgg_hw.design import Design, accuracy
        from repvgg_hw.targets.generate import check_directory, write

        place = self.directory if directory is None else Path(directory)
        check_directory(place, force)
        made = Design(place, self.request, self.integers, self.plan, dict(self.options))
        write(made, force=force)
        if self.measured is not None:
            accuracy.put(self.measured, place)
        designs.remember(place)
        return GeneratedDesign(made, self.why)
