"""Diverse branch blocks. Ding et al., arXiv 2103.13425."""

from __future__ import annotations

import numpy as np

from repvgg_hw.fuse.branches import depthwise
from repvgg_hw.fuse.graph import Affine, Conv, Node, Pad, Sum, chain, same_conv
from repvgg_hw.fuse.reader import Reader


def dbb(block: Reader) -> Node:
    """3x3 + 1x1 + (1x1 -> 3x3) + (1x1 -> average), each with its BNs.

    Maps between two operations are padded with what BN makes of zero, so fusing is exact at borders, too.
    """
    branches: list[Node] = [chain(block.conv("dbb_origin.conv"), block.bn("dbb_origin.bn"))]
    full = block.groups < len(block.weight("dbb_origin.conv.weight"))
    if full:
        branches.append(chain(block.conv("dbb_1x1.conv"), block.bn("dbb_1x1.bn")))
    inner_bn = block.bn("dbb_1x1_kxk.bn1.bn")
    outer = Conv(block.weight("dbb_1x1_kxk.conv2.weight"), stride=block.stride, groups=block.groups)
    branches.append(
        chain(_inner(block), inner_bn, _pad_with_zero_of(inner_bn), outer, block.bn("dbb_1x1_kxk.bn2"))
    )
    average_bn = block.bn("dbb_avg.avgbn")
    if full:
        bn = block.bn("dbb_avg.bn.bn")
        first = block.conv("dbb_avg.conv", stride=1)
        average = depthwise(np.full((len(bn.shift), 3, 3), 1 / 9), stride=block.stride, padding=0)
        branches.append(chain(first, bn, _pad_with_zero_of(bn), average, average_bn))
    else:  # depthwise blocks have no 1x1, and average their input itself; padding counts as zeros
        kernel = np.full((len(average_bn.shift), 3, 3), 1 / 9)
        branches.append(chain(depthwise(kernel, stride=block.stride, padding=1), average_bn))
    return Sum(tuple(branches))


def residual_1x1(block: Reader, key: str, identity: str) -> Conv:
    """The stored residual plus the identity I_g, which is the buffer `identity` where that is stored.

    (C_mid, C_in / g, 1, 1), without a bias, at stride 1.
    """
    residual = block.weight(key)
    eye = block.take_optional(identity)
    if eye is None:
        eye = np.zeros(residual.shape)
        rows = np.arange(residual.shape[0])
        eye[rows, rows % residual.shape[1]] = 1
    return same_conv(residual + eye.reshape(residual.shape), groups=block.groups)


def _inner(block: Reader) -> Conv:
    for key in ("dbb_1x1_kxk.idconv1.weight", "dbb_1x1_kxk.idconv1.conv.weight"):
        if key in block:
            return residual_1x1(block, key, "dbb_1x1_kxk.idconv1.id_tensor")
    return block.conv("dbb_1x1_kxk.conv1", stride=1)


def _pad_with_zero_of(bn: Affine) -> Pad:
    """Padding with BN's image of zero."""
    return Pad(bn.shift)
