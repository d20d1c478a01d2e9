"""What a layer's inputs look like to its weights: rows of taps, their means and their covariance."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

Float = NDArray[np.float64]

ROWS = 1 << 13  # rows of one matrix product


@dataclass(frozen=True)
class Taps:
    """The quantized inputs of one group of a layer, as real values.

    x       (N, C, H, W) integers for a 3x3 convolution, K = 9 C taps; (N, C) for the linear layer, K = C
    scale   of one integer step
    stride  of the convolution
    """

    x: torch.Tensor
    scale: float
    stride: int = 1

    @property
    def width(self) -> int:
        """K, the number of taps."""
        return self.x.shape[1] * (9 if self.x.ndim == 4 else 1)

    def rows(self, first: int, last: int) -> torch.Tensor:
        """Taps of images first..last - 1: (positions, K) float32, in the order of a weight's (C, 3, 3)."""
        x = self.x[first:last].float() * self.scale
        if x.ndim == 2:
            return x
        return F.unfold(x, 3, padding=1, stride=self.stride).transpose(1, 2).flatten(0, 1)


@dataclass(frozen=True)
class Moments:
    """Means and covariances over all output positions of all images.

    mean (K,) and cov (K, K) of the taps q; mean_error (O,) of the layer's error e and cross (O, K), the
    covariance of e with q. cov and cross are empty where only the means were asked for.
    """

    mean: Float
    mean_error: Float
    cov: Float
    cross: Float


def flat_error(error: torch.Tensor) -> torch.Tensor:
    """(N, O, H', W') or (N, O) -> (O, positions), in the order of Taps.rows."""
    return error.transpose(0, 1).flatten(1)


def batches(taps: Taps, error: torch.Tensor) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Taps (P, K) and error (O, P) of a few images at a time."""
    per_image = error[0, 0].numel()
    size = max(1, ROWS // per_image)
    for first in range(0, len(error), size):
        yield taps.rows(first, first + size), flat_error(error[first : first + size])


def moments(taps: Taps, error: torch.Tensor, *, second: bool) -> Moments:
    """Moments of taps and of error (N, O, H', W') or (N, O); second: the covariances, too."""
    k, c_out = taps.width, error.shape[1]
    total, total_error = torch.zeros(k, dtype=torch.float64), torch.zeros(c_out, dtype=torch.float64)
    kk = k if second else 0
    square, cross = torch.zeros(kk, kk, dtype=torch.float64), torch.zeros(c_out, kk, dtype=torch.float64)
    count = 0
    shift: torch.Tensor | None = None
    for rows, wrong in batches(taps, error):
        # Covariances do not change with a shift; near the mean, float32 products lose nothing to it.
        shift = rows.mean(dim=0) if shift is None else shift
        rows -= shift
        total += rows.sum(dim=0, dtype=torch.float64)
        total_error += wrong.sum(dim=1, dtype=torch.float64)
        if second:
            square += rows.T @ rows
            cross += wrong @ rows
        count += len(rows)
    mean, mean_error = total / count, total_error / count
    cov = square / count - torch.outer(mean[:kk], mean[:kk])
    centred = cross / count - torch.outer(mean_error, mean[:kk])
    if shift is not None:
        mean += shift
    return Moments(mean.numpy(), mean_error.numpy(), cov.numpy(), centred.numpy())
