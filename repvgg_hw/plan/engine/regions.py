"""Weight regions of an image: a layer's integers in the order in which the engine uses them.

A convolution's region has, for each group and set of PO outputs, `affine`: bias int32 and multiplier uint32
of each output; then blocks of SETS weight sets, of PO x PI kernels of nine int8. All is padded with zeros to
whole beats, and blocks to BLOCK_BEATS; one of fewer sets, the last, is not.
The linear layer's has, for BW classes at a time, their biases int32, then a beat of BW weights a channel.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from repvgg_hw.network import IntegerConv, IntegerLinear
from repvgg_hw.plan.engine.array import AFFINE_BYTES, TAPS, Array
from repvgg_hw.plan.engine.tiling import Layer

Bytes = NDArray[np.uint8]


def conv_region(layer: Layer, conv: IntegerConv) -> Bytes:
    """The region of a convolution, weight_beats BW bytes."""
    array, shape = layer.array, layer.shape
    groups, words, sets = shape.groups, layer.words, layer.repeats
    weights = np.zeros((groups, sets * array.po, words * array.pi, TAPS), np.int8)
    weights[:, : layer.out_channels, : layer.in_channels] = conv.weight.reshape(
        groups, layer.out_channels, layer.in_channels, TAPS
    )
    # (group, set, o, word, i, tap) -> a word's set: o, then i, then tap
    ordered = weights.reshape(groups, sets, array.po, words, array.pi, TAPS).transpose(0, 1, 3, 2, 4, 5)
    per_block, beats = array.block
    blocks = -(-words // per_block)
    kernels = _padded(
        ordered.reshape(groups, sets, words, array.set_bytes).view(np.uint8), 2, blocks * per_block
    )
    kernels = kernels.reshape(groups, sets, blocks, per_block * array.set_bytes)
    kernels = _padded(kernels, 3, beats * array.bw).reshape(groups, sets, -1)
    kernels = kernels[:, :, : (array.region_beats(words) - array.affine_beats) * array.bw]

    affine = np.zeros((groups, sets * array.po, 2), "<u4")
    affine[:, : layer.out_channels, 0] = conv.bias.astype("<i4").view("<u4").reshape(groups, -1)
    affine[:, : layer.out_channels, 1] = conv.multiplier.reshape(groups, -1)
    table = affine.reshape(groups, sets, array.po * 2).view(np.uint8)
    table = _padded(table, 2, array.affine_beats * array.bw)
    return np.concatenate([table, kernels], axis=2).reshape(-1)


def read_conv_region(
    data: Bytes, array: Array, groups: int, repeats: int, words: int
) -> tuple[NDArray[np.int8], NDArray[np.int64], NDArray[np.int64]]:
    """A region as padded integers: weights (groups, repeats PO, words PI, 9), bias and multiplier of each."""
    per_block, beats = array.block
    table = array.affine_beats * array.bw
    sets = data.reshape(groups, repeats, -1)
    affine = np.ascontiguousarray(sets[:, :, : array.po * AFFINE_BYTES]).view("<u4")
    affine = affine.reshape(groups, repeats * array.po, 2)
    blocks = _padded(sets[:, :, table:], 2, -(-words // per_block) * beats * array.bw)
    blocks = blocks.reshape(groups, repeats, -1, beats * array.bw)
    kernels = blocks[..., : per_block * array.set_bytes].reshape(groups, repeats, -1, array.set_bytes)[
        :, :, :words
    ]
    weights = np.ascontiguousarray(kernels).view(np.int8)
    weights = weights.reshape(groups, repeats, words, array.po, array.pi, TAPS).transpose(0, 1, 3, 2, 4, 5)
    bias = np.ascontiguousarray(affine[..., 0]).view("<i4").astype(np.int64)
    return (
        weights.reshape(groups, repeats * array.po, words * array.pi, TAPS),
        bias,
        affine[..., 1].astype(np.int64),
    )


def linear_region(array: Array, linear: IntegerLinear) -> Bytes:
    """The region of the linear layer."""
    classes, channels = linear.weight.shape
    blocks = -(-classes // array.bw)
    weights = _padded(linear.weight.astype(np.int8).view(np.uint8), 0, blocks * array.bw)
    bias = _padded(linear.bias.astype("<i4"), 0, blocks * array.bw).view(np.uint8)
    columns = weights.reshape(blocks, array.bw, channels).transpose(0, 2, 1).reshape(blocks, -1)
    return np.concatenate([bias.reshape(blocks, -1), columns], axis=1).reshape(-1)


def read_linear_region(data: Bytes, array: Array, blocks: int) -> tuple[NDArray[np.int8], NDArray[np.int64]]:
    """A region as padded integers: weights (blocks BW, channels), bias."""
    block = data.reshape(blocks, -1)
    bias = np.ascontiguousarray(block[:, : 4 * array.bw]).view("<i4").astype(np.int64)
    columns = np.ascontiguousarray(block[:, 4 * array.bw :]).view(np.int8).reshape(blocks, -1, array.bw)
    return columns.transpose(0, 2, 1).reshape(blocks * array.bw, -1), bias.reshape(-1)


def _padded(values: NDArray[Any], axis: int, size: int) -> NDArray[Any]:
    """With zeros at the end of an axis."""
    widths = [(0, 0)] * values.ndim
    widths[axis] = (0, size - values.shape[axis])
    return np.pad(values, widths)
