"""One figure for a survey, as SVG: batch-1 latency and throughput as bars, the design in its own colour."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from repvgg_hw.measure.latency.rows import Row, Survey

COLOURS = {
    "training": "#9aa5b1",
    "fused": "#2f6fb3",
    "integer": "#2a9d63",
    "baseline": "#d9a441",
    "design": "#c0392b",
}
WIDTH, LABELS, BAR, GAP, HEAD = 960, 360, 16, 6, 34
BARS = WIDTH - LABELS - 110  # the longest bar; the rest is for its value


@dataclass(frozen=True)
class Bar:
    """A labelled value."""

    label: str
    value: float
    kind: str  # a key of COLOURS


def latency_bars(survey: Survey) -> list[Bar]:
    """Milliseconds at the smallest batch, and the design's latency; shortest first."""
    smallest = min((row.batch for row in survey.rows), default=1)
    bars = [Bar(_label(r), r.timing.median * 1e3, r.form) for r in survey.rows if r.batch == smallest]
    design = survey.accelerator
    if design and design.latency is not None:
        bars.append(
            Bar(f"design {design.directory} @ {design.clock_mhz:g} MHz", design.latency * 1e3, "design")
        )
    return sorted(bars, key=lambda bar: bar.value)


def throughput_bars(survey: Survey) -> list[Bar]:
    """Images per second, each setting at its best batch, and the design's; largest first."""
    best: dict[tuple[str, ...], Row] = {}
    for row in survey.rows:
        key = (row.model, row.form, row.precision, row.runtime)
        if key not in best or row.images_per_second > best[key].images_per_second:
            best[key] = row
    bars = [Bar(f"{_label(r)}, batch {r.batch}", r.images_per_second, r.form) for r in best.values()]
    design = survey.accelerator
    if design:
        label = f"design {design.directory} @ {design.clock_mhz:g} MHz"
        bars.append(Bar(label, design.images_per_second, "design"))
    return sorted(bars, key=lambda bar: -bar.value)


def svg(survey: Survey) -> str:
    """The whole figure. Bars are linear from zero."""
    smallest = min((row.batch for row in survey.rows), default=1)
    panels = (
        (f"Latency at batch {smallest}, ms", latency_bars(survey)),
        ("Throughput, images/s", throughput_bars(survey)),
    )
    body, top = [], 10
    for title, bars in panels:
        body += _panel(title, bars, top)
        top += HEAD + len(bars) * (BAR + GAP) + 20
    caption = f"{survey.environment['device']}, input {survey.size[1]}x{survey.size[2]}"
    body.append(f'<text x="10" y="{top + 4}" fill="#666">{escape(caption)}</text>')
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{top + 20}" '
        'font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="white"/>'
    )
    return "\n".join([head, *body, "</svg>"]) + "\n"


def _label(row: Row) -> str:
    return f"{row.model} {row.form} {row.precision} {row.runtime}"


def _panel(title: str, bars: Sequence[Bar], top: int) -> list[str]:
    lines = [f'<text x="10" y="{top + 16}" font-size="15" font-weight="bold">{escape(title)}</text>']
    longest = max((bar.value for bar in bars), default=1.0)
    for index, bar in enumerate(bars):
        y = top + HEAD + index * (BAR + GAP)
        length = max(bar.value / longest * BARS, 1)
        text = y + BAR - 4
        lines += [
            f'<text x="{LABELS - 8}" y="{text}" text-anchor="end">{escape(bar.label)}</text>',
            f'<rect x="{LABELS}" y="{y}" width="{length:.1f}" height="{BAR}" fill="{COLOURS[bar.kind]}"/>',
            f'<text x="{LABELS + length + 6:.1f}" y="{text}">{_number(bar.value)}</text>',
        ]
    return lines


def _number(value: float) -> str:
    """Three significant digits, without an exponent."""
    digits = max(0, 2 - math.floor(math.log10(value))) if value > 0 else 0
    return f"{value:.{digits}f}"
