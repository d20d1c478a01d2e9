"""Each unit of the Winograd layer alone, with stalls, against its golden function."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from winograd_runner import run_bench

from repvgg_hw.plan.stream.winograd import WinogradUnit
from repvgg_hw.targets.verilog.netlist import winograd_parameters

STALLS = {"seed": 1, "source_stall": 0.3, "sink_stall": 0.3}
FLOWING = {"seed": 2, "source_stall": 0.0, "sink_stall": 0.0}


def check(
    folder: Path, top: str, bench: str, unit: dict[str, Any], names: Mapping[str, int | bool | str]
) -> None:
    """Run the bench with and without stalls; `names` are the unit's parameters."""
    for config in (STALLS, FLOWING):
        assert run_bench(folder, top, bench, names, {"unit": unit, **config}), folder


UNITS: dict[str, dict[str, Any]] = {
    "m4": {"m": 4, "c_in": 4, "c_out": 4, "height": 6, "width": 9, "pi": 2, "po": 4, "acc_bits": 24},
    "m7": {"m": 7, "c_in": 9, "c_out": 4, "height": 16, "width": 6, "pi": 1, "po": 2, "acc_bits": 26},
    "m5_stride2": {
        "m": 5, "stride": 2, "c_in": 3, "c_out": 6, "height": 9, "width": 12, "pi": 1, "po": 2,
        "acc_bits": 24, "in_signed": True,
    },
}  # fmt: skip


@pytest.mark.parametrize("name", ["m5_stride2"])
def test_input_transform(tmp_path: Path, name: str) -> None:
    unit = WinogradUnit(**UNITS[name])
    names = {
        key: winograd_parameters(unit)[key]
        for key in ("M", "STRIDE", "PI", "X_W", "X_SIGNED", "MIDDLE_W", "DATA_W")
    }
    check(tmp_path, "rvg_winograd_input_transform", "tb_rvg_winograd_input_transform", UNITS[name], names)


@pytest.mark.parametrize("name", ["m4"])
def test_mac(tmp_path: Path, name: str) -> None:
    unit = WinogradUnit(**UNITS[name])
    names = {
        "POSITIONS": unit.kind.size**2,
        "PI": unit.pi,
        "PO": unit.po,
        "WORDS": unit.words,
        "SPACING": unit.spacing,
        "ADDRS": unit.weight_memory[0],
        "DATA_W": unit.widths.data,
        "WEIGHT_W": unit.widths.weight,
        "SUM_W": unit.widths.sum,
    }
    check(tmp_path, "rvg_winograd_mac", "tb_rvg_winograd_mac", UNITS[name], names)


@pytest.mark.parametrize("name", ["m7"])
def test_output_transform(tmp_path: Path, name: str) -> None:
    unit = WinogradUnit(**UNITS[name])
    names = {key: winograd_parameters(unit)[key] for key in ("M", "STRIDE", "PO", "LANES", "ACC_W")}
    names["SHIFT"] = unit.kind.shift
    check(tmp_path, "rvg_winograd_output_transform", "tb_rvg_winograd_output_transform", UNITS[name], names)


@pytest.mark.parametrize("name", ["m4"])
def test_tile_to_raster(tmp_path: Path, name: str) -> None:
    unit = WinogradUnit(**UNITS[name])
    names = {
        "M": unit.m,
        "HEIGHT": unit.out_height,
        "WIDTH": unit.out_width,
        "CHANNELS": unit.c_out,
        "SET_CHANNELS": unit.po,
        "IN_LANES": unit.lanes,
        "OUT_LANES": unit.out_lanes,
    }
    check(tmp_path, "rvg_tile_to_raster", "tb_rvg_tile_to_raster", UNITS[name], names)
