"""What each part takes of a device: the parts make up the plan's estimate, and netlists stand beside it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import engine_designs
import pytest
from hls_networks import Layer, random_network

from repvgg_hw import design as designs
from repvgg_hw.design import Design
from repvgg_hw.plan.parts import FAMILIES
from repvgg_hw.plan.request import OnDevice, Request
from repvgg_hw.plan.resources import total
from repvgg_hw.report import Summary, summarize, write_html
from repvgg_hw.report.taken import ALL
from repvgg_hw.synth.result import AVAILABLE, Part, Planned, Resources, Synthesis, Unit

DEVICE, FAMILY = "ulx3s-85f", "ecp5"
CELLS = Resources(31, 32, 33, 34, 35)


@pytest.fixture(scope="module", params=["stream", "engine"])
def design(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Design[Any]:
    folder = tmp_path_factory.mktemp("taken") / "net"
    if request.param == "engine":
        return engine_designs.write(folder)
    network, plan = random_network([Layer(4, pi=3, po=2), Layer(8, pi=2, po=2, m=4)], in_shape=(3, 8, 8))
    made: Design[Any] = Design(folder, Request("verilog", plan.budget), network, plan, {})
    folder.mkdir()
    designs.save(made)
    return made


def on_device(design: Design[Any]) -> Summary:
    summary = summarize(design)
    return replace(summary, design=replace(design, request=replace(design.request, device=OnDevice(DEVICE))))


def synthesis(*parts: Part, device: str = DEVICE) -> Synthesis:
    return Synthesis(device, FAMILY, "Yosys", dict.fromkeys(AVAILABLE, 100), parts)


def part(name: str, *units: Unit) -> Part:
    return Part(name, Planned(0, 0, 0, 0), CELLS, 1.0, 1.0, units=units)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_parts_make_up_the_whole(design: Design[Any], family: str) -> None:
    parts = design.plan.resources_by_part(family)
    assert total(parts.values()) == design.plan.resources(family)
    assert all(min(taken.counts) >= 0 for taken in parts.values())


def test_no_device_is_said(design: Design[Any]) -> None:
    assert summarize(design).taken is None
    assert "it was planned for no device" in write_html(summarize(design)).read_text()


def test_estimates_stand_beside_the_device(design: Design[Any]) -> None:
    summary = on_device(design)
    taken = summary.taken
    assert taken is not None
    assert [row.name for row in taken.rows] == [*design.plan.resources_by_part(FAMILY), ALL]
    assert taken.rows[-1].estimated == design.plan.resources(FAMILY)
    assert not taken.synthesised
    page = write_html(summary).read_text()
    assert f"{DEVICE}: {design.plan.estimate} by the plan" in page
    assert "Nothing of it was synthesised for this device" in page
    dsp, there = taken.rows[-1].estimated.dsp, taken.available.dsp
    assert f"<td>{dsp:,} ({dsp / there:.1%})</td>" in page


def test_netlists_of_parts_stand_beside_them(design: Design[Any]) -> None:
    first = next(iter(design.plan.resources_by_part(FAMILY)))
    for parts in ([part(first)], [part("design", Unit(first, None, CELLS))]):
        summary = replace(on_device(design), synthesis=synthesis(*parts))
        taken = summary.taken
        assert taken is not None
        counted = {row.name: row.counted for row in taken.rows if row.counted is not None}
        assert set(counted) == {first} | ({ALL} if parts[0].name == "design" else set())
        assert counted[first]["lut"] == CELLS.lut
        page = write_html(summary).read_text()
        assert "<th>made</th>" in page
        assert f"<td>{CELLS.lut}</td>" in page


def test_another_device_s_netlist_does_not_stand_beside_them(design: Design[Any]) -> None:
    first = next(iter(design.plan.resources_by_part(FAMILY)))
    summary = replace(on_device(design), synthesis=synthesis(part(first), device="pynq-z2"))
    assert summary.taken is not None
    assert not summary.taken.synthesised
    alone = replace(summarize(design), synthesis=synthesis(part(first), device="pynq-z2"))
    assert alone.taken is not None
    assert alone.taken.device == "pynq-z2"  # planned for none: the one that was synthesised for
