"""The search is exact: brute force over every folding of small networks finds nothing better."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import pytest
from hls_networks import Layer, random_network
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from repvgg_hw.errors import InputError
from repvgg_hw.network import IntegerNetwork
from repvgg_hw.plan.folding import Folding
from repvgg_hw.plan.request import Request
from repvgg_hw.plan.stream.candidates import foldings, linear_foldings, unfolded
from repvgg_hw.plan.stream.plan import Plan
from repvgg_hw.plan.stream.planner import PLANNER
from repvgg_hw.plan.stream.search import make_plan
from repvgg_hw.report.text import plan_lines

layers = st.builds(
    lambda widths, stride, groups: Layer(widths * groups, stride=stride, groups=groups),
    st.sampled_from([1, 2, 3, 4]),
    st.sampled_from([1, 2]),
    st.just(1),
)
networks = st.builds(
    lambda shapes, size, classes: random_network(shapes, in_shape=(2, *size), classes=classes)[0],
    st.lists(layers, min_size=1, max_size=3),
    st.tuples(st.integers(2, 7), st.integers(2, 7)),
    st.sampled_from([1, 4, 5]),
)


def every_plan(network: IntegerNetwork) -> list[tuple[int, int]]:
    """(frame interval, multipliers) of every combination of foldings."""
    convs, linear = unfolded(network)
    assert linear is not None
    in_cycles = network.in_shape[1] * network.in_shape[2]
    found = set()
    for *chosen, last in itertools.product(*(list(foldings(conv)) for conv in convs)):
        for folded in linear_foldings(replace(linear, in_lanes=last.out_lanes)):
            all_layers = (*chosen, last, folded)
            interval = max(in_cycles, *(layer.cycles for layer in all_layers))
            found.add((interval, sum(layer.multipliers for layer in all_layers)))
    return sorted(found)


@settings(max_examples=15)
@given(networks, st.integers(0, 400))
def test_no_folding_is_faster_within_the_budget(network: IntegerNetwork, extra: int) -> None:
    budget = 9 * len(network.convs) + 1 + extra
    plan = make_plan(network, multipliers=budget)
    assert plan.multipliers <= budget
    assert plan.frame_interval == min(interval for interval, cost in every_plan(network) if cost <= budget)


@settings(max_examples=15)
@given(networks, st.integers(1, 2000))
def test_no_folding_reaches_the_rate_with_fewer_multipliers(network: IntegerNetwork, interval: int) -> None:
    possible = [cost for cycles, cost in every_plan(network) if cycles <= interval]
    assume(possible)
    plan = make_plan(network, fps=1e6 / interval, clock_mhz=1.000001)
    assert plan.frame_interval <= interval
    assert plan.multipliers == min(possible)


@settings(max_examples=15)
@given(networks, st.integers(0, 400))
def test_the_next_faster_plan_is_the_cheapest_that_is_faster(network: IntegerNetwork, extra: int) -> None:
    plan = make_plan(network, multipliers=9 * len(network.convs) + 1 + extra)
    found = PLANNER.faster(network, Request("verilog", plan.budget), plan.frame_interval)
    faster = [(cost, cycles) for cycles, cost in every_plan(network) if cycles < plan.frame_interval]
    if not faster:
        assert found is None
        return
    assert found is not None
    assert found in faster
    assert found[0] == min(faster)[0] > plan.budget


def test_a_budget_of_which_much_is_left_says_why(network: IntegerNetwork) -> None:
    def said(budget: int) -> list[str]:
        request = Request("verilog", budget)
        lines = plan_lines(PLANNER.plan(network, request), request, "", network)
        return [line for line in lines if "budget" in line]

    plan = make_plan(network, multipliers=200)
    (multipliers, cycles) = PLANNER.faster(network, Request("verilog", 200), plan.frame_interval) or (0, 0)
    assert multipliers > 200
    assert said(plan.multipliers) == []  # nothing is left
    (line,) = said(multipliers - 1)  # as much as can be, one below the next step
    assert f"the next faster plan takes {multipliers:,}, for {cycles:,} cycles" in line
    (line,) = said(1_000_000)
    assert "no faster plan fits" in line


@pytest.fixture(scope="module")
def network() -> IntegerNetwork:
    shapes = [Layer(8, stride=2), Layer(8, groups=2), Layer(12)]
    return random_network(shapes, in_shape=(3, 8, 8), classes=10)[0]


def test_a_larger_budget_is_never_slower(network: IntegerNetwork) -> None:
    intervals = [make_plan(network, multipliers=budget).frame_interval for budget in range(28, 1500, 50)]
    assert intervals == sorted(intervals, reverse=True)
    assert intervals[0] > intervals[-1]


def test_a_given_folding_is_kept(network: IntegerNetwork) -> None:
    folding = {"stage1.0": Folding(2, 4), "linear": Folding(4, 5)}
    plan = make_plan(network, multipliers=600, folding=folding)
    assert (plan.convs[1].pi, plan.convs[1].po) == (2, 4)
    assert plan.linear is not None
    assert (plan.linear.pi, plan.linear.po) == (4, 5)


def test_alike_layers_get_one_accumulator_width() -> None:
    """So that they are one circuit."""
    shapes = [Layer(4), Layer(4), Layer(4)]
    convs, _ = unfolded(random_network(shapes, in_shape=(4, 6, 6), seed=5)[0])
    assert convs[1].acc_bits == convs[2].acc_bits


def test_accumulators_hold_their_proven_bound(network: IntegerNetwork) -> None:
    plan: Plan = make_plan(network, multipliers=100)
    for conv, integer in zip(plan.convs, network.convs, strict=True):
        assert integer.accumulator_bound < 1 << conv.acc_bits - 1
    linear = plan.linear
    assert linear is not None
    assert linear.height * linear.width * 255 < 1 << linear.sum_bits


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({}, "either"),
        ({"multipliers": 9, "fps": 1.0}, "either"),
        ({"multipliers": 27}, "at least 28"),
        ({"fps": 1e9}, "at least"),
        ({"fps": -1.0}, "positive"),
        ({"fps": 1.0, "clock_mhz": 0.0}, "positive"),
        ({"multipliers": 999, "folding": {"stage9.0": Folding(1, 1)}}, "stage9.0"),
        ({"multipliers": 999, "folding": {"stage1.0": Folding(3, 1)}}, "PI = 3"),
        ({"multipliers": 999, "folding": {"stage1.0": Folding(1, 8)}}, "PO = 8"),
        ({"multipliers": 999, "folding": {"linear": Folding(1, 0)}}, "PO = 0"),
    ],
)
def test_what_cannot_be_is_refused(network: IntegerNetwork, request_: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        make_plan(network, **request_)
