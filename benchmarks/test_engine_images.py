"""Images of many random networks for random engines, and of RepVGG at 224, executed: all is golden's."""

from __future__ import annotations

import pytest
from engine_cases import check_machine, network_of, random_array, random_network

from repvgg_hw.model.variants import VARIANTS
from repvgg_hw.plan.engine.array import Array

ZYNQ = Array(
    n=9, pi=2, po=1, lanes=1, word_depth=1024, line_depth=64, out_words=32, c_max=2560, bd=8, bw=8, acc_w=32
)


@pytest.mark.parametrize("seed", range(1000, 1200))
def test_random_networks_on_random_engines(seed: int) -> None:
    network = random_network(seed)
    check_machine(network, random_array(network, seed), seed)


@pytest.mark.parametrize("name", ["A0", "B1g4"])
def test_a_whole_network_at_224(name: str) -> None:
    """Random weights, the shapes of the variant: one engine for both."""
    shapes = [(conv.c_out, conv.stride, conv.groups) for conv in VARIANTS[name].convs()]
    check_machine(network_of(shapes, (3, 224, 224), 1000), ZYNQ)
