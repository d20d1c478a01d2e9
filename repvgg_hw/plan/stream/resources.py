"""What a streaming plan takes of a device: DSPs, block RAMs, LUTs, flip-flops, layer by layer.

DSPs and block RAMs are counted by rules: what templates/verilog/cells/ makes of a product, and Yosys' own for
wider ones, which are left to inference, and for memories (`memory_map`). LUTs and flip-flops are sums of
features with measured coefficients; docs/devices.md says how near they are.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from repvgg_hw.files import templates_dir
from repvgg_hw.network import MULTIPLIER_BITS
from repvgg_hw.plan.parts import FAMILIES
from repvgg_hw.plan.resources import Resources, total
from repvgg_hw.plan.stream import features
from repvgg_hw.plan.stream.direct import ConvPlan
from repvgg_hw.plan.stream.features import Features
from repvgg_hw.plan.stream.layers import AnyConvPlan
from repvgg_hw.plan.stream.linear import LinearPlan
from repvgg_hw.plan.stream.memories import conv_memories, linear_memories
from repvgg_hw.plan.stream.timing import PAIR_BITS

LIBRARY = ("cells/*.v", "common/*.sv", "stream/*.sv", "top.sv.j2", "winograd_*.sv.j2")
if TYPE_CHECKING:
    from repvgg_hw.plan.stream.plan import Plan

GLUE = "between layers"  # the part of a design that is no layer: no layer's name has a space
LOW_BITS = 17  # of an operand that is cut: an unsigned half in a signed port of 18 bits
COEFFICIENTS = Path(__file__).with_name("coefficients.json")


def multipliers(a: int, b: int, family: str) -> int:
    """DSPs for one signed product of a by b bits, as templates/verilog/cells/ makes it.

    It is cut where it is wider than a port, once: the low half is unsigned, so it uses one bit less. What
    is wider still is left to Yosys, which cuts as often as it needs to; on xc7 it gets LUTs, since there
    inference is switched off (synth/family.py).
    """
    wide, narrow = FAMILIES[family].dsp_ports
    a, b = max(a, b), min(a, b)
    if b <= narrow and a <= wide + LOW_BITS:
        return 1 if a <= wide else 2
    if family == "xc7":
        return 0
    pieces = [1 if bits <= port else -(-(bits - 1) // (port - 1)) for bits, port in ((a, wide), (b, narrow))]
    return pieces[0] * pieces[1]


def dsps(unit: AnyConvPlan | LinearPlan, family: str) -> int:
    """DSPs of a layer: its products, and those of requantization."""
    if isinstance(unit, LinearPlan):
        return unit.multipliers * multipliers(unit.sum_bits + 1, unit.weight_bits, family)
    products = unit.multipliers
    if isinstance(unit, ConvPlan):
        operand = unit.in_bits + (not unit.in_signed)
        product = multipliers(operand, PAIR_BITS if unit.pairs else unit.weight_bits, family)
        if unit.pairs:
            products = products // unit.po * -(-unit.po // 2)
    else:
        product = multipliers(unit.widths.data, unit.widths.weight, family)
    scaled = unit.requant_multipliers * multipliers(unit.acc_bits, MULTIPLIER_BITS + 1, family)
    return products * product + scaled


@cache
def coefficients() -> Mapping[str, Mapping[str, Mapping[str, float]]]:
    """family -> "lut" or "ff" -> feature -> how many of it a bit takes."""
    content: dict[str, dict[str, dict[str, float]]] = json.loads(COEFFICIENTS.read_text())["families"]
    return content


@cache
def library() -> str:
    """A digest of what streaming designs are made of, without comments, to which a measurement belongs."""
    digest = hashlib.sha256()
    folder = templates_dir() / "verilog"
    for path in sorted(path for part in LIBRARY for path in folder.glob(part)):
        code = re.sub(r"\s*//.*", "", path.read_text())
        digest.update(path.name.encode() + code.encode())
    return digest.hexdigest()[:16]


def is_current() -> bool:
    """Whether the coefficients are of the Verilog library as it stands."""
    measured: str = json.loads(COEFFICIENTS.read_text())["library"]
    return measured == library()


def _logic(found: Features, family: str) -> tuple[int, int]:
    """(LUT, FF) of features."""
    lut, ff = (
        sum(rate * found.get(name, 0) for name, rate in coefficients()[family][what].items())
        for what in ("lut", "ff")
    )
    return round(lut), round(ff)


def of_unit(unit: AnyConvPlan | LinearPlan, family: str) -> Resources:
    """Of one layer, with its tables."""
    memories = linear_memories(unit) if isinstance(unit, LinearPlan) else conv_memories(unit)
    mapped = [(memory.mapped(family), memory.copies) for memory in memories]
    lut, ff = _logic(features.of_unit(unit, family), family)
    return Resources(
        dsp=dsps(unit, family),
        bram=sum(m.bram * copies for m, copies in mapped),
        lut=lut,
        ff=ff,
        lutram=round(sum(m.lut * copies for m, copies in mapped)),
    )


def glue_features(plan: Plan) -> Features:
    """What joins the layers: registers at both ends, the check of frames, converters between streams."""
    lanes, bits = plan.in_shape[0], plan.in_bits
    found = Features({"designs": 1}) + features.of_stream_register(lanes * bits)
    for conv in plan.convs:
        found += features.of_converter(lanes, conv.in_lanes, bits)
        lanes, bits = conv.out_lanes, conv.out_bits
    if plan.linear is None:
        out = plan.output
        return found + features.of_output(out.lanes * out.bits) + features.of_stream_register(8 * out.lanes)
    found += features.of_stream_register(plan.linear.acc_bits)
    return found + features.of_converter(lanes, plan.linear.pi, plan.linear.sum_bits)


def plan_features(plan: Plan, family: str) -> Features:
    """Of the whole design."""
    found = glue_features(plan)
    for layer in plan.layers:
        found += features.of_unit(layer, family)
    return found


def by_part(plan: Plan, family: str) -> dict[str, Resources]:
    """Of each layer by its name, and of what joins them."""
    lut, ff = _logic(glue_features(plan), family)
    return {layer.name: of_unit(layer, family) for layer in plan.layers} | {GLUE: Resources(lut=lut, ff=ff)}


def of_plan(plan: Plan, family: str) -> Resources:
    """Of the whole design."""
    return total(by_part(plan, family).values())
