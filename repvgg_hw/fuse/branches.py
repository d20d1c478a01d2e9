"""Families of added branches, a function per formula: RepVGG and its kin, RepConv, MobileOne, ACB."""

from __future__ import annotations

import numpy as np

from repvgg_hw.errors import InputError
from repvgg_hw.fuse.graph import Array, Chain, Conv, Node, Sum, chain
from repvgg_hw.fuse.reader import Reader


def conv_bn(block: Reader, prefix: str, *, kernel: int | None = None) -> Node:
    """prefix.conv followed by prefix.bn, or prefix.conv with the bias into which that is folded."""
    return block.branch(f"{prefix}.conv", f"{prefix}.bn", kernel=kernel)


def repvgg(block: Reader) -> Node:
    """K = t3 K3 + P(t1 K1) + t0 I_g, each branch behind its own BN. Ding et al., arXiv 2101.03697."""
    return Sum(
        (conv_bn(block, "rbr_dense", kernel=3), conv_bn(block, "rbr_1x1", kernel=1), *_identity(block))
    )


def qarepvgg(block: Reader) -> Node:
    """The same with one more BN behind the sum. Chu et al., arXiv 2212.01593.

    rbr_1x1 is a bare convolution (the paper's default, and YOLOv6's) or has a BN of its own. The identity is
    a BN or, without keys, there iff widths are equal and the stride is 1. Where it leaves no keys, the 3x3
    average of the input (padding counted) may be added, too, as in YOLOv6's QARepVGGBlockV2: block.average.
    """
    dense = conv_bn(block, "rbr_dense", kernel=3)
    c_out, c_in_per_group = block.shape("rbr_dense.conv.weight")[:2]
    if "rbr_1x1.weight" in block:
        if "rbr_1x1.bias" in block:
            raise InputError("rbr_1x1.bias: the 1x1 convolution of a QARepVGG block has none")
        branches = [dense, block.conv("rbr_1x1", kernel=1)]
    else:
        branches = [dense, conv_bn(block, "rbr_1x1", kernel=1)]
    if block.has("rbr_identity."):
        branches.append(block.bn("rbr_identity"))
    elif c_in_per_group * block.groups == c_out and block.stride == 1:
        branches.append(Chain(()))
        block.keyless_identity = True
        if block.average:
            branches.append(depthwise(np.full((c_out, 3, 3), 1 / 9), padding=1))
    return chain(Sum(tuple(branches)), block.bn("bn"))


def linear_add(block: Reader) -> Node:
    """RepOpt-VGG's training form, CSLA: K = t (s3 K3 + P(s1 K1) + s0 I). Ding et al., arXiv 2205.15242."""
    branches: list[Node] = [
        chain(block.conv("conv", kernel=3), block.scale("scale_conv")),
        chain(block.conv("conv_1x1", kernel=1), block.scale("scale_1x1")),
    ]
    if block.has("scale_identity."):
        branches.append(block.scale("scale_identity"))
    return chain(Sum(tuple(branches)), block.bn("bn"))


def three_norms(block: Reader) -> Node:
    """RepVGG as RepOpt-VGG's code base names it: conv_3x3 + bn_3x3, conv_1x1 + bn_1x1, bn_identity."""
    branches = [block.branch("conv_3x3", "bn_3x3", kernel=3), block.branch("conv_1x1", "bn_1x1", kernel=1)]
    if block.has("bn_identity."):
        branches.append(block.bn("bn_identity"))
    return Sum(tuple(branches))


def pair(block: Reader) -> Node:
    """RepConv of the YOLO families: conv1 (3x3) beside conv2 (1x1), and `bn` on the input if there is one."""
    three, one = block.shape("conv1.conv.weight"), block.shape("conv2.conv.weight")
    if three[:2] != one[:2]:
        raise InputError(f"conv1 {three} and conv2 {one} do not stand side by side: their channels differ")
    branches = [conv_bn(block, "conv1", kernel=3), conv_bn(block, "conv2", kernel=1)]
    if block.has("bn."):
        branches.append(block.bn("bn"))
    return Sum(tuple(branches))


def mobileone(block: Reader) -> Node:
    """K = sum of t_i K_i + P(t_s K_s) + t0 I_g, K_i all 3x3 or all 1x1. Vasu et al., arXiv 2206.04040.

    Where K_i are 3x3, and only there, the scale branch is.
    """
    branches: list[Node] = []
    while block.has(f"rbr_conv.{len(branches)}."):
        branches.append(conv_bn(block, f"rbr_conv.{len(branches)}"))
    if block.shape("rbr_conv.0.conv.weight")[2:] != (1, 1):
        branches.append(conv_bn(block, "rbr_scale", kernel=1))
    return Sum((*branches, *_identity(block, "rbr_skip"), *_identity(block)))


def acb(block: Reader) -> Node:
    """K = t_s K_s, t_v (3x1) added to its centre column, t_h (1x3) to its centre row. arXiv 1908.03930."""
    names = ("square", "ver", "hor")
    return Sum(tuple(chain(block.conv(f"{name}_conv"), block.bn(f"{name}_bn")) for name in names))


def depthwise(kernels: Array, *, stride: int = 1, padding: int) -> Conv:
    """One 3x3 kernel per channel, (C, 3, 3)."""
    return Conv(kernels[:, None], None, stride, (padding, padding), groups=len(kernels))


def _identity(block: Reader, prefix: str = "rbr_identity") -> tuple[Node, ...]:
    """The BN of the identity branch, if there is one."""
    return (block.bn(prefix),) if block.has(f"{prefix}.") else ()
