"""Channels, seen across the chain: those that are dead, and those to be equalized.

A scaled ReLU commutes with its scale, so an output channel may be divided by any r > 0 if the next
layer's weights for it are multiplied by r: the float network is the same, its integers are not.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from repvgg_hw.network import FusedConv, FusedNetwork
from repvgg_hw.quantize import layers

Float = NDArray[np.float64]

MAX_RATIO = 2.0**20  # scales beyond this say nothing about the layer any more


@dataclass(frozen=True)
class ChannelStats:
    """What calibration saw of one layer's output, per channel (C,): the largest value and the mean square."""

    peak: Float
    mean_square: Float


def channel_stats(network: FusedNetwork, x: torch.Tensor) -> list[ChannelStats]:
    """Statistics of every convolution's output on the normalised images x (N, C, H, W)."""
    found = []
    for conv in network.convs:
        x = torch.relu_(layers.conv(x, conv.weight, conv.bias, conv))
        square = torch.zeros(x.shape[1], dtype=torch.float64)
        for part in layers.batches(x, 64):
            square += part.double().square().sum(dim=(0, 2, 3))
        mean_square = square / (len(x) * x.shape[2] * x.shape[3])
        found.append(ChannelStats(x.amax(dim=(0, 2, 3)).double().numpy(), mean_square.numpy()))
    return found


def scale_inputs(conv: FusedConv, factor: Float) -> FusedConv:
    """conv with the weights of input channel c multiplied by factor[c]; factor (C_in,)."""
    c_out, c_in_g = conv.weight.shape[:2]
    per_group = factor.reshape(conv.groups, 1, c_in_g, 1, 1)
    weight = conv.weight.reshape(conv.groups, c_out // conv.groups, c_in_g, 3, 3) * per_group
    return replace(conv, weight=weight.reshape(conv.weight.shape))


def scale_outputs(conv: FusedConv, factor: Float) -> FusedConv:
    """conv with its output channels multiplied by factor (C_out,), all > 0."""
    weight = conv.weight * factor[:, None, None, None]
    return replace(conv, weight=weight, bias=conv.bias * factor)


def zero_dead_inputs(network: FusedNetwork, stats: list[ChannelStats]) -> FusedNetwork:
    """Zero the weights of input channels that calibration never saw active.

    Behind a ReLU such a channel's variance is 0, its identity branch's batch norm divides by
    sqrt(eps), and one tap of hundreds sets the scale of a whole output channel, for an input that is 0.
    The test is the largest value seen, not a mean: a channel that fires once on one image is kept.
    """
    convs = [network.convs[0]]
    for conv, before in zip(network.convs[1:], stats, strict=False):
        convs.append(scale_inputs(conv, (before.peak > 0).astype(np.float64)))
    linear = network.linear_weight * (stats[-1].peak > 0)
    return replace(network, convs=tuple(convs), linear_weight=linear)


def equalize(network: FusedNetwork, stats: list[ChannelStats], alpha: float) -> FusedNetwork:
    """Divide each channel by peak**alpha * column**(alpha - 1), along the chain and into the linear layer.

    peak is the channel's largest activation, column its largest weight in the next layer relative to
    that weight's row (per-channel weight scales see nothing else). Cross-layer equalization (Nagel et
    al., 2019) with the range of the activations in place of that of the weights before them; alpha
    trades the resolution of activations (1) for that of weights (0). The result is the same whatever
    scales the channels came with.
    """
    convs = list(network.convs)
    linear = network.linear_weight
    for i, before in enumerate(stats):
        column = _column_range(convs[i + 1]) if i + 1 < len(convs) else np.abs(linear).max(axis=0)
        ratio = _ratio(before.peak, column, alpha)
        convs[i] = scale_outputs(convs[i], 1.0 / ratio)
        if i + 1 < len(convs):
            convs[i + 1] = scale_inputs(convs[i + 1], ratio)
        else:
            linear = linear * ratio
    return replace(network, convs=tuple(convs), linear_weight=linear)


def _column_range(conv: FusedConv) -> Float:
    """(C_in,): the largest |w[o, c]| / max |w[o]| of each input channel c."""
    c_out, c_in_g = conv.weight.shape[:2]
    taps = np.abs(conv.weight).max(axis=(2, 3))
    rows = taps.max(axis=1, keepdims=True)
    relative = np.divide(taps, rows, out=np.zeros_like(taps), where=rows > 0)
    columns = relative.reshape(conv.groups, c_out // conv.groups, c_in_g).max(axis=1)
    return np.asarray(columns.reshape(-1), dtype=np.float64)


def _ratio(peak: Float, column: Float, alpha: float) -> Float:
    """The factor of each channel, with geometric mean 1 over the live ones; 1 where nothing is known."""
    live = (peak > 0) & (column > 0)
    ratio = np.ones_like(peak)
    if live.any():
        log = alpha * np.log(peak[live]) + (alpha - 1) * np.log(column[live])
        ratio[live] = np.exp(log - log.mean())
    return np.clip(ratio, 1 / MAX_RATIO, MAX_RATIO)
