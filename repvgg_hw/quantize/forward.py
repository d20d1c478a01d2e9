"""Whole networks over whole data sets: the float network, the integers, and the usual imitation of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from repvgg_hw import golden
from repvgg_hw.model.images import normalise
from repvgg_hw.network import FusedNetwork, IntegerNetwork
from repvgg_hw.quantize import layers

BATCH = 100  # images carried through the network together
Outputs = NDArray[np.float64]  # logits (N, classes), or last maps (N, C, H, W) of networks without a head
Step = Callable[[int], None]  # called with the number of images done since the last call


def _batches(
    pixels: NDArray[np.uint8], one: Callable[[NDArray[np.uint8]], NDArray[np.float64]], step: Step | None
) -> Outputs:
    parts = []
    for start in range(0, len(pixels), BATCH):
        part = pixels[start : start + BATCH]
        parts.append(one(part))
        if step:
            step(len(part))
    return np.concatenate(parts)


def float_outputs(
    network: FusedNetwork,
    pixels: NDArray[np.uint8],
    mean: tuple[float, ...],
    std: tuple[float, ...],
    step: Step | None = None,
) -> Outputs:
    """The fused network in float32 on pixels (N, H, W, C) uint8: logits, or last maps."""

    def one(part: NDArray[np.uint8]) -> Outputs:
        x = torch.from_numpy(normalise(part, mean, std).astype(np.float32))
        for conv in network.convs:
            x = torch.relu_(layers.conv(x, conv.weight, conv.bias, conv))
        return layers.float_head(x, network.linear)

    return _batches(pixels, one, step)


def integer_outputs(network: IntegerNetwork, pixels: NDArray[np.uint8], step: Step | None = None) -> Outputs:
    """golden.forward(golden.quantize_input(pixels)) on torch, integer for integer; times output_scale."""

    def one(part: NDArray[np.uint8]) -> Outputs:
        x = torch.from_numpy(golden.quantize_input(part, network).copy())
        for conv in network.convs:
            x = layers.integer_conv(x, conv)
        integers = layers.integer_head(x, network.linear).numpy()
        return np.asarray(integers * network.output_scale, dtype=np.float64)

    return _batches(pixels, one, step)


def fake_quantized_outputs(
    network: IntegerNetwork, pixels: NDArray[np.uint8], step: Step | None = None
) -> Outputs:
    """The same network as training frameworks imitate it: float32 sums, real-valued multiplier, ties to even.

    Every activation is in units of its own step, so multiplier / 2**shift is the layer's real scale.
    """

    def one(part: NDArray[np.uint8]) -> Outputs:
        x = torch.from_numpy(golden.quantize_input(part, network).astype(np.float32))
        for conv in network.convs:
            scale = torch.from_numpy(conv.multiplier / 2.0**conv.shift).float()
            weight = torch.from_numpy(conv.weight).float() * scale[:, None, None, None]
            bias = torch.from_numpy(conv.bias).float() * scale
            y = F.conv2d(x, weight, bias, conv.stride, 1, 1, conv.groups)
            x = torch.clamp(torch.round(y), 0, (1 << conv.out_bits) - 1)
        if network.linear is None:
            return np.asarray(x.double().numpy() * network.output_scale)
        features = x.sum(dim=(2, 3)).double().numpy()
        logits = features @ network.linear.weight.astype(np.float64).T + network.linear.bias
        return np.asarray(logits * network.output_scale, dtype=np.float64)

    return _batches(pixels, one, step)
