"""Weights to integers so that the layer's output, not the weights, is closest: one least-squares problem.

For a layer y = W x + b (x the 9 taps of all input channels) and quantized inputs q, the integers Z with
scale s minimise E |W x + b - (s Z q + b')|^2 over the calibration set. The best b' makes the means equal
(that is empirical bias correction), so only covariances are left:

    target   W* = argmin E |W x~ - W* q~|^2, damped towards W          (compensates the input's error)
    integers Z  = argmin (W* - s Z) H (W* - s Z)^T,  H = cov(q)

solved column by column with the remaining columns absorbing each column's error (Frantar et al.,
"GPTQ", 2022), then polished by coordinate descent. Deterministic, no gradients, seconds per layer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from repvgg_hw.network import FusedConv
from repvgg_hw.quantize import layers

Float = NDArray[np.float64]

POSITIONS = 1 << 13  # output positions per matrix product
BLOCK = 64  # columns whose error is carried on one by one before it is carried on to the rest


@dataclass(frozen=True)
class Moments:
    """What one group's weights are fitted to; K = 9 * C_in / groups taps, O = C_out / groups outputs.

    cov    (K, K) covariance of the quantized taps q, as real values
    mean   (K,) mean of q
    cross  (O, K) covariance of the float layer's error W x - W q with q
    """

    cov: Float
    mean: Float
    cross: Float


def input_moments(q: torch.Tensor, in_scale: float, error: torch.Tensor, conv: FusedConv) -> list[Moments]:
    """Moments of every group.

    q (N, C_in, H, W) integers of step in_scale; error (N, C_out, H', W') float32: the float layer's output
    before ReLU less the same weights' output on q.
    """
    c_in, c_out = q.shape[1] // conv.groups, error.shape[1] // conv.groups
    return [
        _group_moments(
            q[:, i * c_in : (i + 1) * c_in], in_scale, error[:, i * c_out : (i + 1) * c_out], conv.stride
        )
        for i in range(conv.groups)
    ]


def _group_moments(q: torch.Tensor, in_scale: float, error: torch.Tensor, stride: int) -> Moments:
    k, c_out = 9 * q.shape[1], error.shape[1]
    per_image = error.shape[2] * error.shape[3]
    size, count = max(1, POSITIONS // per_image), len(q) * per_image
    total, total_error = torch.zeros(k, dtype=torch.float64), torch.zeros(c_out, dtype=torch.float64)
    square = torch.zeros(k, k, dtype=torch.float64)
    cross = torch.zeros(c_out, k, dtype=torch.float64)
    for part, wrong in zip(layers.batches(q, size), layers.batches(error, size), strict=True):
        taps = _taps(part.float() * in_scale, stride)
        outputs = wrong.transpose(0, 1).flatten(1)
        total += taps.sum(dim=0, dtype=torch.float64)
        total_error += outputs.sum(dim=1, dtype=torch.float64)
        square += taps.T @ taps
        cross += outputs @ taps
    mean = total / count
    cov = square / count - torch.outer(mean, mean)
    centred = cross / count - torch.outer(total_error / count, mean)
    return Moments(cov.numpy(), mean.numpy(), centred.numpy())


def _taps(x: torch.Tensor, stride: int) -> torch.Tensor:
    """(N, C, H, W) -> (N * H' * W', 9 C), in the order of a weight's (C, 3, 3)."""
    return F.unfold(x, 3, padding=1, stride=stride).transpose(1, 2).flatten(0, 1)


def compensated(weight: Float, moments: Moments, damping: float) -> Float:
    """W* for weight (O, K): the least-squares weights on the quantized inputs, damped towards weight."""
    system = _damped(moments.cov, damping)
    return np.asarray(weight + np.linalg.solve(system, moments.cross.T).T, dtype=np.float64)


def round_weights(
    weight: Float, cov: Float, scale: Float, limit: int, damping: float, sweeps: int
) -> NDArray[np.int8]:
    """Integers (O, K) in [-limit, limit] for weight (O, K) with scale (O,), given the inputs' covariance."""
    system = _damped(cov, damping)
    target = weight / scale[:, None]
    integers = _carry_errors(target, system, limit)
    for _ in range(sweeps):
        if not _sweep(integers, target, system, limit):
            break
    return np.asarray(integers, dtype=np.int8)


def _damped(cov: Float, damping: float) -> Float:
    """cov + damping * mean variance of the live inputs; an input that never varies is only damped."""
    variance = np.diag(cov)
    live = variance > 0
    mean = float(variance[live].mean()) if live.any() else 1.0
    return np.asarray(cov + damping * mean * np.eye(len(cov)), dtype=np.float64)


def _carry_errors(target: Float, system: Float, limit: int) -> Float:
    """GPTQ: round column after column, most important first, and let the later ones make up for it."""
    order = np.argsort(-np.diag(system), kind="stable")
    inverse = np.linalg.inv(system[np.ix_(order, order)])
    upper = np.linalg.cholesky((inverse + inverse.T) / 2).T
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
