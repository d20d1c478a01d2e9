"""The comparison of methods as a figure: an SVG of bars, written by hand, without a timestamp."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

ROW, BAR, MARGIN = 28, 420, 16
LETTER = 7.5  # width of a letter at the figure's font size, generously


def bars(title: str, rows: Sequence[tuple[str, float, float, float]], reference: float) -> str:
    """SVG text: a bar per (name, value, low, high), all in percent, and a line at `reference`.

    low and high are the value's interval, drawn as a whisker.
    """
    top = max([reference, *(high for _, _, _, high in rows)], default=1.0) or 1.0
    height = 2 * MARGIN + ROW * (len(rows) + 2)
    label = MARGIN + 8 + round(LETTER * max((len(name) for name, *_ in rows), default=0))
    width = label + BAR + 90

    def x(value: float) -> str:
        return f"{label + BAR * max(value, 0.0) / top:.1f}"

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        'font-family="sans-serif" font-size="13">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        f'<text x="{MARGIN}" y="{MARGIN + 12}" font-weight="bold">{escape(title)}</text>',
    ]
    for i, (name, value, low, high) in enumerate(rows):
        y = MARGIN + ROW * (i + 1)
        middle = y + ROW / 2
        parts += [
            f'<text x="{label - 8}" y="{middle + 5:.1f}" text-anchor="end">{escape(name)}</text>',
            f'<rect x="{label}" y="{y + 4}" width="{BAR * max(value, 0.0) / top:.1f}" height="{ROW - 8}" '
            'fill="#4477aa"/>',
            f'<path d="M{x(low)} {middle}H{x(high)}" stroke="#222" stroke-width="1.5"/>',
            f'<text x="{label + BAR + 8}" y="{middle + 5:.1f}">{value:.2f} %</text>',
        ]
    bottom = MARGIN + ROW * (len(rows) + 1)
    parts += [
        f'<path d="M{x(reference)} {MARGIN + ROW}V{bottom}" stroke="#cc3311" stroke-dasharray="4 3"/>',
        f'<text x="{x(reference)}" y="{bottom + 16}" text-anchor="middle" fill="#cc3311">'
        f"float {reference:.2f} %</text>",
        "</svg>",
    ]
    return "\n".join(parts) + "\n"
