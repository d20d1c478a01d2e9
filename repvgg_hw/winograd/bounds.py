"""Widths of the Winograd unit, each from a bound that holds for every input and every weight.

The accumulators need no bound of their own. After each pass of the output transform the value is a
multiple of L = 2**e * odd, and the last quotient fits the layer's `acc_bits`. All arithmetic in between is
addition and multiplication by constants, so it may run modulo 2**(acc_bits + 2 e): upper bits may wrap and
the result is the same. Without wrapping it takes `accumulator_range_bits`, up to nine bits more.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from repvgg_hw.network import signed_bits
from repvgg_hw.winograd.matrices import Int, Transform


def _range_bits(low: int, high: int) -> int:
    """Width of the two's-complement number that holds low..high."""
    return 1 + max(int(high).bit_length(), int(-low - 1).bit_length() if low < 0 else 0)


def _signed_range(coefficients: Int, low: int, high: int) -> tuple[int, int]:
    """Smallest and largest value over all rows of coefficients (rows, inputs), inputs in low..high."""
    positive = np.where(coefficients > 0, coefficients, 0).sum(axis=1)
    negative = np.where(coefficients < 0, -coefficients, 0).sum(axis=1)
    return int((positive * low - negative * high).min()), int((positive * high - negative * low).max())


def _outer(matrix: Int) -> Int:
    """Rows of the two-dimensional transform: kron(matrix, matrix)."""
    return np.kron(matrix, matrix)


@dataclass(frozen=True)
class TransformWidths:
    """Bits of every signal of one unit, all two's complement.

    middle  data after the column pass        data    transformed data, one multiplier operand
    weight  transformed weights, the other    sum     accumulators in the transform domain
    """

    middle: int
    data: int
    weight: int
    sum: int

    @property
    def product(self) -> int:
        """Of one multiplier."""
        return self.data + self.weight

    def fits(self, ports: tuple[int, int]) -> bool:
        """Whether one multiplier with signed ports of these widths does one product."""
        narrow, wide = sorted((self.data, self.weight))
        return narrow <= min(ports) and wide <= max(ports)


def input_range(bits: int, signed: bool) -> tuple[int, int]:
    """Smallest and largest activation."""
    return (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)


def data_ranges(kind: Transform, low: int, high: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """Smallest and largest value after the data transform's column pass, and after its row pass.

    Some tile of pixels in low..high reaches each of them.
    """
    return _signed_range(kind.data, low, high), _signed_range(_outer(kind.data), low, high)


def data_bits(kind: Transform, low: int, high: int) -> tuple[int, int]:
    """Widths of the data after the column pass and after the row pass, for pixels in low..high."""
    columns, data = data_ranges(kind, low, high)
    return _range_bits(*columns), _range_bits(*data)


def widths(
    kind: Transform, acc_bits: int, in_bits: int = 8, in_signed: bool = False, weight_bits: int = 8
) -> TransformWidths:
    """Widths of a unit whose convolution sums fit acc_bits; weights are symmetric."""
    middle, data = data_bits(kind, *input_range(in_bits, in_signed))
    top = (1 << weight_bits - 1) - 1
    return TransformWidths(
        middle=middle,
        data=data,
        weight=_range_bits(*_signed_range(_outer(kind.weight), -top, top)),
        sum=acc_bits + 2 * kind.shift,
    )


def accumulator_range_bits(
    kind: Transform, c_in: int, in_bits: int = 8, in_signed: bool = False, weight_bits: int = 8
) -> int:
    """Bits that hold every sum of c_in products exactly, by its range: what is needed without wrapping."""
    high = max(abs(x) for x in input_range(in_bits, in_signed))
    top = (1 << weight_bits - 1) - 1
    products: NDArray[np.int64] = (
        np.abs(_outer(kind.data)).sum(axis=1) * high * np.abs(_outer(kind.weight)).sum(axis=1) * top
    )
    # A row of B^T with both signs cannot reach its whole absolute sum on unsigned data.
    if not in_signed:
        data = _outer(kind.data)
        reach = np.maximum(np.where(data > 0, data, 0).sum(1), np.where(data < 0, -data, 0).sum(1))
        products = reach * high * np.abs(_outer(kind.weight)).sum(axis=1) * top
    return signed_bits(int(products.max()) * c_in)
