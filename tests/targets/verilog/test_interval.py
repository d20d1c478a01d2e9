"""The frame interval, with frames back to back, is the planned one, to the cycle, or the run fails."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hls_networks import Layer, random_images, random_network

from repvgg_hw.design import Design
from repvgg_hw.design.results import SimulationResult
from repvgg_hw.plan.request import Request
from repvgg_hw.plan.stream import winograd
from repvgg_hw.targets.generate import write
from repvgg_hw.targets.verilog.simulate import simulate_network

FRAMES = 6

# Layers, input shape (C, H, W), (PI, PO) of the linear layer: what once took longer than planned.
CHAINS = {
    # tile rows of 4, 4 and 2 pixel rows, between layers that are all as slow as the chain
    "short last tile row": ([Layer(4, m=4), Layer(4, m=4), Layer(4, m=4)], (4, 10, 10), (1, 5)),
    # the map's last pixel is summed faster than the linear layer takes the sums
    "narrow linear layer": ([Layer(6, pi=3, po=2), Layer(12, pi=6, po=3)], (3, 5, 5), (1, 1)),
}


def measure(folder: Path, chain: str) -> SimulationResult:
    layers, in_shape, linear = CHAINS[chain]
    network, plan = random_network(layers, in_shape=in_shape, linear=linear)
    design = Design(folder, Request("verilog", plan.budget), network, plan, {})
    write(design)
    return simulate_network(design, random_images(network, FRAMES))


@pytest.mark.parametrize("chain", CHAINS)
def test_planned_is_simulated(tmp_path: Path, chain: str) -> None:
    result = measure(tmp_path, chain)
    assert result.passed, result.problems
    assert {layer.interval for layer in result.layers} == {result.planned_interval}


def test_a_longer_interval_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With two tile rows in the raster buffer every value is right, and every frame late."""
    monkeypatch.setattr(winograd, "RASTER_BUFFERS", 2)
    result = measure(tmp_path, "short last tile row")
    assert result.bit_exact == FRAMES
    late = [re.search(r"frame interval (\d+) cycles, planned 252", problem) for problem in result.problems]
    assert any(found and int(found[1]) > 252 for found in late), result.problems
