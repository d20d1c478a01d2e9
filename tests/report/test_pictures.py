"""The report's pictures say what the design and its result say."""

from __future__ import annotations

import itertools
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path
from typing import Any

import engine_designs
import pytest
from hls_networks import Layer, random_network

from repvgg_hw import golden
from repvgg_hw.design import Design
from repvgg_hw.design.results import Divergence, LayerResult, SimulationResult
from repvgg_hw.model.images import synthetic
from repvgg_hw.plan.request import Request
from repvgg_hw.report import pictures
from repvgg_hw.targets.generate import write

LAYERS = [Layer(4, stride=2, pi=3, po=2), Layer(8, pi=2, po=4, m=2), Layer(4, stride=2)]


@pytest.fixture(scope="module")
def design(tmp_path_factory: pytest.TempPathFactory) -> Design[Any]:
    network, plan = random_network(LAYERS, in_shape=(3, 10, 14), classes=3)
    made: Design[Any] = Design(
        tmp_path_factory.mktemp("pictures") / "net", Request("verilog", plan.budget), network, plan, {}
    )
    write(made)
    return made


def texts(picture: str) -> list[str]:
    return [str(e.text) for e in ET.fromstring(picture).iter() if e.tag.endswith("text")]


def test_the_diagram_has_the_units_of_the_top(design: Design[Any]) -> None:
    """Its blocks are the instances that the emitted Verilog joins, in their order."""
    (top,) = (design.directory / "rtl").glob("repvgg_*.sv")
    source = top.read_text()
    shown = pictures.blocks(design)[1:]
    for block in shown:
        assert re.search(rf"\bu_{block.title} \(", source), block
        assert f"rvg_{block.kind}" in source
    places = [source.index(f" u_{block.title} (") for block in shown]
    assert places == sorted(places)
    drawn = texts(pictures.diagram(design))
    assert [block.title for block in shown if block.title in drawn] == [block.title for block in shown]
    widths = re.findall(r"logic +\[(\d+):0\] +(\w+)_tdata;", source)
    bits = {name: int(high) + 1 for high, name in widths}
    for block in shown:
        lanes, lane_bits = map(int, re.findall(r"\d+", block.sends))
        assert bits.get(block.title, lanes * lane_bits) == lanes * lane_bits


def test_an_engine_s_parts(tmp_path: Path) -> None:
    made = engine_designs.write(tmp_path / "engine")
    drawn = texts(pictures.diagram(made))
    assert f"{made.plan.array.multipliers:,} multipliers" in drawn
    spans = pictures.spans(made, None)
    assert spans[0].begin == 0
    assert all(one.end == other.begin for one, other in itertools.pairwise(spans))
    assert [span.end - span.begin for span in spans if span.end is not None] == [
        layer.cycles for layer in made.plan.layers
    ]


def simulated(design: Design[Any]) -> SimulationResult:
    layers = tuple(
        LayerResult(layer.name, 9, layer.cycles, cycles=(400 + 50 * n, 900 + 50 * n))
        for n, layer in enumerate(design.plan.layers)
    )
    return SimulationResult("verilog", "network", 2, 2, 0, layers, (), design.plan.frame_interval)


def test_the_timeline_is_of_the_first_frame(design: Design[Any]) -> None:
    result = simulated(design)
    spans = pictures.spans(design, result)
    assert [span.end for span in spans] == [layer.cycles[0] for layer in result.layers]
    assert [span.name for span in spans] == [layer.name for layer in design.plan.layers]
    drawn = texts(pictures.timeline(spans))
    assert all(f"{span.end:,}" in drawn for span in spans)
    for other in (None, replace(result, mode="layers"), replace(result, stalls=1)):
        assert pictures.timeline(pictures.spans(design, other)) == ""  # nobody knows


@pytest.mark.parametrize("failing", range(4))
def test_the_timeline_of_a_design_in_which_one_layer_fails(design: Design[Any], failing: int) -> None:
    """Whichever it is: every layer stands at its place, that one alone is red."""
    result = simulated(design)
    spans = pictures.spans(design, with_layer(result, failing, problem="differs"))
    assert [span.name for span in spans] == [layer.name for layer in design.plan.layers]
    assert [span.end for span in spans] == [layer.cycles[0] for layer in result.layers]
    bars = [e.get("fill") for e in ET.fromstring(pictures.timeline(spans)).iter() if e.tag.endswith("rect")]
    assert bars == [pictures.WRONG if n == failing else pictures.OWN for n in range(4)]


def test_the_timeline_of_a_design_in_which_one_layer_sends_nothing(design: Design[Any]) -> None:
    """A layer that hangs has no frame, and starves the one behind it: both are said, the others drawn."""
    result = simulated(design)
    for silent in (2, 3):
        result = with_layer(result, silent, problem="stops in image 0", cycles=())
    spans = pictures.spans(design, result)
    assert [span.end is None for span in spans] == [False, False, True, True]
    picture = pictures.timeline(spans)
    assert texts(picture).count(pictures.NOTHING) == 2
    assert picture.count("<rect") == 2
    for silent in (0, 1):
        result = with_layer(result, silent, problem="stops in image 0", cycles=())
    assert pictures.timeline(pictures.spans(design, result)) == ""


def with_layer(result: SimulationResult, number: int, **changes: Any) -> SimulationResult:
    layers = list(result.layers)
    layers[number] = replace(layers[number], **changes)
    return replace(result, layers=tuple(layers), problems=("one layer fails",))


def test_a_map_s_size_is_golden_s(design: Design[Any]) -> None:
    x = golden.quantize_input(synthetic(1, design.network.in_shape), design.network)
    for name, y in golden.trace(x, design.network):
        expected = None if name in ("pool", "linear") else y.shape[1:]
        assert pictures.map_size(design.network, name) == expected


def test_where_it_differs() -> None:
    first = Divergence("stage0", 2, 3, 4, 6, 11, 12)
    picture = pictures.where(first, (8, 5, 7))
    root = ET.fromstring(picture)
    (mark,) = [e for e in root.iter() if e.get("fill") == pictures.WRONG and e.tag.endswith("rect")]
    frame = next(e for e in root.iter() if e.tag.endswith("rect"))
    x, y, side = (float(mark.get(key, "")) for key in ("x", "y", "width"))
    left, top, wide, high = (float(frame.get(key, "")) for key in ("x", "y", "width", "height"))
    assert (x - left) / wide == pytest.approx(6 / 7, abs=0.01)
    assert (y - top) / high == pytest.approx(4 / 5, abs=0.01)
    assert side == pytest.approx(wide / 7, abs=0.1)
    assert {"row 4", "column 6", "expected 11", "got 12", "channel 3 of 8, 5 rows of 7"} <= set(
        texts(picture)
    )


@pytest.mark.parametrize("wrong", [{"row": None}, {"row": 5}, {"column": 7}, {"channel": 8}])
def test_what_is_in_no_map_is_not_drawn(wrong: dict[str, Any]) -> None:
    assert pictures.where(replace(Divergence("stage0", 0, 0, 0, 0, 1, 2), **wrong), (8, 5, 7)) == ""
