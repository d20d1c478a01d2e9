"""A sweep's result: rows, what beats what, and the words for it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from repvgg_hw import GENERATOR
from repvgg_hw.explore.front import front
from repvgg_hw.explore.grid import Point
from repvgg_hw.explore.outcome import Figures, Outcome, Top1
from repvgg_hw.files import check_output, write_if_changed
from repvgg_hw.plan import request as requests
from repvgg_hw.report.text import Table, plain


@dataclass(frozen=True)
class Row:
    """A point that could be planned: its number (from 1, among all points), figures, and place."""

    number: int
    point: Point
    figures: Figures
    top1: Top1 | None
    on_front: bool


@dataclass(frozen=True, repr=False)
class Sweep:
    """Every point of a sweep, in order; print() shows a table.

    rows     those that could be planned; refused: number, point and reason of the others
    resumed  how many points were known from an earlier run
    """

    name: str
    rows: tuple[Row, ...]
    refused: tuple[tuple[int, Point, str], ...]
    resumed: int = 0

    def __repr__(self) -> str:
        return (
            f"<Sweep {self.name}: {len(self.rows)} points, {len(self.front)} on the Pareto front, "
            f"{len(self.refused)} that cannot be planned>"
        )

    def __str__(self) -> str:
        """A table of the points, and a line for each that cannot be planned."""
        return plain(self.table(), self.lines())

    @property
    def front(self) -> tuple[Row, ...]:
        """The points that no other point beats in everything: rate, DSP, memory, latency, top-1."""
        return tuple(row for row in self.rows if row.on_front)

    @property
    def timed(self) -> bool:
        """Whether every point has a clock; else rates are frames in a million cycles, of all alike."""
        return all(row.figures.clock_mhz is not None for row in self.rows)

    def table(self) -> Table:
        """A row for each point that could be planned."""
        rate, latency = ("frames/s", "latency us") if self.timed else ("frames/Mcycle", "latency kcycles")
        accuracy = any(row.top1 for row in self.rows)
        rows = []
        for row in self.rows:
            of, point = row.figures, row.point
            words = (str(row.number), point.network, point.budget, point.request.architecture, point.tiles)
            counts = (f"{n:,}" for n in (of.frame_interval, of.dsp, of.bram, of.lut, of.multipliers))
            speed = (f"{rate_of(row, self.timed):,.1f}", f"{latency_of(row, self.timed):,.1f}")
            top1 = (f"{row.top1.percent:.2f} %" if row.top1 else "",) if accuracy else ()
            kbit = f"{of.memory_bits / 1024:,.0f}"
            cells = (*words, *speed, *counts, kbit, *top1, "yes" if row.on_front else "")
            rows.append(cells)
        headings = (
            *("#", "<network", "<budget", "<architecture", "<tiles", rate, latency),
            *("cycles", "DSP", "BRAM", "LUT", "multipliers", "kbit on chip"),
            *(("top-1",) if accuracy else ()),
            "<front",
        )
        return Table(f"{self.name}: {len(self.rows)} points", headings, rows)

    def lines(self) -> list[str]:
        """What else is to say."""
        said = [
            "DSP, BRAM (18 kbit), LUT and latency are estimated, without a device for UltraScale+; "
            "cycles are what simulation proves"
        ]
        if not self.timed and self.rows:
            said.append(
                "rates are in cycles: of a device here no clock is known; --clock assumes one for all"
            )
        said += [f"#{number} {point.budget}: cannot be planned: {why}" for number, point, why in self.refused]
        if self.resumed:
            said.append(f"resumed: {self.resumed} points were already planned")
        return said

    def to_json(self) -> dict[str, Any]:
        """For programs: every point with all that is known of it."""
        found: list[dict[str, Any]] = []
        for row in self.rows:
            derived = {"fps": row.figures.fps, "latency_us": row.figures.latency_us}
            top1 = None if row.top1 is None else dataclasses.asdict(row.top1) | {"percent": row.top1.percent}
            known = {
                "figures": dataclasses.asdict(row.figures) | derived,
                "top1": top1,
                "front": row.on_front,
            }
            found.append(_point(row.number, row.point) | known)
        found += [_point(number, point) | {"refused": why} for number, point, why in self.refused]
        found.sort(key=lambda one: int(one["number"]))
        return {"generator": GENERATOR, "network": self.name, "resumed": self.resumed, "points": found}

    def write_plot(self, path: str | Path) -> Path:
        """Write the figure, an SVG: rate against DSP, memory, latency and top-1. Whole or not at all."""
        from repvgg_hw.explore.plot import svg

        place = check_output(Path(path), (".svg",))
        write_if_changed(place, svg(self))
        return place


def _point(number: int, point: Point) -> dict[str, Any]:
    asked_for = requests.to_json(point.request)
    return {"number": number, "network": point.network, "budget": point.budget, "request": asked_for}


def made(
    name: str,
    points: Sequence[Point],
    outcomes: Sequence[Outcome],
    accuracies: Mapping[str, Top1],
    resumed: int = 0,
) -> Sweep:
    """A Sweep of points, in order, their outcomes, and the accuracies of their networks."""
    numbered = list(enumerate(zip(points, outcomes, strict=True), 1))
    rows = [
        Row(number, point, outcome.figures, accuracies.get(point.network), on_front=False)
        for number, (point, outcome) in numbered
        if outcome.figures is not None
    ]
    timed = all(row.figures.clock_mhz is not None for row in rows)
    kept = front([_costs(row, timed) for row in rows])
    refused = [
        (number, point, outcome.refusal) for number, (point, outcome) in numbered if outcome.figures is None
    ]
    placed = tuple(dataclasses.replace(row, on_front=on) for row, on in zip(rows, kept, strict=True))
    return Sweep(name, placed, tuple(refused), resumed)


def rate_of(row: Row, timed: bool) -> float:
    """Frames per second, or in a million cycles."""
    fps = row.figures.fps
    return fps if timed and fps is not None else 1e6 / row.figures.frame_interval


def latency_of(row: Row, timed: bool) -> float:
    """Microseconds, or thousands of cycles."""
    found = row.figures.latency_us
    return found if timed and found is not None else row.figures.latency_cycles / 1e3


def _costs(row: Row, timed: bool) -> tuple[float, ...]:
    of, top1 = row.figures, row.top1
    wrong = 0.0 if top1 is None else 1.0 - top1.correct / top1.total
    return (-rate_of(row, timed), float(of.dsp), float(of.memory_bits), latency_of(row, timed), wrong)
