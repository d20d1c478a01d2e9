"""From a layer's real weights to its integers and its bias, by the recipe's rounding."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from repvgg_hw.quantize import adaround, grid
from repvgg_hw.quantize.moments import Moments, Taps, batches, moments
from repvgg_hw.quantize.recipe import Recipe
from repvgg_hw.quantize.rounding import compensated, round_weights

Float = NDArray[np.float64]

SAMPLE_VALUES = 1 << 25  # taps that AdaRound draws its rows from: 128 MiB of float32


@dataclass(frozen=True)
class Layer:
    """One group of a convolution, or the linear layer, as a matrix: y = W x + b.

    weight (O, K) and bias (O,) real; scale (O,) of the weights; bits of the weights
    taps     the quantized inputs
    output   (N, O, H', W') or (N, O) float32: what the float layer gives before ReLU
    error    same shape: output, less what the same real weights and bias give on the quantized inputs
    relu     whether a ReLU follows
    """

    weight: Float
    bias: Float
    scale: Float
    bits: int
    taps: Taps
    output: torch.Tensor
    error: torch.Tensor
    relu: bool


def fit(layer: Layer, recipe: Recipe) -> tuple[NDArray[np.int8], Float]:
    """Integers (O, K) and real bias (O,)."""
    limit = grid.weight_limit(layer.bits)
    if recipe.rounding == "nearest":
        integers = grid.to_integers(layer.weight, layer.scale, layer.bits)
        if not recipe.bias_correction:
            return integers, layer.bias
        return integers, _corrected(layer, integers, moments(layer.taps, layer.error, second=False))
    stats = moments(layer.taps, layer.error, second=True)
    target = compensated(layer.weight, stats) if recipe.compensate else layer.weight
    integers = round_weights(target, stats.cov, layer.scale, limit)
    if recipe.rounding == "adaround":
        rows, wanted = _sample(layer)
        bias = _corrected(layer, integers, stats)
        integers = adaround.learn(target, bias, layer.scale, limit, rows, wanted, integers, relu=layer.relu)
        return integers, bias
    return integers, _corrected(layer, integers, stats)


def _corrected(layer: Layer, integers: NDArray[np.int8], stats: Moments) -> Float:
    """The bias that makes the mean output before ReLU the float layer's (empirical bias correction)."""
    change = layer.weight - integers * layer.scale[:, None]
    return np.asarray(layer.bias + stats.mean_error + change @ stats.mean, dtype=np.float64)


def _sample(layer: Layer) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows (P, K) and wanted outputs (P, O), an even share of every image's positions."""
    positions = layer.output.shape[0] * layer.output[0, 0].numel()
    stride = max(1, -(-positions * layer.taps.width // SAMPLE_VALUES))
    rows, wanted = [], []
    generator = torch.Generator().manual_seed(0)
    for taps, output in batches(layer.taps, layer.output):
        keep = torch.randperm(len(taps), generator=generator)[::stride]
        rows.append(taps[keep])
        wanted.append(output.T[keep])
    outputs = torch.cat(wanted)
    return torch.cat(rows), torch.relu(outputs) if layer.relu else outputs
