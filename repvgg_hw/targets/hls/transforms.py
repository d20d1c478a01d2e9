"""What the HLS target needs of a layer that is computed by Winograd's F(m x m, 3x3)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from repvgg_hw.network import signed_bits
from repvgg_hw.plan.stream.winograd import WinogradPlan
from repvgg_hw.winograd.bounds import input_range
from repvgg_hw.winograd.golden import weight_transform
from repvgg_hw.winograd.matrices import transform


def sum_bits(winograd: WinogradPlan, weight: NDArray[np.integer]) -> int:
    """Width that holds every partial sum in the transform domain, for these weights and any input.

    The RTL keeps fewer bits and lets sums wrap, which is exact too; here a sum that does not fit would throw.
    """
    low, high = input_range(winograd.in_bits, winograd.in_signed)
    data = np.kron(winograd.transform.data, winograd.transform.data)
    positive, negative = np.maximum(data, 0).sum(axis=1), np.maximum(-data, 0).sum(axis=1)
    largest = np.maximum(positive * high - negative * low, negative * high - positive * low)
    magnitude = np.abs(weight_transform(weight, winograd.transform)).sum(axis=1)  # (C_out, K, K)
    return signed_bits(int((magnitude.reshape(len(weight), -1) * largest).max()))


def matrices(tiles: Iterable[tuple[int, int]]) -> list[dict[str, Any]]:
    """The transforms of tiles (m, stride), as a design's `winograd_matrices.hpp` prints them."""
    printed = []
    for m, stride in tiles:
        kind = transform(m, stride)
        largest = max(int(np.abs(kind.data).max()), int(np.abs(kind.output).max()))
        printed.append(
            {
                "m": m,
                "stride": stride,
                "size": kind.size,
                "shift": kind.shift,
                "coefficient_bits": signed_bits(largest),
                "data": kind.data.tolist(),
                "output": kind.output.tolist(),
                "odd_inverse": f"{pow(kind.odd**2, -1, 1 << 64):#018x}",
            }
        )
    return printed
