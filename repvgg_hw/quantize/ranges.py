"""Where to clip a tensor of activations: from a histogram to one number. NumPy only.

Every rule maps (counts, top, levels) to the value that the largest integer will stand for:
counts (BINS,) int64 over [0, top] of the nonzero values, top the largest value seen, levels the number
of integer steps (255 at 8 bits). Counts are integers, so no rule depends on the order of images.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

BINS = 4096
PERCENTILE = 99.999  # 99.9 can cost RepVGG whole points, see docs/quantization.md

Counts = NDArray[np.int64]
RangeRule = Callable[[Counts, float, int], float]


def minmax(counts: Counts, top: float, levels: int) -> float:
    """The largest value seen: nothing is clipped."""
    return top


def percentile(counts: Counts, top: float, levels: int) -> float:
    """The value that PERCENTILE per cent of the nonzero activations do not exceed."""
    total = int(counts.sum())
    if total == 0:
        return top
    index = int(np.searchsorted(np.cumsum(counts), total * PERCENTILE / 100.0))
    return top * min(index + 1, BINS) / BINS


def mse(counts: Counts, top: float, levels: int) -> float:
    """The clip that minimises the squared error of quantization, rounding and clipping together."""
    if counts.sum() == 0:
        return top
    centres = (np.arange(BINS) + 0.5) * (top / BINS)
    candidates = top * np.linspace(0.2, 1.0, 161)
    errors = []
    for clip in candidates:
        step = clip / levels
        rounded = np.minimum(np.rint(centres / step), levels) * step
        errors.append(float(counts @ (rounded - centres) ** 2))
    # Of equals the widest: a clip that does no harm on these images could on others.
    best = int(len(errors) - 1 - np.argmin(errors[::-1]))
    return float(candidates[best])


def entropy(counts: Counts, top: float, levels: int) -> float:
    """The clip that minimises the Kullback-Leibler divergence between the values before and after.

    As in Migacz, "8-bit inference with TensorRT", GTC 2017: clipped mass joins the last bin of the
    reference, and the quantized distribution spreads each step's mass over its nonempty bins.
    """
    if counts.sum() == 0:
        return top
    best, best_divergence = BINS, np.inf
    for used in range(max(levels, BINS // 8), BINS + 1, BINS // 128):
        reference = counts[:used].astype(np.float64)
        step = np.minimum(np.arange(used) * levels // used, levels - 1)
        filled = reference > 0
        mass = np.bincount(step, weights=reference, minlength=levels)
        bins = np.bincount(step, weights=filled, minlength=levels)
        spread = np.where(filled, mass[step] / np.maximum(bins[step], 1), 0.0)
        reference[-1] += float(counts[used:].sum())
        p, q = reference / reference.sum(), spread / max(spread.sum(), 1.0)
        both = p > 0
        divergence = float(np.sum(p[both] * np.log(p[both] / np.maximum(q[both], 1e-12))))
        if divergence <= best_divergence:
            best, best_divergence = used, divergence
    return top * best / BINS


RULES: dict[str, RangeRule] = {
    "minmax": minmax,
    "percentile": percentile,
    "mse": mse,
    "entropy": entropy,
}
