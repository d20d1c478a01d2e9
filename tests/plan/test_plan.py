"""What follows from the plan's fields: cycles, memories, widths, for every folding of random layers."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hls_networks import Layer, random_network
from hypothesis import given
from hypothesis import strategies as st

from repvgg_hw.errors import InputError
from repvgg_hw.network import out_size
from repvgg_hw.plan.folding import divisors
from repvgg_hw.plan.request import Algorithms, Request
from repvgg_hw.plan.stream.direct import ConvPlan
from repvgg_hw.plan.stream.planner import PLANNER
from repvgg_hw.plan.stream.timing import lanes_out, tree_stages


@st.composite
def conv_plans(draw: st.DrawFn) -> ConvPlan:
    """Any layer at any folding."""
    groups = draw(st.sampled_from([1, 2, 4]))
    c_in_g, c_out_g = draw(st.integers(1, 24)), draw(st.integers(1, 24))
    return ConvPlan(
        name="stage1.0", c_in=groups * c_in_g, c_out=groups * c_out_g, height=draw(st.integers(1, 30)),
        width=draw(st.integers(1, 30)), stride=draw(st.sampled_from([1, 2])), groups=groups,
        pi=draw(st.sampled_from(divisors(c_in_g))), po=draw(st.sampled_from(divisors(c_out_g))), in_bits=8,
        in_signed=False, weight_bits=8, out_bits=8, acc_bits=28,
    )  # fmt: skip


@given(conv_plans())
def test_cycles_times_multipliers_cover_every_product(plan: ConvPlan) -> None:
    assert plan.compute_cycles * plan.multipliers == plan.macs
    assert plan.cycles >= plan.compute_cycles
    assert plan.cycles >= plan.height * plan.width * plan.c_in // plan.pi  # every input beat is taken


@given(conv_plans())
def test_output_lanes_empty_the_accumulators_in_time(plan: ConvPlan) -> None:
    beats = plan.po // plan.out_lanes
    assert beats * plan.out_lanes == plan.po
    assert beats <= plan.words
    fewer = [d for d in divisors(plan.po) if d < plan.out_lanes]
    assert all(plan.po // d > plan.words for d in fewer)
    assert plan.fifo_depth >= 2 * beats


@given(conv_plans())
def test_memories_hold_every_number_once(plan: ConvPlan) -> None:
    words, bits = plan.weight_memory
    assert words * bits == plan.c_out * (plan.c_in // plan.groups) * 9 * plan.weight_bits
    words, bits = plan.affine_memory
    assert words * bits == plan.c_out * (plan.acc_bits + 17)
    words, bits = plan.line_memory
    assert words * bits == (3 + plan.stride) * plan.width * plan.c_in * plan.in_bits


@given(st.integers(1, 10_000))
def test_tree_stages(inputs: int) -> None:
    stages = tree_stages(inputs)
    assert 2**stages >= inputs
    assert stages == 0 or 2 ** (stages - 1) < inputs


@given(st.integers(1, 300))
def test_divisors(n: int) -> None:
    assert divisors(n) == [d for d in range(1, n + 1) if n % d == 0]
    assert lanes_out(n, 1) == n
    assert lanes_out(n, n) == 1


@given(st.integers(1, 500), st.sampled_from([1, 2]))
def test_output_size_counts_window_positions(size: int, stride: int) -> None:
    assert out_size(size, stride) == len(range(0, size, stride))


def test_every_kind_of_layer_is_read_back_as_it_was() -> None:
    """Through JSON, as design.json holds it."""
    layers = [Layer(4, pi=3), Layer(8, po=4, m=4), Layer(8, stride=2, m=2)]
    network, plan = random_network(layers, in_shape=(3, 12, 10))
    content = json.loads(json.dumps(plan.to_json()))
    kinds = [layer["kind"] for layer in (*content["convs"], content["linear"])]
    assert kinds == ["direct", "winograd", "winograd", "linear"]
    assert content["convs"][1]["derived"]["cycles"] == plan.convs[1].cycles
    request = Request("verilog", multipliers=plan.budget, algorithms=Algorithms((2, 4)))
    assert PLANNER.restore(content, network, request) == plan
    with pytest.raises(InputError, match=r"stage\d\.\d is F\(4\), its request allows direct"):
        PLANNER.restore(content, network, replace(request, algorithms=Algorithms()))


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("convs", 0, "pi"), 0, "PI = 0 does not divide its 3 input channels"),
        (("convs", 0, "pi"), 1, "plan.convs.0.derived.multipliers is"),
        (("convs", 0, "pi"), True, r"plan.convs\[0\].pi: expected `int`, got `bool`"),
        (("convs", 1, "height"), 10**9, "plan.convs.1.height is 1000000000, right is 12"),
        (("convs", 1, "acc_bits"), 8, "plan.convs.1.acc_bits is 8, right is"),
        (("convs", 1, "in_signed"), 0, "plan.convs.1.in_signed is 0, right is false"),
        (("convs", 1, "stride"), 2, "plan.convs.1.stride is 2, right is 1"),
        (("linear", "c_out"), 9, "plan.linear.c_out is 9"),
        (("in_shape", 1), 11, "plan.in_shape.1 is 11, right is 12"),
        (("clock_mhz",), 100.0, "plan.clock_mhz is 100.0, right is 200.0"),
        (("more",), 1, "plan.more has no place in it"),
    ],
)
def test_what_a_plan_says_of_the_network_is_held_against_it(
    path: tuple[str | int, ...], value: Any, message: str
) -> None:
    network, plan = random_network([Layer(4, pi=3), Layer(8, po=4)], in_shape=(3, 12, 10))
    content = json.loads(json.dumps(plan.to_json()))
    place = content
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(InputError, match=message):
        PLANNER.restore(content, network, Request("verilog", multipliers=plan.budget))
