"""Which layers can do with fewer bits: a search for weight widths under a budget of weight memory."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from repvgg_hw.errors import InputError
from repvgg_hw.model.images import normalise
from repvgg_hw.network import FusedNetwork
from repvgg_hw.quantize import channels, grid, layers
from repvgg_hw.quantize.widths import LINEAR, MAX_BITS, MIN_BITS, Widths

Float = NDArray[np.float64]


def search_widths(
    fused: FusedNetwork,
    pixels: NDArray[np.uint8],
    *,
    mean: Sequence[float],
    std: Sequence[float],
    budget_bytes: int,
    activations: int = 8,
) -> Widths:
    """Weight widths per layer that fit budget_bytes and lose least, on pixels (N, H, W, C) uint8.

    A layer's loss at some width is the noise that rounding its weights to that width, nearest, puts into
    its own output, relative to the output's power; losses of layers add up, as independent noise does
    along a chain. From 8 bits everywhere, the step down that costs least per byte saved is taken until
    the budget holds. Raises InputError where 4 bits everywhere are too large.
    """
    sizes = {conv.name: conv.weight.size for conv in fused.convs}
    if fused.linear is not None:
        sizes[LINEAR] = fused.linear.weight.size
    least = -(-sum(sizes.values()) * MIN_BITS // 8)
    if budget_bytes < least:
        raise InputError(
            f"a budget of {budget_bytes} bytes is too small: at {MIN_BITS} bits the weights take {least}"
        )
    noise = layer_noise(fused, pixels, mean, std)
    bits = dict.fromkeys(sizes, MAX_BITS)
    while sum(sizes[name] * bits[name] for name in sizes) > 8 * budget_bytes:
        steps = [name for name in sizes if bits[name] > MIN_BITS]
        cheapest = min(
            steps,
            key=lambda name: (noise[name][bits[name] - 1] - noise[name][bits[name]]) / sizes[name],
        )
        bits[cheapest] -= 1
    return Widths(activations=activations, weight_of=bits)


def layer_noise(
    fused: FusedNetwork, pixels: NDArray[np.uint8], mean: Sequence[float], std: Sequence[float]
) -> dict[str, dict[int, float]]:
    """Layer name -> weight bits -> noise power over signal power at the layer's output."""
    x = torch.from_numpy(normalise(pixels, mean, std).astype(np.float32))
    stats = channels.channel_stats(fused, x)
    ratios: dict[str, dict[int, float]] = {}
    alive = channels.zero_dead_inputs(fused, stats)
    for conv in alive.convs:
        output = layers.conv(x, conv.weight, conv.bias, conv)
        power = float(output.double().square().mean()) or 1.0
        ratios[conv.name] = {}
        for bits in range(MIN_BITS, MAX_BITS + 1):
            error = conv.weight - _rounded(conv.weight, bits, grid.max_scale(conv.weight, bits))
            noise = layers.conv(x, error, np.zeros(len(error)), conv)
            ratios[conv.name][bits] = float(noise.double().square().mean()) / power
        x = torch.relu_(output)
    if alive.linear is None:
        return ratios
    weight = alive.linear.weight
    features = x.mean(dim=(2, 3)).double().numpy()
    power = float(((features @ weight.T + alive.linear.bias) ** 2).mean()) or 1.0
    ratios[LINEAR] = {}
    for bits in range(MIN_BITS, MAX_BITS + 1):
        error = weight - _rounded(weight, bits, grid.max_scale(weight, bits, per_tensor=True))
        ratios[LINEAR][bits] = float(((features @ error.T) ** 2).mean()) / power
    return ratios


def _rounded(weight: Float, bits: int, scale: Float) -> Float:
    """weight as its nearest integers stand for it; a row of zeros stays one."""
    safe = np.where(scale > 0, scale, 1.0)
    shape = (-1, *[1] * (weight.ndim - 1))
    return np.asarray(grid.to_integers(weight, safe, bits) * safe.reshape(shape), dtype=np.float64)
