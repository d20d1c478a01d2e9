"""How wide a Winograd layer is at its two ends: as narrow as delays nothing, and no narrower."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repvgg_hw.plan.folding import divisors
from repvgg_hw.plan.stream.winograd import WinogradUnit
from repvgg_hw.winograd.matrices import STRIDES, TILES


@st.composite
def units(draw: st.DrawFn) -> WinogradUnit:
    groups = draw(st.sampled_from([1, 1, 2, 3]))
    c_in, c_out = (groups * draw(st.integers(1, 24)) for _ in range(2))
    return WinogradUnit(
        m=draw(st.sampled_from(TILES)),
        c_in=c_in,
        c_out=c_out,
        height=draw(st.integers(1, 40)),
        width=draw(st.integers(1, 40)),
        pi=draw(st.sampled_from(divisors(c_in // groups))),
        po=draw(st.sampled_from(divisors(c_out // groups))),
        acc_bits=28,
        stride=draw(st.sampled_from(STRIDES)),
        groups=groups,
    )


def compute_cycles(unit: WinogradUnit, rows: int) -> int:
    """Of the multipliers, were so many rows of sums to enter the output transform per cycle."""
    spacing = max(-(-unit.transform.size // rows), unit.m) * (unit.po // unit.lanes)
    return unit.tiles * unit.groups * unit.repeats * max(unit.words, spacing)


@given(units())
def test_rows_are_the_fewest_for_which_nothing_waits(unit: WinogradUnit) -> None:
    """They keep up with the words of a set, with the input transform, and with the columns that leave."""
    sets = unit.tiles * unit.groups * unit.repeats
    others = max(unit.fetch_cycles, sets * max(unit.words, unit.m))
    assert unit.compute_cycles == compute_cycles(unit, unit.rows) <= others
    assert 1 <= unit.rows < unit.transform.size
    assert unit.rows == 1 or compute_cycles(unit, unit.rows - 1) > others
    assert unit.rows == 1 or unit.lanes == unit.po


@given(units())
def test_the_line_buffer_takes_the_fewest_channels_for_which_nothing_waits(unit: WinogradUnit) -> None:
    others = max(unit.compute_cycles, unit.fetch_cycles)
    assert unit.c_in % unit.in_lanes == unit.in_lanes % unit.pi == 0
    assert unit.write_cycles == unit.height * unit.width * (unit.c_in // unit.in_lanes)
    assert unit.write_cycles <= others or unit.in_lanes == unit.c_in
    narrower = [d for d in divisors(unit.c_in) if d % unit.pi == 0 and d < unit.in_lanes]
    assert all(unit.height * unit.width * (unit.c_in // d) > others for d in narrower)


@given(units())
def test_the_line_buffer_keeps_as_many_bits_at_any_width(unit: WinogradUnit) -> None:
    words, bits = unit.line_memory
    rows = unit.transform.size + unit.transform.step
    assert words * bits == rows * unit.width * unit.c_in * unit.in_bits
    assert bits == rows * unit.in_lanes * unit.in_bits


# RepVGG-A0 at 224x224 in 73,728 cycles a frame: 3.9 MACs per multiplier
@pytest.mark.parametrize(
    ("unit", "rows", "in_lanes", "cycles"),
    [
        (WinogradUnit(3, 3, 48, 224, 224, pi=1, po=3, acc_bits=24, stride=2), 3, 3, 69_312),
        (WinogradUnit(7, 48, 48, 112, 112, pi=1, po=2, acc_bits=28, stride=2), 1, 12, 73_728),
        (WinogradUnit(7, 48, 48, 56, 56, pi=1, po=2, acc_bits=28), 1, 3, 73_728),
        (WinogradUnit(7, 48, 96, 56, 56, pi=1, po=1, acc_bits=28, stride=2), 1, 3, 73_728),
        (WinogradUnit(7, 192, 192, 14, 14, pi=1, po=2, acc_bits=28), 1, 1, 73_728),
    ],
)
def test_layers_of_a0(unit: WinogradUnit, rows: int, in_lanes: int, cycles: int) -> None:
    assert (unit.rows, unit.in_lanes, unit.cycles) == (rows, in_lanes, cycles)
