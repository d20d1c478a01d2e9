"""What a tensor of the graph is, as a function of the last layer's output."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from repvgg_hw.fuse.graph import Affine, Array, Node, chain

Size: TypeAlias = tuple[int, int]


@dataclass(frozen=True)
class Map:
    """(N, C, H, W): linear operations over the output of layer `source` (0 is the network's input)."""

    source: int
    node: Node
    channels: int
    size: Size | None  # (H, W), where the graph fixes its input's

    def then(self, node: Node, channels: int | None = None, size: Size | None = None) -> Map:
        """The map after one more operation; without channels and size it keeps its own."""
        return Map(self.source, chain(self.node, node), channels or self.channels, size or self.size)

    def affine(self, scale: Array, shift: Array) -> Map:
        """scale[c] x + shift[c]."""
        return self.then(Affine(scale, shift))


@dataclass(frozen=True)
class Vector:
    """(N, C) or (N, C, 1, 1), behind the global average pooling: weight (scale * pooled) + shift."""

    four_axes: bool
    scale: Array  # (C,), in front of the linear layer
    shift: Array  # (C,), behind the linear layer (classes,)
    weight: Array | None = None  # (classes, C): the linear layer, None in front of it
    tail: str | None = None  # what stands behind the logits and is left out, such as Softmax

    @property
    def channels(self) -> int:
        """Entries per image."""
        return len(self.shift)

    def affine(self, scale: Array, shift: Array) -> Vector:
        """scale[c] x + shift[c]: folded into what is there."""
        moved = self.shift * scale + shift
        if self.weight is None:
            return replace(self, scale=self.scale * scale, shift=moved)
        return replace(self, weight=self.weight * scale[:, None], shift=moved)

    def linear(self, weight: Array, bias: Array) -> Vector:
        """weight x + bias, weight (classes, C)."""
        return replace(self, weight=weight * self.scale, shift=weight @ self.shift + bias)


Value: TypeAlias = Map | Vector


def pooled(x: Map, *, four_axes: bool) -> Vector:
    """The global average of x, a layer's output."""
    return Vector(four_axes, np.ones(x.channels), np.zeros(x.channels))


def per_channel(constant: Array, channels: int, axes: int) -> Array | None:
    """A constant that is broadcast to a tensor of that many axes, as (C,); None if it varies along others.

    (C, 1, 1) and (1, C, 1, 1) fit a map, (C,) does not: it would run along the width.
    """
    if constant.ndim > axes:
        return None
    shape = (1,) * (axes - constant.ndim) + constant.shape
    if shape[1] not in (1, channels) or any(length != 1 for length in (shape[0], *shape[2:])):
        return None
    return np.array(np.broadcast_to(constant.reshape(-1), (channels,)))
