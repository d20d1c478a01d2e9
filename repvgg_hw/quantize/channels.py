"""Channels, seen across the chain: those that are dead, and those to be equalized.

A scaled ReLU commutes with its scale, so an output channel may be divided by any r > 0 if the next
layer's weights for it are multiplied by r: the float network is the same, its integers are not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from repvgg_hw.network import FusedConv, FusedNetwork
from repvgg_hw.quantize import layers

Float = NDArray[np.float64]
RatioRule = Callable[[int, Float, "ChannelStats", int], Float]

MAX_RATIO = 2.0**20  # scales beyond this say nothing about the layer any more


@dataclass(frozen=True)
class ChannelStats:
    """What calibration saw of one layer's output, per channel (C,).

    peak the largest value, mean_square the mean of squares, active the share of values above 0
    """

    peak: Float
    mean_square: Float
    active: Float


def channel_stats(network: FusedNetwork, x: torch.Tensor) -> list[ChannelStats]:
    """Statistics of every convolution's output on the normalised images x (N, C, H, W)."""
    stats = []
    for conv in network.convs:
        x = torch.relu_(layers.conv(x, conv.weight, conv.bias, conv))
        square = torch.zeros(x.shape[1], dtype=torch.float64)
        active = torch.zeros_like(square)
        for part in layers.batches(x, 64):
            square += part.double().square().sum(dim=(0, 2, 3))
            active += (part > 0).sum(dim=(0, 2, 3))
        count = len(x) * x.shape[2] * x.shape[3]
        peak = x.amax(dim=(0, 2, 3)).double().numpy()
        stats.append(ChannelStats(peak, (square / count).numpy(), (active / count).numpy()))
    return stats


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
    linear = network.linear
    if linear is not None:
        linear = replace(linear, weight=linear.weight * (stats[-1].peak > 0))
    return replace(network, convs=tuple(convs), linear=linear)


def by_peaks(weight: Float, before: ChannelStats, *, groups: int, alpha: float) -> Float:
    """peak**alpha * column**(alpha - 1) for each channel (C,), geometric mean 1 over live ones, 1 if dead.

    weight (O, C / groups, taps) of the next layer. peak is the channel's largest activation, column its
    largest weight in the next layer relative to that weight's row (per-channel weight scales see nothing
    else). Cross-layer equalization (Nagel et al., 2019) with the range of the activations in place of that
    of the weights before them; alpha trades the resolution of activations (1) for that of weights (0).
    """
    largest = np.abs(weight).max(axis=2).reshape(groups, len(weight) // groups, -1)
    column = relative_columns(largest)
    live = (before.peak > 0) & (column > 0)
    ratio = np.ones_like(before.peak)
    if live.any():
        log = alpha * np.log(before.peak[live]) + (alpha - 1) * np.log(column[live])
        ratio[live] = np.exp(log - log.mean())
    return np.clip(ratio, 1 / MAX_RATIO, MAX_RATIO)


def relative_columns(largest: Float) -> Float:
    """(C,): the largest |w[o, c]| / max |w[o]| of each channel; largest (groups, O / groups, C / groups)."""
    rows = largest.max(axis=2, keepdims=True)
    relative = np.divide(largest, rows, out=np.zeros_like(largest), where=rows > 0)
    return np.asarray(relative.max(axis=1).reshape(-1), dtype=np.float64)


def equalize(network: FusedNetwork, stats: list[ChannelStats], ratio_of: RatioRule) -> FusedNetwork:
    """Divide each channel by its ratio, along the chain and into the linear layer.

    Without a linear layer the last map leaves the network: its channels keep their common scale.

    ratio_of(i, weight, stats of channels, groups) gives the ratios (C,) of convolution i's output;
    weight (O, C / groups, taps) is the next layer's.
    """
    convs = list(network.convs)
    linear = network.linear
    for i, before in enumerate(stats):
        if i + 1 == len(convs):
            if linear is None:
                break
            ratio = ratio_of(i, linear.weight[:, :, None], before, 1)
            linear = replace(linear, weight=linear.weight * ratio)
        else:
            after = convs[i + 1]
            ratio = ratio_of(i, after.weight.reshape(*after.weight.shape[:2], 9), before, after.groups)
            convs[i + 1] = scale_inputs(after, ratio)
        convs[i] = scale_outputs(convs[i], 1.0 / ratio)
    return replace(network, convs=tuple(convs), linear=linear)
