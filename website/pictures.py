"""Draws the pictures of docs/machine.md: `python -m website.pictures` writes them."""

from __future__ import annotations

from collections.abc import Iterable

from website import ROOT

WIDTH = 1040
STYLE = """
    text { font-family: -apple-system, "Segoe UI", Helvetica, Arial, sans-serif }
    text { fill: #1f2328; text-anchor: middle }
    .n { font-size: 15px; font-weight: 600 }
    .s { font-size: 12px; fill: #59636e }
    .h { font-size: 13px; fill: #59636e; text-anchor: start; letter-spacing: .04em }
    .l { font-size: 13px; text-anchor: end }
    .box { fill: #f6f8fa; stroke: #8c959f; stroke-width: 1.2 }
    .key { fill: #ddf4ff; stroke: #0969da }
    .ok { fill: #dafbe1; stroke: #1a7f37 }
    .pad { fill: #ffffff; stroke: #8c959f; stroke-dasharray: 3 3 }
    .new { fill: #fff8c5; stroke: #bf8710 }
    .f { fill: none; stroke: #0969da; stroke-width: 3 }
    .a { stroke: #57606a; stroke-width: 1.6; fill: none; marker-end: url(#m) }
"""
MARKER = (
    '<defs><marker id="m" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
    '<path d="M0 0 8 4 0 8z" fill="#57606a"/></marker></defs>'
)


def page(title: str, description: str, height: int, parts: Iterable[str]) -> str:
    """An SVG of the documentation: a title and a description for readers who do not see it."""
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
        f'height="{height}" role="img" aria-labelledby="t d">'
    )
    about = [f'  <title id="t">{title}</title>', f'  <desc id="d">{description}</desc>']
    ground = f'  <rect width="{WIDTH}" height="{height}" rx="10" fill="#ffffff"/>'
    body = [f"  {part}" for part in parts]
    style = f"  <style>{STYLE}  </style>"
    return "\n".join([head, *about, style, f"  {MARKER}", ground, *body, "</svg>", ""])


def rect(kind: str, x: float, y: float, width: float, height: float, radius: int = 0) -> str:
    return f'<rect class="{kind}" x="{x}" y="{y}" width="{width}" height="{height}" rx="{radius}"/>'


def text(kind: str, x: float, y: float, words: str) -> str:
    return f'<text class="{kind}" x="{x}" y="{y}">{words}</text>'


def arrow(x: float, y: float, to_x: float, to_y: float) -> str:
    return f'<path class="a" d="M{x} {y}L{to_x} {to_y}"/>'


def box(kind: str, x: float, y: float, width: float, lines: tuple[str, ...], height: float = 64) -> list[str]:
    """A box with a name, and smaller lines below it."""
    first = y + height / 2 - 8 * (len(lines) - 1) + 4
    words = [text("s" if i else "n", x + width / 2, first + 17 * i, line) for i, line in enumerate(lines)]
    return [rect(kind, x, y, width, height, 7), *words]


def caption(x: float, y: float, *lines: str) -> list[str]:
    """Small lines of text, one below the other."""
    return [text("s", x, y + 18 * index, line) for index, line in enumerate(lines)]


def window() -> str:
    """A map in raster order, the rows that a line buffer keeps of it, and the window that leaves."""
    parts = [text("h", 24, 30, "THE MAP, WITH ZEROS AROUND IT")]
    size, left, top, rows, columns = 26, 40, 46, 8, 10
    for row in range(-1, rows + 1):
        for column in range(-1, columns + 1):
            inside = 0 <= row < rows and 0 <= column < columns
            kept = "key" if 2 <= row <= 4 else "new" if row == 5 and column < 6 else "box"
            at = left + size * (column + 1), top + size * (row + 1)
            parts.append(rect(kept if inside else "pad", *at, size, size))
    parts.append(rect("f", left + size * 4, top + size * 3, size * 3, size * 3))
    parts += caption(196, 328, "pixels come row by row, channels innermost")
    parts.append(text("h", 540, 30, "WHAT THE UNIT KEEPS OF IT"))
    for line, bank in enumerate(("bank 2: row 2", "bank 3: row 3", "bank 0: row 4")):
        parts += box("key", 540, 50 + 46 * line, 260, (bank,), 36)
    parts += box("new", 540, 50 + 46 * 3, 260, ("bank 1: row 5, being written",), 36)
    parts += [arrow(806, 114, 856, 114), arrow(866, 206, 806, 206)]
    parts += box("ok", 860, 72, 156, ("3x3 window", "of PI channels,", "a column each cycle"), 84)
    parts += caption(940, 203, "pixels arrive", "in raster order")
    parts += caption(
        760,
        270,
        "Three rows are read while the next is written: neither waits",
        "for the other inside a row. At an edge, a mask puts zeros",
        "where there is no pixel.",
    )
    described = (
        "A map with a border of zeros; three of its rows lie in three memory banks, a fourth is being "
        "written. A window of three by three pixels is cut from the three rows and leaves."
    )
    return page("The window of a 3x3 convolution", described, 346, parts)


def array() -> str:
    """One word of a window meets PO kernels: products, sums, requantization."""
    parts = [text("h", 24, 30, "ONE CYCLE: 9 x PI PIXELS MEET PO KERNELS")]
    parts += box("ok", 24, 120, 140, ("window", "9 x PI pixels", "of 8 bits"), 84)
    for name, y in (("kernel 1", 50), ("kernel 2", 130), ("kernel PO", 240)):
        middle = y + 32
        parts += box("box", 250, y, 120, (name, "9 x PI weights"))
        parts += box("key", 430, y, 140, ("9 x PI", "multipliers"))
        parts += box("box", 630, y, 150, ("sum", "over C_in / PI words"))
        parts += [arrow(164, 162, 246, middle), arrow(370, middle, 426, middle)]
        parts += [arrow(570, middle, 626, middle), arrow(780, middle, 836, 162)]
    parts += [text("n", x, 222, "...") for x in (310, 500, 705)]
    parts += box("ok", 840, 120, 176, ("requantize, ReLU", "bias, x M, round, >> S", "clamp to 0..255"), 84)
    parts += caption(
        520,
        334,
        "C_in / PI cycles make PO sums; then the next PO kernels, until all C_out are done.",
        "The search chooses PI and PO for each layer: cycles = pixels x C_in / PI x C_out / PO.",
    )
    described = (
        "A word of a window goes to PO kernels at once. Each has nine times PI multipliers, whose products "
        "are summed over all words of the window. Then bias, scale and ReLU make eight bits of the sum."
    )
    return page("The array of multipliers of a layer", described, 370, parts)


def timeline() -> str:
    """Strips pass through the engine's units, each behind the one before; the array goes on without a gap."""
    parts = [text("h", 24, 30, "THE ENGINE: STRIPS OF A LAYER, ONE BEHIND THE OTHER (NOT TO SCALE)")]
    units = (  # name, where its first strip starts, how long a strip takes
        ("weights to the array", 96, 150),
        ("load rows, transform", 0, 130),
        ("multiply, add", 96, 150),
        ("transform back, requantize", 150, 132),
        ("store", 176, 120),
    )
    left, step = 230, 150
    for index, (name, start, length) in enumerate(units):
        y = 52 + 44 * index
        parts.append(text("l", left - 12, y + 21, name))
        kinds = ("ok", "key") if name == "multiply, add" else ("box", "new")
        for strip in range(4):
            x = left + start + step * strip
            parts.append(rect(kinds[strip % 2], x, y, length, 32, 4))
            parts.append(text("s", x + length / 2, y + 20, f"strip {strip + 1}"))
    parts += [arrow(left, 286, 1000, 286), text("s", 960, 304, "time")]
    parts += caption(
        540,
        318,
        "While a strip is multiplied, the next one is loaded and the one before is stored. Where a unit or",
        "the memory takes longer than the multipliers, it decides, and the plan says so.",
    )
    described = (
        "Five rows: weights, loading and transforming, multiplying, transforming back, storing. Four strips "
        "pass through them, shifted, so that the multipliers go from strip to strip without a gap."
    )
    return page("A timeline of the engine", described, 352, parts)


PICTURES = {"window.svg": window, "array.svg": array, "engine.svg": timeline}

if __name__ == "__main__":
    for name, draw in PICTURES.items():
        (ROOT / "docs" / name).write_text(draw())
