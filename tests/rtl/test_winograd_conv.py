"""The whole Winograd layer in RTL against golden.conv_layer, its lint, and faults that turn the bench red."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from winograd_runner import run_bench, write_networks

from repvgg_hw.files import templates_dir
from repvgg_hw.plan.stream.winograd import WinogradUnit
from repvgg_hw.targets.verilog.emit import library_sources
from repvgg_hw.targets.verilog.netlist import winograd_parameters
from repvgg_hw.targets.verilog.simulator import verilator
from repvgg_hw.winograd.matrices import STRIDES, TILES

TOP, BENCH = "rvg_conv3x3_winograd", "tb_rvg_conv3x3_winograd"
STALLS = {"seed": 1, "frames": 2, "extreme": False, "source_stall": 0.3, "sink_stall": 0.3, "interval": False}
FLOWING = STALLS | {"frames": 3, "extreme": True, "source_stall": 0.0, "sink_stall": 0.0, "interval": True}

UNITS: dict[str, dict[str, Any]] = {
    # groups, several lanes, tiles that overhang both edges
    "m4_groups": {"m": 4, "c_in": 12, "c_out": 4, "height": 6, "width": 9, "pi": 1, "po": 2, "groups": 2},
    # the largest tile fits the map exactly; one multiplier per position
    "m7": {"m": 7, "c_in": 9, "c_out": 9, "height": 7, "width": 7, "pi": 1, "po": 1},
    # stride 2 in phases, signed pixels of three channels at once
    "m3_stride2": {"m": 3, "stride": 2, "c_in": 3, "c_out": 4, "height": 9, "width": 8, "pi": 3, "po": 2,
                   "in_signed": True},
    # multipliers and output stream both without a cycle to spare
    "m2_busy": {"m": 2, "c_in": 8, "c_out": 8, "height": 10, "width": 10, "pi": 4, "po": 2},
    # one pixel, one channel
    "m2_one": {"m": 2, "c_in": 1, "c_out": 1, "height": 1, "width": 1, "pi": 1, "po": 1},
}  # fmt: skip

# file, text, its replacement: a coefficient, the division, the right edge, the last tile row
FAULTS = {
    "data network": ("rvg_winograd_data_m3_s1.sv", ".B_NEG(1)", ".B_NEG(0)"),
    "output network": ("rvg_winograd_output_m3_s1.sv", ".B_SHIFT(1)", ".B_SHIFT(2)"),
    "division": ("rvg_winograd_divide_m3_s1.sv", ".B_SHIFT(6)", ".B_SHIFT(7)"),
    "right edge": ("rvg_tile_to_raster.sv", "wr_col < COL_W'(WIDTH)", "wr_col < COL_W'(WIDTH - 1)"),
    "last tile row": ("rvg_tile_to_raster.sv", "PIX_W'(LAST_ROWS - 1)", "PIX_W'(M - 1)"),
}


@pytest.mark.parametrize("name", UNITS)
def test_layer_equals_golden(tmp_path: Path, name: str) -> None:
    """With stalls, then flowing freely: there the measured frame interval is the planned one."""
    fields: dict[str, Any] = UNITS[name] | {"acc_bits": 24}
    unit = WinogradUnit(**fields)
    flowing = FLOWING | {"interval": unit.cycles > 100}  # smaller maps: handing a row over takes longer
    for config in (STALLS, flowing):
        assert run_bench(tmp_path, TOP, BENCH, winograd_parameters(unit), {"unit": fields, **config}), (
            tmp_path
        )


@pytest.mark.parametrize("name", FAULTS)
def test_fault_is_found(tmp_path: Path, name: str) -> None:
    fields: dict[str, Any] = {
        "m": 3,
        "c_in": 2,
        "c_out": 2,
        "height": 4,
        "width": 5,
        "pi": 1,
        "po": 1,
        "acc_bits": 24,
    }
    config = {"unit": fields, **STALLS}
    assert not run_bench(
        tmp_path, TOP, BENCH, winograd_parameters(WinogradUnit(**fields)), config, fault=FAULTS[name]
    )


@pytest.mark.parametrize("stride", STRIDES)
@pytest.mark.parametrize("m", TILES)
def test_lints_clean(tmp_path: Path, m: int, stride: int) -> None:
    unit = WinogradUnit(m, 8, 8, 9, 16, pi=2, po=4, acc_bits=28, stride=stride)
    sources = [*library_sources({TOP, "rvg_shift_add"}), *write_networks(tmp_path, [(m, stride)])]
    parameters = [f"-G{key}={value}" for key, value in winograd_parameters(unit).items()]
    waivers = templates_dir() / "verilog" / "lint.vlt"
    with verilator.tool_environment():
        done = subprocess.run(
            ["verilator", "--lint-only", "-Wall", waivers, *sources, "--top-module", TOP, *parameters],
            capture_output=True,
            text=True,
        )
    assert done.returncode == 0, done.stderr
    assert "%Warning" not in done.stderr, done.stderr
