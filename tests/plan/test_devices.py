"""The table of devices, against figures from other places, and `repvgg-hw devices`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from repvgg_hw.cli import main
from repvgg_hw.errors import InputError
from repvgg_hw.plan import device as devices
from repvgg_hw.plan.boards import BOARDS
from repvgg_hw.plan.clocks import DIGITS_MHZ
from repvgg_hw.plan.parts import FAMILIES, PARTS
from repvgg_hw.plan.request import Algorithms

# What the project's issue says of its boards: DSP, block RAMs of 18 kbit, URAM, LUT, GB/s.
ISSUE = {
    "pynq-z2": (220, 280, 0, 53_200, None),
    "zedboard": (220, 280, 0, 53_200, None),
    "kv260": (1248, 288, 64, 117_120, 19.2),
    "zcu104": (1728, 624, 96, None, None),
    "ulx3s-85f": (156, 208, 0, 83_640, 0.1),
    "orangecrab-85f": (156, 208, 0, 83_640, None),
}
# Geometry that the counts must have, from the vendors' user guides on configurable logic: a slice of the
# 7 series has 4 LUTs and 8 flip-flops; UltraScale's CLB 8 and 16; ECP5's PFU 8 and 8, half of them memory.
FLIP_FLOPS = {"xc7": 2, "xcup": 2, "ecp5": 1}


@pytest.mark.parametrize("name", ISSUE)
def test_figures_that_others_state(name: str) -> None:
    device = devices.get(name)
    part = device.part
    found = (part.dsp, part.bram, part.uram, part.lut, device.dram_gbytes)
    assert [a for a, b in zip(found, ISSUE[name], strict=True) if b is not None and a != b] == []


@pytest.mark.parametrize("name", PARTS)
def test_counts_have_the_family_s_geometry(name: str) -> None:
    part = PARTS[name]
    assert part.ff == FLIP_FLOPS[part.family] * part.lut
    assert part.lut % (4 if part.family == "xc7" else 8) == 0
    assert 0.25 * part.lut < part.lutram <= 0.55 * part.lut
    assert part.source.document
    assert (part.nextpnr is not None) == (part.family == "ecp5")


def test_every_board_has_a_part_and_every_name_is_found() -> None:
    assert {board.part for board in BOARDS.values()} <= PARTS.keys()
    assert {part.family for part in PARTS.values()} == FAMILIES.keys()
    for name in devices.names():
        assert devices.get(name.upper()).name == name


def test_a_board_overrides_its_part_s_package() -> None:
    assert devices.get("pynq-z2").package == "clg400"
    assert devices.get("zedboard").package == "clg484"
    assert (devices.get("orangecrab-85f").package, devices.get("orangecrab-85f").speed) == ("CSFBGA285", "8")


def test_no_clock_without_a_routed_design() -> None:
    for name in devices.names():
        clock = devices.get(name).clock
        assert clock is None or "routed" in clock.source
    assert devices.get("pynq-z2").clock is None


def test_a_default_clock_is_the_median_that_the_page_has() -> None:
    """Of three seeds' routes by one command; the table of docs/synthesis.md is what was measured."""
    page = (Path(__file__).parents[2] / "docs" / "synthesis.md").read_text()
    seeds = ", ".join(map(str, DIGITS_MHZ))
    assert f"**{sorted(DIGITS_MHZ)[1]}** in the median: {seeds}" in page
    for name in ("ulx3s-85f", "orangecrab-85f"):
        clock = devices.get(name).clock
        assert clock is not None
        assert clock.mhz == sorted(DIGITS_MHZ)[1]
    assert "speed 8 is faster" in CliRunner().invoke(main, ["devices", "orangecrab-85f"]).output


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(InputError, match="no device 'kv261': did you mean kv260"):
        devices.get("kv261")


def test_the_table_fits_80_columns_and_names_every_device() -> None:
    result = CliRunner().invoke(main, ["devices"])
    assert result.exit_code == 0
    lines = result.output.splitlines()
    assert max(map(len, lines)) <= 80
    assert [line.split()[0] for line in lines[3:-2]] == devices.names()


def test_json_carries_every_figure_with_its_source() -> None:
    result = CliRunner().invoke(main, ["devices", "--json"])
    rows = json.loads(result.output)["devices"]
    assert [row["name"] for row in rows] == devices.names()
    kv260 = next(row for row in rows if row["name"] == "kv260")
    assert (kv260["dsp"], kv260["uram"], kv260["family"]["name"]) == (1248, 64, "xcup")
    for row in rows:
        assert {"dsp, bram, uram, lut, ff", "lutram", "clock"} <= row["sources"].keys()
        assert all(row["sources"].values())


def test_one_device_with_its_sources() -> None:
    result = CliRunner().invoke(main, ["devices", "zcu104"])
    assert "1,728 DSP48E2, 27x18" in result.output
    assert "96 of 288 kbit, without initial contents" in result.output
    assert "clock: none: nothing was routed on it" in result.output


def test_an_unknown_device_is_one_line() -> None:
    result = CliRunner().invoke(main, ["devices", "virtex"])
    assert result.exit_code == 2 or isinstance(result.exception, InputError)


@pytest.mark.parametrize("name", devices.names())
def test_the_page_says_what_the_table_says(name: str) -> None:
    page = (Path(__file__).parents[2] / "docs" / "devices.md").read_text()
    rows = [[cell.strip() for cell in line.split("|")] for line in page.splitlines()]
    device = devices.get(name)
    row = next(row for row in rows if len(row) > 1 and row[1] == name)
    if device.board is None:
        part = device.part
        counts = (part.dsp, part.bram, part.uram, part.lut, part.ff, part.lutram)
        assert row[3:9] == [f"{count:,}" for count in counts]
        assert row[9].startswith(str(part.source))
    else:
        assert row[2:4] == [device.part.name, f"{device.package}, {device.speed}"]
        clock = "none" if device.clock is None else f"{device.clock.mhz:g} MHz"
        assert row[5:8] == [f"{device.dram_gbytes:g}", str(device.board.dram.source), clock]


@pytest.mark.parametrize("ports", [(27, -1), (10**9, 18), (0, 18), (1, 1)])
def test_ports_that_no_multiplier_has_are_refused(ports: tuple[int, int]) -> None:
    """Of a design.json as well, where no option was parsed."""
    with pytest.raises(InputError, match="signed ports"):
        Algorithms(dsp=ports)
