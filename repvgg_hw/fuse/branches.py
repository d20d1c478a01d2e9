"""Families of added branches, a function per formula: RepVGG, QARepVGG, MobileOne, ACB, DBB."""

from __future__ import annotations

import numpy as np

from repvgg_hw.fuse.graph import Affine, Array, Chain, Conv, Node, Pad, Sum, chain, same_conv
from repvgg_hw.fuse.keys import Reader


def conv_bn(block: Reader, prefix: str) -> Node:
    """prefix.conv followed by prefix.bn."""
    return chain(block.conv(f"{prefix}.conv"), block.bn(f"{prefix}.bn"))


def repvgg(block: Reader) -> Node:
    """K = t3 K3 + P(t1 K1) + t0 I_g, each branch behind its own BN. Ding et al., arXiv 2101.03697."""
    branches: list[Node] = [conv_bn(block, "rbr_dense"), conv_bn(block, "rbr_1x1")]
    if block.has("rbr_identity."):
        branches.append(block.bn("rbr_identity"))
    return Sum(tuple(branches))


def qarepvgg(block: Reader) -> Node:
    """K = tp (t3 K3 + P(K1) + I_g): BN behind the 3x3 and behind the sum. Chu et al., arXiv 2212.01593.

    The identity leaves no keys: it is there iff widths are equal and the stride is 1.
    """
    dense = block.conv("rbr_dense.conv")
    branches: list[Node] = [chain(dense, block.bn("rbr_dense.bn")), block.conv("rbr_1x1")]
    if dense.weight.shape[1] * block.groups == dense.weight.shape[0] and block.stride == 1:
        branches.append(Chain(()))
    return chain(Sum(tuple(branches)), block.bn("bn"))


def mobileone(block: Reader) -> Node:
    """K = sum of t_i K_i + P(t_s K_s) + t0 I_g. Vasu et al., arXiv 2206.04040."""
    branches: list[Node] = []
    while block.has(f"rbr_conv.{len(branches)}."):
        branches.append(conv_bn(block, f"rbr_conv.{len(branches)}"))
    if block.has("rbr_scale."):
        branches.append(conv_bn(block, "rbr_scale"))
    for skip in ("rbr_skip", "rbr_identity"):
        if block.has(f"{skip}."):
            branches.append(block.bn(skip))
    return Sum(tuple(branches))


def acb(block: Reader) -> Node:
    """K = t_s K_s, t_v (3x1) added to its centre column, t_h (1x3) to its centre row. arXiv 1908.03930."""
    names = ("square", "ver", "hor")
    return Sum(tuple(chain(block.conv(f"{name}_conv"), block.bn(f"{name}_bn")) for name in names))


def dbb(block: Reader) -> Node:
    """3x3 + 1x1 + (1x1 -> 3x3) + (1x1 -> average), each with its BNs. Ding et al., arXiv 2103.13425.

    Maps between two operations are padded with what BN makes of zero, so fusing is exact at borders, too.
    """
    branches = [conv_bn(block, "dbb_origin")]
    if block.has("dbb_1x1."):
        branches.append(conv_bn(block, "dbb_1x1"))
    inner_bn = block.bn("dbb_1x1_kxk.bn1.bn")
    outer = Conv(block.weight("dbb_1x1_kxk.conv2.weight"), stride=block.stride, groups=block.groups)
    branches.append(
        chain(_dbb_inner(block), inner_bn, _pad_with_zero_of(inner_bn), outer, block.bn("dbb_1x1_kxk.bn2"))
    )
    average_bn = block.bn("dbb_avg.avgbn")
    if "dbb_avg.conv.weight" in block:
        bn = block.bn("dbb_avg.bn.bn")
        first = block.conv("dbb_avg.conv", stride=1)
        average = depthwise(np.full((len(bn.shift), 3, 3), 1 / 9), stride=block.stride, padding=0)
        branches.append(chain(first, bn, _pad_with_zero_of(bn), average, average_bn))
    else:  # depthwise blocks average their input itself; padding counts as zeros
        kernel = np.full((len(average_bn.shift), 3, 3), 1 / 9)
        branches.append(chain(depthwise(kernel, stride=block.stride, padding=1), average_bn))
    return Sum(tuple(branches))


def depthwise(kernels: Array, *, stride: int = 1, padding: int) -> Conv:
    """One 3x3 kernel per channel, (C, 3, 3)."""
    return Conv(kernels[:, None], None, stride, (padding, padding), groups=len(kernels))


def residual_1x1(block: Reader, key: str) -> Conv:
    """I_g + the stored residual: the identity itself is not stored. (C_mid, C_in / g, 1, 1)."""
    residual = block.weight(key)
    rows, columns = np.arange(residual.shape[0]), np.arange(residual.shape[0]) % residual.shape[1]
    weight = residual.copy()
    weight[rows, columns, 0, 0] += 1
    return same_conv(weight, groups=block.groups)


def _dbb_inner(block: Reader) -> Conv:
    for key in ("dbb_1x1_kxk.idconv1.weight", "dbb_1x1_kxk.idconv1.conv.weight"):
        if key in block:
            block.ignore("dbb_1x1_kxk.idconv1.id_tensor")
            return residual_1x1(block, key)
    return block.conv("dbb_1x1_kxk.conv1", stride=1)


def _pad_with_zero_of(bn: Affine) -> Pad:
    """Padding with BN's image of zero."""
    return Pad(bn.shift)
