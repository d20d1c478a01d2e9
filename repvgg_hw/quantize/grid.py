"""From real scales to the integers of the design, section 2. NumPy only; nothing here sees data.

A convolution's grid is its input scale, its weight scale per output channel and its output scale,
tied together by the requantization constants: multiplier[o] / 2**shift = s_in * s_w[o] / s_out.
The weight scale is the free one, so it is moved to where that equation holds exactly: requantization
then adds no error of its own, whatever the multiplier's few bits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from repvgg_hw.errors import InputError
from repvgg_hw.network import MAX_SHIFT, MULTIPLIER_BITS, FusedConv, IntegerConv, IntegerLinear

MAX_BIAS = 1 << 30  # leaves the other half of int32 to the products
MAX_LOGIT = (1 << 31) - 1

Float = NDArray[np.float64]


@dataclass(frozen=True)
class ConvGrid:
    """Scales and constants of one convolution.

    weight_scale (C_out,) is multiplier * out_scale / (2**shift * in_scale), exactly.
    """

    in_scale: float
    out_scale: float
    weight_scale: Float
    multiplier: NDArray[np.int32]
    shift: int


def weight_limit(bits: int) -> int:
    """Largest magnitude of a symmetric signed integer: 127 at 8 bits."""
    return int((1 << (bits - 1)) - 1)


def activation_limit(bits: int) -> int:
    """Largest unsigned activation: 255 at 8 bits."""
    return int((1 << bits) - 1)


def max_scale(weight: Float, bits: int, per_tensor: bool = False) -> Float:
    """Scale (C_out,) that makes the largest weight of each channel, or of the tensor, the largest integer."""
    peak = np.abs(weight).reshape(len(weight), -1).max(axis=1)
    if per_tensor:
        peak = np.full_like(peak, peak.max())
    return np.asarray(peak / weight_limit(bits), dtype=np.float64)


def fit_grid(weight_scale: Float, bias: Float, in_scale: float, out_scale: float) -> ConvGrid:
    """The grid nearest above the wanted weight scales.

    Scales only grow: a channel whose bias would overflow int32, or whose multiplier would be 0 (all-zero
    weights, a dead channel), gets the smallest scale that fits. Its weights are then so far below one
    output step that their rounding cannot be seen.
    """
    weight_scale = np.maximum(weight_scale, np.abs(bias) / (in_scale * MAX_BIAS))
    ratio = in_scale * weight_scale / out_scale
    limit = (1 << MULTIPLIER_BITS) - 1
    top = float(ratio.max(initial=0.0))
    shift = MAX_SHIFT if top <= 0 else int(np.floor(np.log2(limit) - np.log2(top)))
    shift = min(max(shift, 1), MAX_SHIFT)
    # 1e-9: a scale that already lies on the grid must not be moved to the next by the last bit of a float
    multiplier = np.clip(np.ceil(ratio * 2.0**shift * (1 - 1e-9)), 1, limit).astype(np.int32)
    exact = np.asarray(multiplier * (out_scale / (2.0**shift * in_scale)), dtype=np.float64)
    return ConvGrid(in_scale, out_scale, exact, multiplier, shift)


def to_integers(weight: Float, scale: Float, bits: int) -> NDArray[np.int8]:
    """Nearest integers (ties to even), clipped symmetrically; scale (C_out,)."""
    limit = weight_limit(bits)
    steps = weight / scale.reshape(-1, *[1] * (weight.ndim - 1))
    return np.clip(np.rint(steps), -limit, limit).astype(np.int8)


def integer_conv(
    conv: FusedConv,
    grid: ConvGrid,
    weight: NDArray[np.int8],
    bias: Float,
    *,
    weight_bits: int,
    in_bits: int,
    in_signed: bool,
    out_bits: int,
) -> IntegerConv:
    """Assemble a layer from its integers and its real bias (C_out,)."""
    steps = np.rint(bias / (grid.in_scale * grid.weight_scale))
    return IntegerConv(
        name=conv.name,
        weight=weight,
        bias=np.clip(steps, -MAX_BIAS, MAX_BIAS).astype(np.int32),
        multiplier=grid.multiplier,
        shift=grid.shift,
        stride=conv.stride,
        groups=conv.groups,
        weight_bits=weight_bits,
        in_bits=in_bits,
        in_signed=in_signed,
        out_bits=out_bits,
    )


def linear_scale(weight: Float, bias: Float, sum_scale: float, max_sum: int, bits: int) -> float:
    """The linear layer's one weight scale: the largest weight fits `bits`, every logit fits int32.

    sum_scale is the value of one step of a pooled sum (s_in / (H * W)), max_sum the largest sum.
    """
    peak = float(np.abs(weight).max(initial=0.0))
    scale = peak / weight_limit(bits)
    if scale <= 0:
        scale = float(np.abs(bias).max(initial=0.0)) / (sum_scale * MAX_BIAS) or 1.0
    # Rounding moves a weight by less than one step, so this bound holds whatever the rounding.
    magnitude = np.abs(weight).sum(axis=1) * max_sum + np.abs(bias) / sum_scale
    slack = MAX_LOGIT - 1 - weight.shape[1] * max_sum
    if slack <= 0:
        raise InputError(
            f"the last map has sums up to {max_sum} in {weight.shape[1]} channels: logits cannot be "
            "proven to fit 32 bits; use a smaller input size"
        )
    needed: float = float(magnitude.max(initial=0.0)) / slack
    return max(scale, needed)


def integer_linear(weight: NDArray[np.int8], bias: Float, output_scale: float, bits: int) -> IntegerLinear:
    """Assemble the linear layer from its integers and its real bias (classes,)."""
    steps = np.clip(np.rint(bias / output_scale), -MAX_LOGIT, MAX_LOGIT)
    return IntegerLinear(weight=weight, bias=steps.astype(np.int32), weight_bits=bits)


def logit_bound(layer: IntegerLinear, max_sum: int) -> int:
    """max over classes of sum |w| * max_sum + |b|: no logit can exceed it in magnitude."""
    weights = np.abs(layer.weight.astype(np.int64)).sum(axis=1) * max_sum
    return int((weights + np.abs(layer.bias.astype(np.int64))).max())
