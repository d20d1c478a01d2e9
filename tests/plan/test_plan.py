"""What follows from the plan's fields: cycles, memories, widths, for every folding of random layers."""

from __future__ import annotations

import json

from hls_networks import Layer, random_network
from hypothesis import given
from hypothesis import strategies as st

from repvgg_hw.network import out_size
from repvgg_hw.plan.folding import divisors
from repvgg_hw.plan.stream.direct import ConvPlan
from repvgg_hw.plan.stream.plan import from_json
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
    assert 8**stages >= inputs
    assert stages == 1 or 8 ** (stages - 1) < inputs


@given(st.integers(1, 300))
def test_divisors(n: int) -> None:
    assert divisors(n) == [d for d in range(1, n + 1) if n % d == 0]
    assert lanes_out(n, 1) == n
    assert lanes_out(n, n) == 1


@given(st.integers(1, 500), st.sampled_from([1, 2]))
def test_output_size_counts_window_positions(size: int, stride: int) -> None:
    assert out_size(size, stride) == len(range(0, size, stride))


def test_every_kind_of_layer_is_read_back_as_it_was() -> None:
    """Through JSON, as design.json holds it; what follows from the fields is shown, and not needed."""
    layers = [Layer(4, pi=3), Layer(8, po=4, m=4), Layer(8, stride=2, m=2)]
    _, plan = random_network(layers, in_shape=(3, 12, 10))
    content = json.loads(json.dumps(plan.to_json()))
    kinds = [layer["kind"] for layer in (*content["convs"], content["linear"])]
    assert kinds == ["direct", "winograd", "winograd", "linear"]
    assert content["convs"][1].pop("derived")["cycles"] == plan.convs[1].cycles
    assert from_json(content) == plan
