"""Integer Winograd transforms by Cook-Toom in exact rationals (design, section 4).

One dimension of F(m, r) at stride 1, and of a stride-2 layer in phases, is the same value: three integer
matrices and a denominator with

    A^T [ (G g) . (B^T d) ] = L * y,      y[i] = sum_k g[k] d[stride * i + k]

A. Lavin and S. Gray, "Fast Algorithms for Convolutional Neural Networks", CVPR 2016, after S. Winograd,
"Arithmetic Complexity of Computations", 1980. The integer scaling is this project's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

import numpy as np
from numpy.typing import NDArray

from repvgg_hw.errors import InputError

Int = NDArray[np.int64]

KERNEL = 3
TILES = range(2, 8)  # m, the outputs of a tile in each dimension
STRIDES = (1, 2)
# In this order small points first: the coefficients, and with them all widths, grow slowest.
POINTS = tuple(Fraction(p) for p in ("0", "1", "-1", "2", "-2", "1/2", "-1/2", "3"))


@dataclass(frozen=True, eq=False)
class Transform:
    """One dimension of a Winograd convolution of kernel 3: K inputs give m outputs.

    data    B^T (K, K), weight  G (K, 3), output  A^T (m, K), all int64; denominator L.
    """

    m: int
    stride: int
    data: Int
    weight: Int
    output: Int
    denominator: int

    @property
    def size(self) -> int:
        """K: inputs of a tile in one dimension, and its positions in the transform domain."""
        return int(self.data.shape[0])

    @property
    def step(self) -> int:
        """Input pixels from one tile to the next."""
        return self.stride * self.m

    @property
    def shift(self) -> int:
        """e, where L = 2**e * odd."""
        return (self.denominator & -self.denominator).bit_length() - 1

    @property
    def odd(self) -> int:
        """The odd part of L."""
        return self.denominator >> self.shift

    @property
    def saving(self) -> float:
        """Multiplications of the direct convolution for each one of this, in two dimensions."""
        return (KERNEL * self.m / self.size) ** 2


def _product(roots: Sequence[Fraction]) -> list[Fraction]:
    """Coefficients of prod (x - root), constant term first."""
    poly = [Fraction(1)]
    for root in roots:
        poly = [
            low - root * high for low, high in zip([Fraction(0), *poly], [*poly, Fraction(0)], strict=True)
        ]
    return poly


def _coprime(row: Sequence[Fraction]) -> tuple[list[int], Fraction]:
    """The row scaled to coprime integers, the last nonzero one positive, and the scale."""
    denominator = math.lcm(*(x.denominator for x in row))
    divisor = math.gcd(*(int(x * denominator) for x in row))
    last = next(x for x in reversed(row) if x)
    scale = Fraction(denominator, divisor) * (1 if last > 0 else -1)
    return [int(x * scale) for x in row], scale


@cache
def cook_toom(m: int, taps: int) -> Transform:
    """F(m, taps) at stride 1; its weight matrix is (K, taps), K = m + taps - 1."""
    size = m + taps - 1
    points = POINTS[: size - 1]
    if len(points) < size - 1:
        raise InputError(f"F({m}, {taps}) needs {size - 1} finite points; {len(POINTS)} are defined")
    data, weight, columns = [], [], []
    for point in (*points, None):  # None is the point at infinity
        others = [p for p in points if p != point]
        norm = math.prod((point - p for p in others), start=Fraction(1)) if point is not None else Fraction(1)
        powers = [point**k if point is not None else Fraction(0) for k in range(size)]
        d = _product(others) + [Fraction(0)] * (point is not None)
        g = (
            [p / norm for p in powers[:taps]]
            if point is not None
            else [Fraction(0)] * (taps - 1) + [Fraction(1)]
        )
        a = powers[:m] if point is not None else [Fraction(0)] * (m - 1) + [Fraction(1)]
        d_int, d_scale = _coprime(d)
        g_int, g_scale = _coprime(g)
        data.append(d_int)
        weight.append(g_int)
        columns.append([x / d_scale / g_scale for x in a])
    denominator = math.lcm(*(x.denominator for column in columns for x in column))
    output = [[int(x * denominator) for x in row] for row in zip(*columns, strict=True)]
    return Transform(m, 1, np.array(data), np.array(weight), np.array(output), denominator)


def _phases(m: int) -> Transform:
    """Stride 2: F(m, 2) over the even inputs with taps 0 and 2, plain products of the odd inputs with tap 1.

    Interleaved with the inputs' own order it is one transform of size 2 m + 1, so that in two dimensions
    the four phases are simply the four classes of positions of one tile.
    """
    even = cook_toom(m, 2)
    size = 2 * m + 1
    data, weight, output = (np.zeros(s, np.int64) for s in ((size, size), (size, KERNEL), (m, size)))
    data[0::2, 0::2], data[1::2, 1::2] = even.data, np.eye(m, dtype=np.int64)
    weight[0::2, 0::2], weight[1::2, 1] = even.weight, 1
    output[:, 0::2], output[:, 1::2] = even.output, even.denominator * np.eye(m, dtype=np.int64)
    return Transform(m, 2, data, weight, output, even.denominator)


@cache
def transform(m: int, stride: int = 1) -> Transform:
    """The transform of an m x m tile of outputs of a 3x3 layer of stride 1 or 2."""
    if m not in TILES or stride not in STRIDES:
        raise InputError(
            f"no Winograd transform for tile {m}, stride {stride}: "
            f"tiles are {TILES[0]}..{TILES[-1]}, strides 1 and 2"
        )
    return cook_toom(m, KERNEL) if stride == 1 else _phases(m)
