"""From an IntegerNetwork to what the kernels read: padded weights, folded constants; proof that 32 bits do.

`kernels` describes the layout.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from repvgg_hw.errors import InputError
from repvgg_hw.network import IntegerConv, IntegerLinear

HIDDEN_ZERO = 128  # hidden maps are stored as uint8 - 128
MAX_BLOCK_K = 128  # the widest K block of any tile: spans are padded to it, and maps end with that much slack
INPUT_ALIGN = 4  # channels of the network's input are padded to this, so that loads are of 4 bytes or more
INT32_MAX = (1 << 31) - 1


def padded_channels(channels: int, is_input: bool) -> int:
    """Channels as stored: only the network's input is padded."""
    return -(-channels // INPUT_ALIGN) * INPUT_ALIGN if is_input else channels


@dataclass(frozen=True)
class PackedConv:
    """One layer as conv3x3_kernel reads it; tensors are on the device."""

    layer: IntegerConv
    weight: Tensor  # int8 (C_out, spans, span_pitch)
    multiplier: Tensor  # int32 (C_out,)
    offset: Tensor  # int64 (C_out,)
    c_in: int  # stored channels of the input
    c_in_group: int
    spans: int
    span: int  # taps x channels of one span

    @property
    def align(self) -> int:
        """A divisor of c_in, as wide as one load may be (16 bytes)."""
        return math.gcd(self.c_in, 16)

    @property
    def span_pitch(self) -> int:
        """Bytes of one span's weights, padding included."""
        return int(self.weight.shape[2])


def pack_conv(layer: IntegerConv, device: str) -> PackedConv:
    """Raises InputError where the layer's numbers are outside what int8 x int8 -> int32 computes exactly."""
    c_out, c_in_group = layer.weight.shape[:2]
    zero = 0 if layer.in_signed else HIDDEN_ZERO
    _check_conv(layer)
    stored = padded_channels(c_in_group * layer.groups, layer.in_signed)
    if layer.groups == 1:
        c_in_group = stored
        spans, span = 3, 3 * stored
    else:
        spans, span = 9, c_in_group
    taps = np.zeros((c_out, 3, 3, c_in_group), np.int8)  # channels innermost, as the maps
    taps[..., : layer.weight.shape[1]] = np.moveaxis(layer.weight, 1, 3)
    pitch = -(-span // MAX_BLOCK_K) * MAX_BLOCK_K
    weight = np.zeros((c_out, spans, pitch), np.int8)
    weight[:, :, :span] = taps.reshape(c_out, spans, span)

    sums = layer.weight.astype(np.int64).reshape(c_out, -1).sum(axis=1)
    multiplier = layer.multiplier.astype(np.int64)
    offset = multiplier * (layer.bias.astype(np.int64) + zero * sums) + (1 << (layer.shift - 1))
    return PackedConv(
        layer=layer,
        weight=_to(weight, device),
        multiplier=_to(layer.multiplier.astype(np.int32), device),
        offset=_to(offset, device),
        c_in=stored,
        c_in_group=c_in_group,
        spans=spans,
        span=span,
    )


def _check_conv(layer: IntegerConv) -> None:
    """The matrix units take int8 operands and sum in int32."""
    if layer.in_bits > 8 or layer.out_bits > 8:
        widest = max(layer.in_bits, layer.out_bits)
        raise InputError(f"{layer.name}: {widest}-bit activations; the GPU backend takes up to 8")
    if layer.in_signed and layer.groups > 1:
        raise InputError(f"{layer.name}: the GPU backend takes no groups in the first layer")
    magnitudes = np.abs(layer.weight.astype(np.int64)).reshape(layer.weight.shape[0], -1).sum(axis=1)
    bound = 128 * int(magnitudes.max(initial=0))  # |stored| <= 128, bias is added in 64 bits
    if bound > INT32_MAX:
        raise InputError(f"{layer.name}: sums up to {bound} do not fit the GPU backend's 32-bit accumulators")


@dataclass(frozen=True)
class PackedLinear:
    """The linear layer as linear_kernel reads it."""

    weight: Tensor  # int8 (classes, C)
    bias: Tensor  # int32 (classes,)
    digits: int  # base-128 digits of a pooled sum


def pack_linear(layer: IntegerLinear, pixels: int, device: str) -> PackedLinear:
    """pixels is H * W of the map that is summed. Raises InputError where a logit may not fit 32 bits."""
    largest = 255 * pixels
    sums = np.abs(layer.weight.astype(np.int64)).sum(axis=1) * largest + np.abs(layer.bias.astype(np.int64))
    bound = int(sums.max(initial=0))
    if bound > INT32_MAX:
        raise InputError(f"linear: logits up to {bound} do not fit 32 bits")
    return PackedLinear(
        weight=_to(layer.weight, device),
        bias=_to(layer.bias.astype(np.int32), device),
        digits=-(-largest.bit_length() // 7),
    )


def _to(array: NDArray[np.generic], device: str) -> Tensor:
    # A copy: the network's arrays may be read-only, and torch warns about those.
    return torch.from_numpy(np.array(array, order="C")).to(device)
