"""A font of boxes, and pictures that are drawn with it: the same wherever they are drawn.

Fonts differ from machine to machine in their widths, and so would lines, rows and pages. In this one every
letter is one box of one width; what is left to differ is how edges are smoothed, for which pictures are
compared in cells.
"""

from __future__ import annotations

import base64
import struct

import numpy as np
from numpy.typing import NDArray
from PIL import Image

EM, WIDTH, LOW, HIGH = 1000, 520, 0, 500  # of a letter, in units of a thousandth of its size
ASCENT, DESCENT = 900, 250
FIRST, LAST = 0x20, 0x2FF
CELL = 8  # pixels of a picture that are compared as one
FAR = 24  # of 255: cells that differ by more are not the same
SHARE = 0.002  # of all cells that may differ


def font() -> bytes:
    """A TrueType font: glyph 0 and 2 are empty, 1 is the box, which stands for every letter but the space."""
    box = struct.pack(">5h", 1, 40, LOW, WIDTH - 40, HIGH)  # one contour, its bounds
    box += struct.pack(">2H", 3, 0) + bytes([1] * 4)  # ends at point 3, no instructions, four points on it
    xs, ys = (40, 0, WIDTH - 80, 0), (LOW, HIGH - LOW, 0, LOW - HIGH)
    box += struct.pack(">8h", *xs, *ys)
    box += bytes(-len(box) % 4)
    letters = [2 if code in (0x20, 0xA0) else 1 for code in range(FIRST, LAST + 1)]
    segments = struct.pack(">HH", LAST, 0xFFFF) + bytes(2) + struct.pack(">HH", FIRST, 0xFFFF)
    segments += struct.pack(">HH", 0, 1) + struct.pack(">HH", 4, 0)  # deltas; where the letters stand
    segments += struct.pack(f">{len(letters)}H", *letters)
    mapping = struct.pack(">7H", 4, 14 + len(segments), 0, 4, 4, 1, 0) + segments
    names = "".join(("Boxes", "Regular", "Boxes 1", "Boxes", "1", "Boxes")).encode("utf-16-be")
    records, start = b"", 0
    for number, text in ((1, "Boxes"), (2, "Regular"), (3, "Boxes 1"), (4, "Boxes"), (5, "1"), (6, "Boxes")):
        records += struct.pack(">6H", 3, 1, 0x409, number, 2 * len(text), start)
        start += 2 * len(text)
    os2 = (
        struct.pack(">HhHHH", 4, WIDTH, 400, 5, 0) + struct.pack(">10h", *([100] * 10)) + struct.pack(">h", 0)
    )
    os2 += bytes(10) + bytes(16) + b"none" + struct.pack(">HHH", 0x40, FIRST, LAST)
    os2 += struct.pack(">hhhHH", ASCENT, -DESCENT, 0, ASCENT, DESCENT) + bytes(8)
    os2 += struct.pack(">hhHHH", HIGH, HIGH, 0, 0x20, 1)
    tables = {
        "OS/2": os2,
        "cmap": struct.pack(">HHHHI", 0, 1, 3, 1, 12) + mapping,
        "glyf": box,
        "head": struct.pack(">IIIIHH", 0x10000, 0x10000, 0, 0x5F0F3CF5, 3, EM) + bytes(16)
        + struct.pack(">4hHHhhh", 0, LOW, WIDTH, HIGH, 0, 8, 2, 1, 0),
        "hhea": struct.pack(">IhhhH", 0x10000, ASCENT, -DESCENT, 0, WIDTH)
        + struct.pack(">11hH", 40, 40, WIDTH - 40, 1, 0, 0, 0, 0, 0, 0, 0, 3),
        "hmtx": struct.pack(">HhHhHh", WIDTH, 0, WIDTH, 40, WIDTH, 0),
        "loca": struct.pack(">4I", 0, 0, len(box), len(box)),
        "maxp": struct.pack(">IH13H", 0x10000, 3, 4, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0),
        "name": struct.pack(">HHH", 0, 6, 6 + 12 * 6) + records + names,
        "post": struct.pack(">IIhhI", 0x30000, 0, -100, 50, 0) + bytes(16),
    }  # fmt: skip
    head = struct.pack(">IHHHH", 0x10000, len(tables), 128, 3, len(tables) * 16 - 128)
    place, entries, content = len(head) + 16 * len(tables), b"", b""
    for name, data in sorted(tables.items()):
        padded = data + bytes(-len(data) % 4)
        total = sum(struct.unpack(f">{len(padded) // 4}I", padded)) & 0xFFFFFFFF
        entries += name.encode() + struct.pack(">III", total, place + len(content), len(data))
        content += padded
    return head + entries + content


def style() -> str:
    """CSS by which a page is drawn with it."""
    data = base64.b64encode(font()).decode()
    return (
        f'<style>@font-face {{ font-family: Boxes; src: url("data:font/ttf;base64,{data}"); }}\n'
        "* { font-family: Boxes !important; font-synthesis: none !important; }</style>"
    )


def cells(picture: Image.Image) -> NDArray[np.int64]:
    """The mean colours of a picture's cells: (rows, columns, 3)."""
    rows, columns = picture.height // CELL, picture.width // CELL
    pixels = np.asarray(picture.convert("RGB"))[: rows * CELL, : columns * CELL]
    mean = pixels.reshape(rows, CELL, columns, CELL, 3).mean(axis=(1, 3))
    return np.asarray(np.rint(mean), dtype=np.int64)


def different(one: NDArray[np.int64], other: NDArray[np.int64]) -> float:
    """The share of cells that differ by more than smoothing makes them; 1 for pictures of other sizes."""
    if one.shape != other.shape:
        return 1.0
    return float((np.abs(one - other).max(axis=2) > FAR).mean())
