"""The two transforms of an engine: n x n positions that serve stride 1 and stride 2 alike."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from repvgg_hw.errors import InputError
from repvgg_hw.network import signed_bits
from repvgg_hw.winograd.bounds import widths
from repvgg_hw.winograd.matrices import KERNEL, STRIDES, Transform, transform

SIZES = (3, 5, 7, 9)  # n: odd, since phases of m outputs at stride 2 need 2 m + 1 inputs
LARGEST_WEIGHT = 127  # int8, symmetric


@cache
def kind_of(n: int, stride: int) -> Transform:
    """The transform of n positions at this stride: F(n - 2), or phases of (n - 1) / 2.

    n = 3 is direct convolution at both strides: nine products, B and G identities, A^T a sum, L = 1.
    Raises InputError for another n or stride.
    """
    if n not in SIZES or stride not in STRIDES:
        raise InputError(f"an engine has 3, 5, 7 or 9 positions and strides 1 and 2, not {n} and {stride}")
    if n == KERNEL:
        identity = np.eye(KERNEL, dtype=np.int64)
        return Transform(1, stride, identity, identity, np.ones((1, KERNEL), np.int64), 1)
    return transform(n - 2 if stride == 1 else (n - 1) // 2, stride)


@dataclass(frozen=True)
class EngineWidths:
    """Bits of every signal of an array, two's complement, each a bound over both strides.

    middle, data           pixels after the column pass of B^T, and after its row pass
    weight_middle, weight  kernels after the column pass of G, and after its row pass
    shift1, shift2         e of L = 2**e odd, at stride 1 and 2
    acc                    sums of a convolution with bias; `sum` those in the transform domain, may wrap
    """

    middle: int
    data: int
    weight_middle: int
    weight: int
    shift1: int
    shift2: int
    acc: int

    @property
    def sum(self) -> int:
        return self.acc + 2 * max(self.shift1, self.shift2)


@cache
def engine_widths(n: int, acc: int) -> EngineWidths:
    """Widths of an array of n x n positions whose convolution sums fit `acc` bits.

    A map is int8 or uint8, never both: so each width is the largest over strides and both, not that of int9.
    """
    kinds = [kind_of(n, stride) for stride in STRIDES]
    found = [widths(kind, acc, in_signed=signed) for kind in kinds for signed in (False, True)]
    columns = max(int(np.abs(kind.weight).sum(axis=1).max()) for kind in kinds)
    return EngineWidths(
        middle=max(one.middle for one in found),
        data=max(one.data for one in found),
        weight_middle=signed_bits(columns * LARGEST_WEIGHT),
        weight=max(one.weight for one in found),
        shift1=kinds[0].shift,
        shift2=kinds[1].shift,
        acc=acc,
    )
