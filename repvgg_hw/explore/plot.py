"""A sweep as one figure, an SVG: the rate against each thing that it costs, without a timestamp."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from repvgg_hw.explore.result import Row, Sweep, latency_of, rate_of

COLOURS = ("#2f6fb3", "#c0392b", "#2a9d63", "#d08a2e", "#7a4fa3", "#5b6770")
WIDTH, HEIGHT, GAP, TOP, LEFT = 400, 300, 70, 96, 76  # of a panel, between panels, above and left of them
INK, SOFT, LINE = "#1b1f24", "#566", "#dde1e6"
RADIUS = 5
NEAR_X, NEAR_Y, SHOWN = 20, 10, 3  # pixels between marks that share a label, numbers in it


@dataclass(frozen=True)
class Axis:
    """What a panel shows across; smaller is better, unless `rising`."""

    title: str
    value: Callable[[Row], float]
    log: bool = True
    rising: bool = False


@dataclass(frozen=True)
class Scale:
    """From values to pixels."""

    low: float
    high: float
    first: float  # pixel of low
    last: float
    log: bool

    def __call__(self, value: float) -> float:
        of = math.log10 if self.log else float
        return self.first + (of(value) - of(self.low)) / (of(self.high) - of(self.low)) * (
            self.last - self.first
        )

    def ticks(self) -> list[float]:
        """Round values within the scale: 1, 2 and 5 times powers of ten, or even steps."""
        if self.log:
            powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
            marks = [m * 10.0**p for p in powers for m in (1, 2, 5)]
            inside = [mark for mark in marks if self.low <= mark <= self.high]
            return inside if len(inside) < 8 else [m for m in inside if str(m).lstrip("0.")[0] == "1"]
        rough = (self.high - self.low) / 5
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(m * power for m in (1, 2, 5, 10) if m * power >= rough)
        return [k * step for k in range(math.ceil(self.low / step), math.floor(self.high / step) + 1)]


def svg(sweep: Sweep) -> str:
    """The whole figure: a panel for each cost, a legend, a line of words."""
    axes = [
        Axis("DSP", lambda row: row.figures.dsp),
        Axis("memory on chip, kbit", lambda row: row.figures.memory_bits / 1024),
        Axis(
            "latency, us" if sweep.timed else "latency, thousand cycles", lambda r: latency_of(r, sweep.timed)
        ),
    ]
    rows = sweep.rows
    if any(row.top1 for row in rows):
        axes.append(Axis("top-1, %", lambda r: r.top1.percent if r.top1 else 0.0, log=False, rising=True))
    columns = 2
    width = LEFT + columns * (WIDTH + GAP)
    height = TOP + math.ceil(len(axes) / columns) * (HEIGHT + GAP) + 10
    colours = {
        label: COLOURS[i % len(COLOURS)] for i, label in enumerate(dict.fromkeys(_label(r) for r in rows))
    }
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" font-family="sans-serif" font-size="12" fill="{INK}">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        f'<text x="16" y="26" font-size="16" font-weight="bold">{escape(sweep.name)}: '
        f"{len(rows)} designs</text>",
        f'<text x="16" y="46" fill="{SOFT}">Filled: on the Pareto front, no other design is as good in '
        "everything and better in something. Numbers are the table's.</text>",
        *_legend(colours, rows),
    ]
    for index, axis in enumerate(axes):
        left, top = LEFT + index % columns * (WIDTH + GAP), TOP + index // columns * (HEIGHT + GAP)
        parts += _panel(sweep, axis, colours, left, top)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _label(row: Row) -> str:
    """What has a colour."""
    return f"{row.point.network}, {row.point.request.architecture}"


def _legend(colours: dict[str, str], rows: Sequence[Row]) -> list[str]:
    parts, x = [], 16.0
    kinds = {_label(row): row for row in rows}
    for label, colour in colours.items():
        parts += [_mark(kinds[label], x + RADIUS, 66, colour, filled=True)]
        parts += [f'<text x="{x + 16:.0f}" y="70">{escape(label)}</text>']
        x += 34 + 7 * len(label)
    return parts


def _panel(sweep: Sweep, axis: Axis, colours: dict[str, str], left: int, top: int) -> list[str]:
    rows = sweep.rows
    across = _scale([axis.value(row) for row in rows], left, left + WIDTH, axis.log)
    up = _scale([rate_of(row, sweep.timed) for row in rows], top + HEIGHT, top, log=True)
    bottom = top + HEIGHT
    parts = []
    for tick in across.ticks():
        x = across(tick)
        parts.append(f'<path d="M{x:.1f} {top}V{bottom}" stroke="{LINE}"/>')
        parts.append(f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{_number(tick)}</text>')
    for tick in up.ticks():
        y = up(tick)
        parts.append(f'<path d="M{left} {y:.1f}H{left + WIDTH}" stroke="{LINE}"/>')
        parts.append(f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{_number(tick)}</text>')
    parts.append(f'<path d="M{left} {top}V{bottom}H{left + WIDTH}" fill="none" stroke="{SOFT}"/>')
    title = "frames/s" if sweep.timed else "frames in a million cycles"
    parts.append(f'<text x="{left + WIDTH}" y="{bottom + 34}" text-anchor="end">{axis.title}</text>')
    parts.append(f'<text x="{left}" y="{top - 8}" font-weight="bold">{title}</text>')
    parts.append(_staircase(sweep, axis, across, up))
    for row in sorted(rows, key=lambda one: one.on_front):
        x, y = across(axis.value(row)), up(rate_of(row, sweep.timed))
        parts.append(_mark(row, x, y, colours[_label(row)], filled=row.on_front))
    return parts + _numbers([(row, across(axis.value(row)), up(rate_of(row, sweep.timed))) for row in rows])


def _numbers(placed: Sequence[tuple[Row, float, float]]) -> list[str]:
    """The numbers of those on the front; where several lie on one another, in one list."""
    groups: list[tuple[float, float, list[int]]] = []
    for row, x, y in placed:
        if not row.on_front:
            continue
        near = (group for group in groups if abs(group[0] - x) < NEAR_X and abs(group[1] - y) < NEAR_Y)
        if (group := next(near, None)) is None:
            groups.append((x, y, [row.number]))
        else:
            group[2].append(row.number)
    parts = []
    for x, y, numbers in groups:
        more = f" +{len(numbers) - SHOWN}" if len(numbers) > SHOWN else ""
        said = ", ".join(map(str, numbers[:SHOWN])) + more
        parts.append(f'<text x="{x + 8:.1f}" y="{y - 6:.1f}" font-size="10">{said}</text>')
    return parts


def _staircase(sweep: Sweep, axis: Axis, across: Scale, up: Scale) -> str:
    """The front of this panel's two values alone: the best rate for at most that cost."""
    sign = -1 if axis.rising else 1
    ordered = sorted(sweep.rows, key=lambda row: (sign * axis.value(row), -rate_of(row, sweep.timed)))
    path, best = "", -math.inf
    for row in ordered:
        if (rate := rate_of(row, sweep.timed)) > best:
            x, y = across(axis.value(row)), up(rate)
            path += f"H{x:.1f}V{y:.1f}" if path else f"M{x:.1f} {y:.1f}"
            best = rate
    return f'<path d="{path}" fill="none" stroke="{SOFT}" stroke-dasharray="4 3"/>' if path else ""


def _mark(row: Row, x: float, y: float, colour: str, *, filled: bool) -> str:
    """A circle for a design of streams, a square for another; with its figures as a tooltip."""
    of = row.figures
    said = (
        f"#{row.number} {row.point.network}, {row.point.budget}: {of.frame_interval:,} cycles, {of.dsp:,} DSP"
    )
    style = f'fill="{colour if filled else "white"}" stroke="{colour}" stroke-width="1.5"'
    if row.point.request.architecture == "stream":
        shape = f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{RADIUS}" {style}>'
        return f"{shape}<title>{escape(said)}</title></circle>"
    corner = f'x="{x - RADIUS:.1f}" y="{y - RADIUS:.1f}"'
    shape = f'<rect {corner} width="{2 * RADIUS}" height="{2 * RADIUS}" {style}>'
    return f"{shape}<title>{escape(said)}</title></rect>"


def _scale(values: Sequence[float], first: float, last: float, log: bool) -> Scale:
    """Around the values, with some room on both sides."""
    low, high = min(values, default=1.0), max(values, default=1.0)
    if log:
        low, high = max(low, 1e-9), max(high, 1e-9)
        room = max((high / low) ** 0.08, 1.15)
        return Scale(low / room, high * room, first, last, log)
    room = max(0.08 * (high - low), 0.5)
    return Scale(low - room, high + room, first, last, log)


def _number(value: float) -> str:
    """12,500, 0.02: without an exponent."""
    return f"{value:,.0f}" if abs(value - round(value)) < 1e-9 else f"{value:,.4g}"
