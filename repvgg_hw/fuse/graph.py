"""A trained block as a small graph of linear operations: what every family is described in.

Two interpreters read it, independently of each other: `collapse.collapse` turns it into one 3x3 kernel and
bias, `forward.forward` runs it operation by operation. The proof is that both give the same map.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class Conv:
    """A convolution, zero padding before it: weight (C_out, C_in / groups, kh, kw), bias (C_out,)."""

    weight: Array
    bias: Array | None = None
    stride: int = 1
    padding: tuple[int, int] = (0, 0)
    groups: int = 1


@dataclass(frozen=True)
class Affine:
    """y[c] = scale[c] * x[c] + shift[c]: batch normalization in evaluation mode. Both (C,)."""

    scale: Array
    shift: Array


@dataclass(frozen=True)
class Pad:
    """One pixel around the map, filled with value[c] (C,)."""

    value: Array


@dataclass(frozen=True)
class Chain:
    """Operations one after the other; an empty chain is the identity."""

    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Sum:
    """Branches over the same input, added up."""

    branches: tuple[Node, ...]


Node: TypeAlias = Conv | Affine | Pad | Chain | Sum


def chain(*parts: Node) -> Chain:
    """Chain from arguments."""
    return Chain(parts)


def same_conv(weight: Array, bias: Array | None = None, *, stride: int = 1, groups: int = 1) -> Conv:
    """A convolution padded so that stride 1 keeps the map's size, for odd kernels."""
    kh, kw = weight.shape[2:]
    return Conv(weight, bias, stride, (kh // 2, kw // 2), groups)


def is_identity(node: Node) -> bool:
    """Nothing happens in it."""
    return isinstance(node, Chain) and all(is_identity(part) for part in node.parts)


def convolutions(node: Node) -> Iterator[Conv]:
    """Every convolution of a graph, in order."""
    match node:
        case Conv():
            yield node
        case Chain(nodes) | Sum(nodes):
            for child in nodes:
                yield from convolutions(child)


def stride_of(node: Node) -> int:
    """Input pixels per output pixel. Raises ValueError if branches differ."""
    match node:
        case Conv(stride=stride):
            return stride
        case Chain(parts):
            return math.prod(stride_of(part) for part in parts)
        case Sum(branches):
            strides = {stride_of(branch) for branch in branches}
            if len(strides) != 1:
                raise ValueError(f"branches with different strides {sorted(strides)} are added")
            return strides.pop()
        case _:
            return 1
