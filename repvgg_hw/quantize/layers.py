"""The network's layers in torch, over whole calibration sets in batches. Torch stops at quantization.

Activations are (N, C, H, W) tensors: float32 for the float network, uint8 (int8 for the input) for the
integer one.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from repvgg_hw.network import FusedConv, FusedLinear, IntegerConv, IntegerLinear, out_size
from repvgg_hw.quantize.ranges import BINS, Counts

BATCH_VALUES = 1 << 24  # values of the larger map that a batch may have: 64 MiB of float32

_EXACT_FLOAT32 = 1 << 24


def _batch(x: torch.Tensor, c_out: int) -> int:
    per_image = x[0].numel() // x.shape[1] * max(x.shape[1], c_out)
    return max(1, BATCH_VALUES // max(1, per_image))


def batches(x: torch.Tensor, size: int) -> tuple[torch.Tensor, ...]:
    """Views of x (N, ...) of at most size images each."""
    return tuple(x[i : i + size] for i in range(0, len(x), size))


def conv(
    x: torch.Tensor, weight: NDArray[np.float64], bias: NDArray[np.float64], layer: FusedConv
) -> torch.Tensor:
    """3x3 convolution with bias, before ReLU, in float32: (N, C_in, H, W) -> (N, C_out, H', W')."""
    w, b = torch.from_numpy(weight.astype(np.float32)), torch.from_numpy(bias.astype(np.float32))
    size = _batch(x, len(weight))
    parts = [F.conv2d(p.float(), w, b, layer.stride, 1, 1, layer.groups) for p in batches(x, size)]
    return torch.cat(parts)


def integer_conv(x: torch.Tensor, layer: IntegerConv) -> torch.Tensor:
    """Exactly golden.conv_layer, on torch: integers (N, C_in, H, W) -> uint8 (N, C_out, H', W').

    The products sum up in float32 where a bound proves that exact, else in float64.
    """
    rows = layer.weight.astype(np.int64).reshape(len(layer.weight), -1)
    # Unsigned inputs: no partial sum leaves the range from all negative products to all positive ones.
    signs = (np.abs(rows),) if layer.in_signed else (rows.clip(min=0), -rows.clip(max=0))
    bound = max(int(part.sum(axis=1).max()) for part in signs) * (1 << layer.in_bits)
    exact = torch.float32 if bound < _EXACT_FLOAT32 else torch.float64
    w = torch.from_numpy(layer.weight).to(exact)
    bias = torch.from_numpy(layer.bias).to(torch.int64)[:, None, None]
    multiplier = torch.from_numpy(layer.multiplier).to(torch.int64)[:, None, None]
    half, limit = 1 << (layer.shift - 1), (1 << layer.out_bits) - 1
    n, _, h, width = x.shape
    out = torch.empty(
        (n, len(w), out_size(h, layer.stride), out_size(width, layer.stride)), dtype=torch.uint8
    )
    size = _batch(x, len(w))
    for part, target in zip(batches(x, size), batches(out, size), strict=True):
        acc = F.conv2d(part.to(exact), w, None, layer.stride, 1, 1, layer.groups).to(torch.int64)
        acc.add_(bias).mul_(multiplier).add_(half).bitwise_right_shift_(layer.shift)
        target.copy_(acc.clamp_(0, limit))
    return out


def float_head(x: torch.Tensor, layer: FusedLinear | None) -> NDArray[np.float64]:
    """What the float network makes of its last map (N, C, H, W): logits (N, classes), or the map itself."""
    if layer is None:
        return np.asarray(x.double().numpy())
    features = x.mean(dim=(2, 3)).double().numpy()
    return np.asarray(features @ layer.weight.T + layer.bias, dtype=np.float64)


def integer_head(x: torch.Tensor, layer: IntegerLinear | None) -> torch.Tensor:
    """Exactly golden.global_sum and golden.linear: (N, C, H, W) uint8 -> (N, classes) int64, or the map."""
    if layer is None:
        return x.to(torch.int64)
    sums = x.to(torch.int64).sum(dim=(2, 3)).double()  # int32-safe logits are exact in float64
    weight = torch.from_numpy(layer.weight).double()
    return (sums @ weight.T).to(torch.int64) + torch.from_numpy(layer.bias).to(torch.int64)


def histogram(x: torch.Tensor) -> tuple[Counts, float]:
    """Counts (BINS,) of the positive values of x over [0, top], and top, the largest value."""
    top = float(x.max())
    counts = np.zeros(BINS, dtype=np.int64)
    if not top > 0:
        return counts, 0.0
    for part in batches(x, max(1, BATCH_VALUES // max(1, x[0].numel()))):
        index = (part[part > 0] * (BINS / top)).long().clamp_(max=BINS - 1)
        counts += torch.bincount(index, minlength=BINS).numpy()
    return counts, top
