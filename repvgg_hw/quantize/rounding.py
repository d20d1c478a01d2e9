"""Weights to integers so that the layer's output, not the weights, is closest: one least-squares problem.

For a layer y = W x + b (x the 9 taps of all input channels) and quantized inputs q, the integers Z with
scale s minimise E |W x + b - (s Z q + b')|^2 over the calibration set. The best b' makes the means equal
(that is empirical bias correction), so only covariances are left:

    target   W* = argmin E |W x~ - W* q~|^2, damped towards W          (makes up for the input's error)
    integers Z  = argmin (W* - s Z) H (W* - s Z)^T,  H = cov(q)

solved column by column with the remaining columns absorbing each column's error (Frantar et al.,
"GPTQ", arXiv 2210.17323), then polished by coordinate descent. Deterministic, no gradients, seconds a layer.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from repvgg_hw.quantize.moments import Moments

Float = NDArray[np.float64]

DAMPING = 0.01  # of the mean variance, added to every tap's: keeps rare taps near their float weights
SWEEPS = 3  # of coordinate descent; later ones change next to nothing
BLOCK = 64  # columns whose error is carried on one by one before it is carried on to the rest


def compensated(weight: Float, stats: Moments, damping: float = DAMPING) -> Float:
    """W* for weight (O, K): the least-squares weights on the quantized inputs, damped towards weight."""
    system = damped(stats.cov, damping)
    return np.asarray(weight + np.linalg.solve(system, stats.cross.T).T, dtype=np.float64)


def round_weights(
    weight: Float, cov: Float, scale: Float, limit: int, damping: float = DAMPING, sweeps: int = SWEEPS
) -> NDArray[np.int8]:
    """Integers (O, K) in [-limit, limit] for weight (O, K) with scale (O,), given the inputs' covariance."""
    system = damped(cov, damping)
    target = weight / scale[:, None]
    integers = _carry_errors(target, system, limit)
    for _ in range(sweeps):
        if not _sweep(integers, target, system, limit):
            break
    return np.asarray(integers, dtype=np.int8)


def damped(cov: Float, damping: float) -> Float:
    """cov + damping * mean variance of the live inputs; an input that never varies is only damped."""
    variance = np.diag(cov)
    live = variance > 0
    mean = float(variance[live].mean()) if live.any() else 1.0
    return np.asarray(cov + damping * mean * np.eye(len(cov)), dtype=np.float64)


def _carry_errors(target: Float, system: Float, limit: int) -> Float:
    """GPTQ: round column after column, most important first, and let the later ones make up for it."""
    order = np.argsort(-np.diag(system), kind="stable")
    # H = A A^T with A upper, from the factor of H upside down; then H^-1 = U^T U with U = A^-1.
    backwards = order[::-1]
    lower = np.linalg.cholesky(system[np.ix_(backwards, backwards)])
    upper = np.linalg.inv(lower[::-1, ::-1])
    w = target[:, order].copy()
    z = np.empty_like(w)
    k = w.shape[1]
    for start in range(0, k, BLOCK):
        stop = min(start + BLOCK, k)
        errors = np.empty((len(w), stop - start))
        for i in range(start, stop):
            z[:, i] = np.clip(np.rint(w[:, i]), -limit, limit)
            errors[:, i - start] = (w[:, i] - z[:, i]) / upper[i, i]
            w[:, i + 1 : stop] -= np.outer(errors[:, i - start], upper[i, i + 1 : stop])
        w[:, stop:] -= errors @ upper[start:stop, stop:]
    integers: Float = np.empty_like(z)
    integers[:, order] = z
    return integers


def _sweep(z: Float, target: Float, system: Float, limit: int) -> int:
    """One pass of coordinate descent over the columns of z, in place; returns how many integers changed."""
    changed = 0
    gradient = (target - z) @ system
    for start in range(0, z.shape[1], BLOCK):
        stop = min(start + BLOCK, z.shape[1])
        local = gradient[:, start:stop].copy()
        steps = np.zeros_like(local)
        for i in range(start, stop):
            best = np.clip(np.rint(z[:, i] + local[:, i - start] / system[i, i]), -limit, limit)
            step = best - z[:, i]
            if step.any():
                steps[:, i - start] = step
                z[:, i] = best
                local -= np.outer(step, system[i, start:stop])
                changed += int(np.count_nonzero(step))
        gradient -= steps @ system[start:stop]
    return changed
