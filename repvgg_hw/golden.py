"""The golden model: NumPy integers only, the one definition of the arithmetic (design, section 2).

Every RTL and HLS unit names the function of this file that it must equal. Nothing here rounds but
`requantize_relu`. Convolutions run as float64 matrix products: exact, because every partial sum stays
far below 2**53 (`conv3x3` checks the bound).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from repvgg_hw.network import IntegerConv, IntegerLinear, IntegerNetwork, out_size

Int = NDArray[np.int64]


def quantize_input(pixels: NDArray[np.uint8], network: IntegerNetwork) -> NDArray[np.int8]:
    """Pixels (N, H, W, C) uint8 -> the network's input (N, C, H, W) int8; ties to even, clipped."""
    mean, std = np.asarray(network.mean), np.asarray(network.std)
    x = (pixels.astype(np.float64) / 255.0 - mean) / std / network.input_scale
    quantized: NDArray[np.int8] = np.clip(np.rint(x), -128, 127).astype(np.int8)
    return np.moveaxis(quantized, 3, 1)


def input_table(network: IntegerNetwork) -> NDArray[np.int8]:
    """The input of every pixel's value: (C, 256) int8, table[c, p] for the value p of channel c.

    `quantize_input` of pixels (N, H, W, C) is this table at them, which is what hardware keeps of mean, std
    and scale.
    """
    channels = network.in_shape[0]
    values = np.broadcast_to(np.arange(256, dtype=np.uint8)[None, None, :, None], (1, 1, 256, channels))
    return quantize_input(values, network)[0, :, 0]


def conv3x3(x: NDArray[np.integer], weight: NDArray[np.integer], stride: int = 1, groups: int = 1) -> Int:
    """3x3 convolution, padding 1, exact.

    x (N, C_in, H, W), weight (C_out, C_in / groups, 3, 3) -> accumulators (N, C_out, H_out, W_out).
    """
    n, _, h, w = x.shape
    c_out, c_in_g = weight.shape[:2]
    ho, wo = out_size(h, stride), out_size(w, stride)
    bound = int(np.abs(weight.astype(np.int64)).reshape(c_out, -1).sum(1).max()) * int(
        np.abs(x.astype(np.int64)).max(initial=0)
    )
    if bound >= 1 << 53:
        raise OverflowError(f"partial sums up to {bound} are not exact in float64")
    padded = np.zeros((n, groups, c_in_g, h + 2, w + 2))
    padded[..., 1:-1, 1:-1] = x.reshape(n, groups, c_in_g, h, w)
    taps = weight.astype(np.float64).reshape(groups, c_out // groups, c_in_g, 3, 3)
    acc = np.zeros((n, groups, c_out // groups, ho * wo))
    for ky in range(3):
        rows = slice(ky, ky + stride * (ho - 1) + 1, stride)
        for kx in range(3):
            columns = slice(kx, kx + stride * (wo - 1) + 1, stride)
            acc += np.matmul(taps[..., ky, kx], padded[..., rows, columns].reshape(n, groups, c_in_g, -1))
    exact: Int = acc.astype(np.int64)
    return exact.reshape(n, c_out, ho, wo)


def requantize_relu(acc: Int, multiplier: NDArray[np.integer], shift: int, bits: int = 8) -> Int:
    """clamp((acc * multiplier + 2**(shift-1)) >> shift, 0, 2**bits - 1); >> floors, so ties go up.

    acc (..., C, H, W) with the bias already added, multiplier (C,).
    """
    product = acc * multiplier.astype(np.int64)[:, None, None] + (1 << (shift - 1))
    clamped: Int = np.clip(product >> shift, 0, (1 << bits) - 1)
    return clamped


def conv_layer(x: NDArray[np.integer], layer: IntegerConv) -> NDArray[np.uint8]:
    """One whole layer: convolution, bias, requantize, ReLU. (N, C, H, W) -> uint8 (N, C', H', W')."""
    acc = conv3x3(x, layer.weight, layer.stride, layer.groups)
    acc += layer.bias.astype(np.int64)[:, None, None]
    return requantize_relu(acc, layer.multiplier, layer.shift, layer.out_bits).astype(np.uint8)


def global_sum(x: NDArray[np.integer]) -> Int:
    """Exact sum over H and W: (N, C, H, W) -> (N, C). The division is folded into the linear layer."""
    sums: Int = x.astype(np.int64).sum(axis=(2, 3))
    return sums


def linear(sums: Int, layer: IntegerLinear) -> Int:
    """Integer logits (N, classes) from pooled sums (N, C)."""
    logits: Int = sums @ layer.weight.astype(np.int64).T + layer.bias.astype(np.int64)
    return logits


def layer_output(network: IntegerNetwork, name: str, x: NDArray[np.integer]) -> NDArray[np.integer]:
    """One layer's output on its input x, by its name in `trace`."""
    if name == "pool":
        return global_sum(x)
    if name == "linear":
        assert network.linear is not None
        return linear(x.astype(np.int64), network.linear)
    return conv_layer(x, next(conv for conv in network.convs if conv.name == name))


def trace(x: NDArray[np.integer], network: IntegerNetwork) -> Iterator[tuple[str, NDArray[np.integer]]]:
    """Run the network on x (N, C, H, W) int8 and yield (name, output) of every layer.

    Names: each convolution's, then "pool" (N, C) and "linear" (N, classes), where there is a linear layer.
    """
    for layer in network.convs:
        x = conv_layer(x, layer)
        yield layer.name, x
    if network.linear is not None:
        sums = global_sum(x)
        yield "pool", sums
        yield "linear", linear(sums, network.linear)


def forward(x: NDArray[np.integer], network: IntegerNetwork) -> Int:
    """The output for x (N, C, H, W) int8: logits (N, classes), or without a linear layer the last map."""
    ((_, out),) = deque(trace(x, network), maxlen=1)  # keeps no other layer's map
    return out.astype(np.int64)


def top1(logit: NDArray[np.integer]) -> NDArray[np.int64]:
    """The predicted class, the lowest index among equals: (N, classes) -> (N,)."""
    winners: NDArray[np.int64] = np.asarray(logit).argmax(axis=1)
    return winners


def top_k(logit: NDArray[np.integer], k: int) -> NDArray[np.int64]:
    """The k likeliest classes, the likeliest first: (N, classes) -> (N, k); 1 <= k <= classes.

    Among equals the lower index comes first, so the first column is `top1`.
    """
    order: NDArray[np.int64] = np.argsort(-np.asarray(logit, dtype=np.int64), axis=1, kind="stable")
    return order[:, :k]
