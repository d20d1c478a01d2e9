"""How many rows of a window's column are read at once: as few as delay nothing, and no fewer."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repvgg_hw.plan.stream.lines import Lines
from repvgg_hw.plan.stream.timing import HANDOVER_CYCLES

# Read by columns, a window takes a cycle for each column; read by pixels, one for each pixel.
DIGITS = Lines(words=16, width=32, kernel=3, step=1, tile_rows=32, tile_columns=32, beat_bits=8)
F4 = Lines(words=16, width=8, kernel=6, step=4, tile_rows=2, tile_columns=2, beat_bits=8)


@st.composite
def line_buffers(draw: st.DrawFn) -> Lines:
    kernel = draw(st.integers(3, 9))
    return Lines(
        words=draw(st.integers(1, 8)),
        width=draw(st.integers(1, 40)),
        kernel=kernel,
        step=draw(st.integers(1, kernel - 1)),
        tile_rows=draw(st.integers(1, 20)),
        tile_columns=draw(st.integers(1, 20)),
        beat_bits=draw(st.sampled_from([8, 24, 64])),
    )


@given(line_buffers(), st.integers(1, 100_000))
def test_the_fewest_rows_for_which_nothing_waits(lines: Lines, busy: int) -> None:
    rows = lines.fewest_rows(busy)
    spare = busy - lines.tile_rows * HANDOVER_CYCLES
    assert lines.kernel % rows == 0
    assert rows == lines.kernel or lines.cycles(rows) <= spare
    fewer = [r for r in range(1, rows) if lines.kernel % r == 0]
    assert all(lines.columns * (lines.kernel // r) > spare for r in fewer)


@given(line_buffers(), st.integers(1, 9))
def test_memories_hold_the_ring(lines: Lines, rows: int) -> None:
    rows = math.gcd(rows, lines.kernel)
    lanes, slots = lines.lanes(rows), lines.slots(rows)
    assert lanes >= rows
    assert lanes * (slots - 1) < lines.kernel + lines.step <= lanes * slots
    assert rows != lines.kernel or slots == 1
    assert lines.depth(rows) >= slots * lines.row_beats


@pytest.mark.parametrize(
    ("lines", "busy", "rows"),
    [
        (DIGITS, 32 * 32 * 16 * 3, 3),  # a column for each window's use: nothing to spare for parts
        (DIGITS, 32 * 32 * 16 * 16, 1),
        (F4, 2 * 2 * 16 * 16, 3),  # 16 uses of 36 pixels, read in 12 cycles
        (F4, 2 * 2 * 16 * 64, 1),
    ],
)
def test_layers(lines: Lines, busy: int, rows: int) -> None:
    assert lines.fewest_rows(busy) == rows
