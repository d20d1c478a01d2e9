"""The report's pictures: SVG that stands in the page, drawn from the design and what simulation found."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape

from repvgg_hw.design import Design
from repvgg_hw.design.accuracy import LayerNoise
from repvgg_hw.design.results import Divergence, SimulationResult
from repvgg_hw.network import IntegerNetwork
from repvgg_hw.plan.engine.plan import EnginePlan
from repvgg_hw.plan.planner import LayerPlan
from repvgg_hw.plan.stream.plan import Plan
from repvgg_hw.targets.verilog import netlist

WIDTH = 1120  # of every picture, in the page's pixels
BOX, HIGH, GAP, LINE = (140, 46), 88, 56, "#8a93a0"  # a block, a row of them, between two, their lines
COLOURS = {
    "conv3x3": "#dce8f5",
    "linear": "#e8e0f2",
    "global_sum": "#e8e0f2",
}  # by what a module's name holds
PLAIN = "#eef0f3"
INK, SOFT, OWN, WRONG = "#1b1f24", "#566070", "#3b6ea5", "#b3261e"
NOTHING = "no frame came out of it"  # in place of a bar
LARGEST_MAP = 420  # pixels of the longer side


@dataclass(frozen=True)
class Block:
    """A unit of the hardware, and the words on the stream that it sends."""

    title: str
    kind: str
    sends: str


def blocks(design: Design[Any]) -> list[Block]:
    """The units in the order in which data pass them; none for an architecture that nobody draws."""
    plan = design.plan
    if isinstance(plan, Plan):
        net = netlist.build(plan)
        first = Block("pixels", "AXI4-Stream", _stream(net.source))
        return [first, *(Block(u.ident, u.module.removeprefix("rvg_"), _stream(u.sink)) for u in net.units)]
    if isinstance(plan, EnginePlan):
        array = plan.array
        tile = f"{array.n}x{array.n}"
        return [
            Block("DRAM", "weights, maps", "AXI4"),
            Block("data memory", f"{plan.memory_bits / 1024:,.0f} kbit", f"{array.pi} x {tile}"),
            Block("array", f"{array.multipliers:,} multipliers", f"{array.lanes} lanes"),
            Block("requantization", f"{plan.requant_multipliers:,} multipliers", "AXI4"),
            Block("DRAM", "maps, logits", ""),
        ]
    return []


def _stream(stream: netlist.Stream) -> str:
    return f"{stream.lanes} x {stream.lane_bits} b"


def diagram(design: Design[Any]) -> Markup:
    """The block diagram: rows of units from left to right; "" where there is none."""
    shown = blocks(design)
    if not shown:
        return Markup("")
    columns = (WIDTH + GAP) // (BOX[0] + GAP)
    parts = [
        part for number, block in enumerate(shown) for part in _block(block, number, columns, len(shown))
    ]
    return _svg(
        (len(shown) - 1) // columns * HIGH + BOX[1] + 8, parts, f"block diagram of {design.plan.name}"
    )


def _block(block: Block, number: int, columns: int, of: int) -> Iterator[str]:
    row, column = divmod(number, columns)
    x, y = column * (BOX[0] + GAP), row * HIGH + 4
    colour = next((c for name, c in COLOURS.items() if name in block.kind), PLAIN)
    place = f'x="{x + 1}" y="{y}" width="{BOX[0] - 2}" height="{BOX[1]}" rx="5"'
    yield f'<rect {place} fill="{colour}" stroke="{LINE}"/>'
    yield _text(x + BOX[0] / 2, y + 19, _short(block.title, 18), weight="bold")
    yield _text(x + BOX[0] / 2, y + 36, _short(block.kind, 21), size=11, colour=SOFT)
    if number + 1 == of:
        return
    end, middle = x + BOX[0], y + BOX[1] / 2
    if column + 1 < columns:
        yield f'<path d="M{end} {middle}h{GAP - 6}m-5 -4l5 4l-5 4" fill="none" stroke="{SOFT}"/>'
        yield _text(end + GAP / 2 - 2, middle - 6, block.sends, size=10, colour=SOFT)
    else:
        below = y + HIGH - 8
        path = f"M{x + BOX[0] / 2} {y + BOX[1]}V{below - 14}H{BOX[0] / 2}V{below}"
        yield f'<path d="{path}m-4 -5l4 5l4 -5" fill="none" stroke="{SOFT}"/>'
        yield _text(x + BOX[0] / 2 - 8, below - 18, block.sends, size=10, colour=SOFT, anchor="end")


@dataclass(frozen=True)
class Span:
    """A layer at work, in cycles from the frame's beginning; end None: its frame never came.

    passed  False where a value of any frame differed, or frames are missing
    """

    name: str
    begin: int
    end: int | None
    passed: bool = True


def spans(design: Design[Any], result: SimulationResult | None) -> list[Span]:
    """When each layer works on the first frame.

    Of streams as simulated: until a layer's last value has left, as long as it is planned to compute; where
    one has failed, the others are as they were. Of an engine as planned, one behind another. None where
    nobody knows: no run of the whole chain without pauses, or none in which a frame came anywhere.
    """
    plan = design.plan
    failed = {layer.name for layer in result.layers if not layer.passed} if result else set()
    if isinstance(plan, EnginePlan):
        found, before = [], 0
        for layer in plan.layers:
            passed = layer.name not in failed
            found.append(Span(layer.name, before, before + layer.cycles, passed))
            before += layer.cycles
        return found
    if result is None or result.mode != "network" or result.stalls:
        return []
    ends = {layer.name: layer.cycles[0] for layer in result.layers if layer.cycles}
    if not ends:
        return []
    compared = {layer.name for layer in result.layers}
    return [_span(layer, ends.get(layer.name), failed) for layer in plan.layers if layer.name in compared]


def _span(layer: LayerPlan, end: int | None, failed: Container[str]) -> Span:
    begin = 0 if end is None else max(0, end - layer.cycles)
    return Span(layer.name, begin, end, layer.name not in failed)


def timeline(shown: Sequence[Span]) -> Markup:
    """One frame on its way through the layers; "" where nothing is known."""
    if not shown:
        return Markup("")
    left, right, high = 110, 90, 16
    last = max(span.end or 0 for span in shown) or 1
    scale = (WIDTH - left - right) / last
    parts = []
    for number, span in enumerate(shown):
        y = number * high + 4
        name, bar = (INK, OWN) if span.passed else (WRONG, WRONG)
        parts.append(_text(left - 8, y + 10, _short(span.name, 15), size=11, anchor="end", colour=name))
        if span.end is None:
            parts.append(_text(left, y + 10, NOTHING, size=10, anchor="start", colour=WRONG))
            continue
        x, width = left + span.begin * scale, max(1.0, (span.end - span.begin) * scale)
        parts.append(f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{high - 4}" fill="{bar}"/>')
        parts.append(_text(x + width + 5, y + 10, f"{span.end:,}", size=10, colour=SOFT, anchor="start"))
    return _svg(len(shown) * high + 8, parts, "timeline of one frame, in cycles")


def noise(shown: LayerNoise | None) -> Markup:
    """Each layer's signal over quantization noise, as bars; "" where nothing is known."""
    if shown is None or not shown.layers:
        return Markup("")
    left, right, high = 110, 90, 16
    scale = (WIDTH - left - right) / max([1.0, *(value for value in shown.layers.values() if value)])
    parts = []
    for number, (name, value) in enumerate(shown.layers.items()):
        y = number * high + 4
        parts.append(_text(left - 8, y + 10, _short(name, 15), size=11, anchor="end"))
        width = 0.0 if value is None else max(1.0, value * scale)
        words = "nothing differs" if value is None else f"{value:.1f} dB"
        parts.append(f'<rect x="{left}" y="{y}" width="{width:.1f}" height="{high - 4}" fill="{OWN}"/>')
        parts.append(_text(left + width + 5, y + 10, words, size=10, colour=SOFT, anchor="start"))
    return _svg(len(shown.layers) * high + 8, parts, "signal over quantization noise of each layer, in dB")


def map_size(network: IntegerNetwork, layer: str) -> tuple[int, int, int] | None:
    """Channels, height and width of a convolution's output; None for a layer without a map."""
    _, height, width = network.in_shape
    for conv in network.convs:
        height, width = -(-height // conv.stride), -(-width // conv.stride)
        if conv.name == layer:
            return len(conv.weight), height, width
    return None


def where(divergence: Divergence, size: tuple[int, int, int]) -> Markup:
    """The map of the channel that differs, and the value in it; "" for one that is none of the map's."""
    channels, height, width = size
    row, column = divergence.row, divergence.column
    if (
        row is None
        or column is None
        or not (row < height and column < width and divergence.channel < channels)
    ):
        return Markup("")
    cell = LARGEST_MAP / max(height, width)
    x, y, left, top = column * cell, row * cell, 60, 20
    side = max(cell, 3.0)
    parts = [
        f'<rect x="{left}" y="{top}" width="{width * cell:.1f}" height="{height * cell:.1f}" fill="{PLAIN}" '
        f'stroke="{LINE}"/>',
        f'<path d="M{left} {top + y + cell / 2:.1f}h{width * cell:.1f}M{left + x + cell / 2:.1f} {top}'
        f'v{height * cell:.1f}" stroke="{WRONG}" stroke-dasharray="3 3" opacity="0.5"/>',
        f'<rect x="{left + x:.1f}" y="{top + y:.1f}" width="{side:.1f}" height="{side:.1f}" fill="{WRONG}"/>',
        _text(left - 6, top + y + cell / 2 + 4, f"row {row}", size=11, anchor="end"),
        _text(left + x + cell / 2, top - 6, f"column {column}", size=11),
    ]
    words = [
        f"{divergence.layer}, image {divergence.image}",
        f"channel {divergence.channel} of {channels}, {height} rows of {width}",
        f"expected {divergence.expected}",
        f"got {divergence.got}",
    ]
    beside = left + max(width * cell, x + 60) + 40
    parts += [
        _text(beside, top + 20 + 20 * number, line, anchor="start", colour=WRONG if number == 3 else INK)
        for number, line in enumerate(words)
    ]
    return _svg(top + max(height * cell, 100) + 10, parts, f"where {divergence.layer} differs first")


def _svg(height: float, parts: Sequence[str], title: str) -> Markup:
    head = (
        f'<svg class="picture" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" '
        f'role="img" font-size="12" fill="{INK}"><title>{escape(title)}</title>'
    )
    return Markup("\n".join([head, *parts, "</svg>"]))


def _text(
    x: float,
    y: float,
    words: str,
    *,
    size: int = 12,
    colour: str = INK,
    anchor: str = "middle",
    weight: str = "",
) -> str:
    bold = f' font-weight="{weight}"' if weight else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{colour}" text-anchor="{anchor}"{bold}>'
        f"{escape(words)}</text>"
    )


def _short(words: str, most: int) -> str:
    return words if len(words) <= most else f"{words[: most - 3]}..."
