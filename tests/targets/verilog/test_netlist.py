"""The block diagram: every stream has one source and one sink of its width, every layer a probe."""

from __future__ import annotations

import pytest
from hls_networks import Layer, random_network

from repvgg_hw.plan.stream.plan import Plan
from repvgg_hw.targets.verilog.netlist import Netlist, build

CHAINS = {
    "one_layer": [Layer(4, pi=3, po=4)],
    "converters": [Layer(6, pi=1, po=6), Layer(4, pi=2, po=1), Layer(9, pi=4, po=9)],
    "groups": [Layer(8, pi=3, po=8), Layer(8, groups=2, pi=4, po=4), Layer(8, groups=4, pi=1, po=2)],
}


@pytest.fixture(params=CHAINS)
def built(request: pytest.FixtureRequest) -> tuple[Plan, Netlist]:
    _, plan = random_network(CHAINS[request.param], in_shape=(3, 6, 5), classes=7, linear=(1, 7))
    return plan, build(plan)


def test_units_form_one_chain(built: tuple[Plan, Netlist]) -> None:
    _, net = built
    stream = net.source
    for unit in net.units:
        assert unit.source == stream
        stream = unit.sink
    assert stream.name == "m_axis"
    assert [unit.last for unit in net.units] == [False] * (len(net.units) - 1) + [True]
    names = [net.source.name, *(unit.sink.name for unit in net.units)]
    assert len(set(names)) == len(names)
    assert len({unit.ident for unit in net.units}) == len(net.units)


def test_every_unit_gets_as_many_lanes_as_it_takes(built: tuple[Plan, Netlist]) -> None:
    _, net = built
    for unit in net.units:
        takes = {
            name: unit.parameters[name] for name in ("PI", "IN_LANES", "LANES") if name in unit.parameters
        }
        assert set(takes.values()) == {unit.source.lanes}, unit.ident
        if unit.module == "rvg_width_converter":
            assert unit.source.lanes != unit.sink.lanes


def test_probes_are_the_layers_in_order(built: tuple[Plan, Netlist]) -> None:
    plan, net = built
    assert [probe.layer for probe in net.probes] == [*(conv.name for conv in plan.convs), "pool", "linear"]
    for conv, probe in zip(plan.convs, net.probes, strict=False):
        assert probe.beats * probe.stream.lanes == conv.c_out * conv.out_height * conv.out_width
    assert plan.linear is not None
    assert [probe.beats * probe.stream.lanes for probe in net.probes[-2:]] == [
        plan.linear.c_in,
        plan.linear.c_out,
    ]
