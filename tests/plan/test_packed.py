"""Two products in one multiplier: where a plan asks for it, what it takes, and the table with it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hls_networks import Layer, random_network

from repvgg_hw.plan import request
from repvgg_hw.plan.stream.direct import ConvPlan
from repvgg_hw.plan.stream.planner import StreamPlanner
from repvgg_hw.plan.stream.resources import dsps
from repvgg_hw.plan.stream.timing import pair_chain
from repvgg_hw.schema import plain
from repvgg_hw.targets.verilog.netlist import direct_parameters
from repvgg_hw.targets.verilog.tables import conv_weights

NETWORK, PLAN = random_network([Layer(4, po=2), Layer(6, pi=2, po=3), Layer(4, po=1)], in_shape=(3, 6, 6))


def packed(layer: int) -> ConvPlan:
    conv = PLAN.convs[layer]
    assert isinstance(conv, ConvPlan)
    return replace(conv, packed=True)


@pytest.mark.parametrize(
    ("device", "target", "asked"),
    [
        ("kv260", "verilog", True),
        ("pynq-z2", "verilog", False),
        ("ulx3s-85f", "verilog", False),
        ("kv260", "hls", False),
    ],
)
def test_the_family_decides(device: str, target: str, asked: bool) -> None:
    """And a plan that was written is read again as the same."""
    wanted = request.parse(target, device=device, fill=0.5)
    assert wanted.algorithms.packed is asked
    plan = StreamPlanner().plan(NETWORK, wanted)
    assert {conv.packed for conv in plan.convs if isinstance(conv, ConvPlan)} == {asked}
    assert StreamPlanner().restore(plain(plan.to_json()), NETWORK, wanted) == plan
    assert request.from_json(plain(request.to_json(wanted))) == wanted


def test_without_a_device_nothing_is_packed() -> None:
    assert not request.parse("verilog", multipliers=64, dsp="27x18").algorithms.packed


def test_slices_by_hand() -> None:
    """9 PI slices for each pair, an odd output one of its own; requantization's lanes beside them."""
    of_layer = [dsps(packed(i), "xcup") - packed(i).requant_multipliers for i in range(3)]
    assert of_layer == [9, 36, 9]
    # a pair's operand of 27 bits takes two of the smaller multipliers: as many as products
    assert [dsps(packed(0), family) for family in ("xc7", "ecp5")] == [
        dsps(replace(packed(0), packed=False), family) for family in ("xc7", "ecp5")
    ]
    assert [packed(i).pairs for i in range(3)] == [True, True, False]
    assert [direct_parameters(packed(i))["PACKED"] for i in range(3)] == [True, True, False]


def test_chains_by_hand() -> None:
    """design.md, section 5: 8 products of uint8 at a field of 19 bits; of int8 more than a chain has."""
    assert (pair_chain(8, False, 8), pair_chain(8, True, 8)) == (8, 9)
    assert 8 * 255 * 127 < 1 << 18 <= 9 * 255 * 127


@pytest.mark.parametrize("layer", [0, 1, 2])
def test_the_table_holds_both_weights(layer: int) -> None:
    """Of each pair, upper bits times 2^19 plus lower bits with their sign are both weights in one number."""
    plan, weight = packed(layer), NETWORK.convs[layer].weight
    plain_words = plan.weight_words(weight).reshape(-1, plan.po, 9 * plan.pi)
    words = conv_weights(NETWORK.convs[layer], plan).reshape(plain_words.shape)
    assert words.min() >= -128
    assert words.max() <= 127
    for first in range(0, plan.po, 2):
        low = words[:, first]
        assert (low == plain_words[:, first]).all()
        if plan.pairs and first + 1 < plan.po:
            bits = (words[:, first + 1] & 255) << 19 | low & (1 << 19) - 1
            number = np.where(bits >> 26, bits - (1 << 27), bits)
            assert (number == plain_words[:, first + 1] * (1 << 19) + low).all()
    if not plan.pairs:
        assert (words == plain_words).all()
