"""A small RepVGG and a plain chain that several import tests share."""

from __future__ import annotations

import numpy as np
from torch import nn

from repvgg_hw.checkpoint import Imported
from repvgg_hw.network import Architecture

SMALL = Architecture("custom", (8, 8, 12, 16), (1, 2, 3, 1), (1, 2, 2, 2), {2: 2, 4: 4}, 5, 3)


def assert_close(got: Imported, expected: Imported, tolerance: float = 1e-12) -> None:
    assert got.architecture == expected.architecture
    for ours, theirs in zip(got.convs, expected.convs, strict=True):
        np.testing.assert_allclose(ours.weight, theirs.weight, atol=tolerance)
        np.testing.assert_allclose(ours.bias, theirs.bias, atol=tolerance)
    assert got.linear is not None
    assert expected.linear is not None
    np.testing.assert_allclose(got.linear.weight, expected.linear.weight)
    np.testing.assert_allclose(got.linear.bias, expected.linear.bias)


class Plain(nn.Sequential):
    """A chain of Conv, BN, ReLU without any RepVGG, with an activation and a pooling to vary."""

    def __init__(self, activation: type[nn.Module] = nn.ReLU, pool: type[nn.Module] = nn.AdaptiveAvgPool2d):
        layers: list[nn.Module] = []
        for c_in, c_out, stride in ((3, 6, 1), (6, 6, 2), (6, 8, 1)):
            layers += [nn.Conv2d(c_in, c_out, 3, stride, 1), nn.BatchNorm2d(c_out), activation()]
        super().__init__(*layers, pool(1), nn.Flatten(), nn.Linear(8, 4))
