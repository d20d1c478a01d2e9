"""The whole Winograd layer in RTL against golden.conv_layer, its lint, and faults that turn the bench red."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from lint_sources import lint
from quick import some
from units import Fault, check, unit_sources

from repvgg_hw.plan.stream.winograd import WinogradUnit
from repvgg_hw.targets.verilog.netlist import winograd_parameters
from repvgg_hw.winograd.matrices import STRIDES, TILES

LAYER = "rvg_conv3x3_winograd"
UNITS = {
    # groups, several lanes, tiles that overhang both edges
    "m4_groups": WinogradUnit(4, 12, 4, 6, 9, pi=1, po=2, groups=2, acc_bits=24),
    # the largest tile fits the map exactly; one multiplier per position
    "m7": WinogradUnit(7, 9, 9, 7, 7, pi=1, po=1, acc_bits=24),
    # stride 2 in phases, signed pixels of three channels at once
    "m3_stride2": WinogradUnit(3, 3, 4, 9, 8, pi=3, po=2, stride=2, in_signed=True, acc_bits=24),
    # multipliers and output stream both without a cycle to spare
    "m2_busy": WinogradUnit(2, 8, 8, 10, 10, pi=4, po=2, acc_bits=24),
    # one pixel, one channel
    "m2_one": WinogradUnit(2, 1, 1, 1, 1, pi=1, po=1, acc_bits=24),
    # parts of the line buffer's words, across groups; rows by twos; all three without a cycle to spare
    "m2_parts": WinogradUnit(2, 8, 8, 13, 11, pi=2, po=1, groups=2, stride=2, acc_bits=24),
    # the line buffer takes all channels at once; rows by threes, which the tile's are not divided by
    "m3_rows": WinogradUnit(3, 3, 12, 13, 11, pi=1, po=1, stride=2, acc_bits=24),
    "m3": WinogradUnit(3, 2, 2, 4, 5, pi=1, po=1, acc_bits=24),
}
FAULTS = {
    "data_network": Fault("m3", ".B_NEG(1)", ".B_NEG(0)", module="rvg_winograd_data_m3_s1"),
    "output_network": Fault("m3", ".B_SHIFT(1)", ".B_SHIFT(2)", module="rvg_winograd_output_m3_s1"),
    "division": Fault("m3", ".B_SHIFT(6)", ".B_SHIFT(7)", module="rvg_winograd_divide_m3_s1"),
    "right_edge": Fault("m3", "wr_col < COL_W'(WIDTH)", "wr_col < 1", module="rvg_tile_to_raster"),
    "lost": Fault("m3", ".m_axis_tready(data_tready)", ".m_axis_tready(1'b1)", stalls="choked"),
    "no_room": Fault("m3", "(!first_q || start_ok)", "1'b1", "set began without room", module="rvg_issue",
                     stalls="choked"),
    "too_close": Fault("m3", ".SPACING(SPACING)", ".SPACING(1)", "sums came before those before"),
    "too_slow": Fault("m3_rows", ".SPACING(SPACING)", ".SPACING(K)", stalls="flowing"),
    "other_parts": Fault("m2_parts", "pixel[PI*X_W*part_q +: PI*X_W]", "pixel[0 +: PI*X_W]",
                         module="rvg_winograd_input_transform"),
    "a_beat_too_many": Fault("m3", "y_valid <= valid_q[6];", "y_valid <= |valid_q[6:5];",
                             "a beat was written that nothing was reserved for", module="rvg_requant_relu"),
}  # fmt: skip


def test_layer_equals_golden(tmp_path: Path) -> None:
    """Under patterns of stalls; flowing freely, the measured frame interval is the planned one."""
    check(tmp_path, LAYER, {name: winograd_parameters(unit) for name, unit in UNITS.items()}, FAULTS)


@pytest.mark.parametrize("kind", some(itertools.product(TILES, STRIDES), 4), ids=str)
def test_lints_clean(tmp_path: Path, kind: tuple[int, int]) -> None:
    m, stride = kind
    parameters = winograd_parameters(WinogradUnit(m, 8, 8, 9, 16, pi=2, po=4, acc_bits=28, stride=stride))
    assert lint(unit_sources(tmp_path, LAYER, [parameters]), LAYER, parameters) == ""
