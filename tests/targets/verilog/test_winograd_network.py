"""Whole networks with Winograd layers, for every tile: RTL equal to golden, layer by layer, bit for bit."""

from __future__ import annotations

from pathlib import Path

import pytest
from hls_networks import Layer, random_images, random_network
from quick import some

from repvgg_hw import design as designs
from repvgg_hw.design import Design
from repvgg_hw.plan.request import Algorithms, Request
from repvgg_hw.plan.stream.winograd import WinogradPlan
from repvgg_hw.targets.generate import write
from repvgg_hw.targets.verilog.simulate import simulate_network
from repvgg_hw.winograd.matrices import TILES


@pytest.mark.parametrize("m", some(TILES, 2))
def test_every_tile(m: int, tmp_path: Path) -> None:
    """Stride 1 and, in phases, stride 2; groups; partial tiles at the map's right and lower edge; stalls."""
    layers = [Layer(4, stride=2, pi=1, po=2, m=m), Layer(4, groups=2, pi=1, po=1, m=m), Layer(3, pi=4, po=1)]
    network, plan = random_network(layers, in_shape=(2, 15, 11))
    assert [isinstance(conv, WinogradPlan) for conv in plan.convs] == [True, True, False]
    request = Request("verilog", plan.budget, algorithms=Algorithms((m,)))
    design = Design(tmp_path / "design", request, network, plan, {})
    write(design)
    result = simulate_network(design, random_images(network, 3), stalls=m)
    assert result.passed, result.problems
    assert result.bit_exact == 3
    assert designs.load(design.directory).plan == plan
