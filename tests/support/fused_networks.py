"""Random fused networks for the tests of quantization, and searches short enough for them."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from repvgg_hw.network import FusedConv, FusedNetwork
from repvgg_hw.quantize import balance, joint


@pytest.fixture(autouse=True)
def short_searches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small networks need few steps."""
    monkeypatch.setattr(balance, "STEPS", 40)
    monkeypatch.setattr(balance, "RATE", 0.1)
    monkeypatch.setattr(joint, "Schedule", partial(joint.Schedule, steps=30))


def random_network(seed: int = 0, groups: int = 1) -> FusedNetwork:
    """Four layers with channels of very different size, as fused RepVGG layers have."""
    rng = np.random.default_rng(seed)
    convs, c_in = [], 3
    for i, (c_out, stride) in enumerate(((8, 2), (12, 1), (12, 2), (16, 1))):
        g = groups if i else 1
        weight = rng.standard_normal((c_out, c_in // g, 3, 3)) * (2.0 / (9 * c_in / g)) ** 0.5
        weight *= rng.lognormal(0, 0.7, (c_out, 1, 1, 1))
        convs.append(FusedConv(f"layer{i}", weight, rng.standard_normal(c_out) * 0.3, stride, g))
        c_in = c_out
    linear = rng.standard_normal((10, c_in)) * 0.3
    return FusedNetwork("random", tuple(convs), linear, rng.standard_normal(10))
