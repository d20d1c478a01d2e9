"""How large a weight the largest integer stands for: per output channel, from weights and inputs. NumPy only.

Every rule maps (weight, mean_square, bits) to scales (C_out,): weight (C_out, C_in / groups, 3, 3);
mean_square (C_out, C_in / groups), E[x^2] of the input channel behind each weight.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from repvgg_hw.quantize import grid

LEAST = 0.5  # of the scale at which nothing is clipped
CANDIDATES = 51

Float = NDArray[np.float64]
ScaleRule = Callable[[Float, Float, int], Float]


def largest(weight: Float, mean_square: Float, bits: int) -> Float:
    """The largest weight of each channel becomes the largest integer: nothing is clipped."""
    return grid.max_scale(weight, bits)


def per_tensor(weight: Float, mean_square: Float, bits: int) -> Float:
    """One scale for the whole layer, by its largest weight."""
    return grid.max_scale(weight, bits, per_tensor=True)


def weighted(weight: Float, mean_square: Float, bits: int) -> Float:
    """The scale with the least squared error of nearest weights, each weighted by E[x^2] of its input.

    A weight whose input is 0 may be clipped for free, and one whose input is large decides. Clipping moves
    the mean of the output, which the error of independent weights does not see: correct the bias, too.
    """
    top = grid.max_scale(weight, bits)
    best, least = top, np.full(len(weight), np.inf)
    for share in np.linspace(1.0, LEAST, CANDIDATES):
        scale = np.where(top > 0, top * share, 1.0)
        rounded = grid.to_integers(weight, scale, bits) * scale[:, None, None, None]
        error = ((rounded - weight) ** 2 * mean_square[:, :, None, None]).sum(axis=(1, 2, 3))
        better = error < least  # of equals the larger: what is not clipped here is safe elsewhere, too
        best, least = np.where(better, top * share, best), np.minimum(error, least)
    return np.asarray(best, dtype=np.float64)


RULES: dict[str, ScaleRule] = {"max": largest, "per-tensor": per_tensor, "weighted": weighted}
