"""Families that make one kernel out of more parameters: DO-Conv, ExpandNet, DiracNet."""

from __future__ import annotations

import numpy as np

from repvgg_hw.errors import InputError
from repvgg_hw.fuse.graph import Array, Conv, Node, chain, same_conv
from repvgg_hw.fuse.reader import Reader


def do_conv(block: Reader) -> Node:
    """K = einsum('ims,ois->oim', D + d_diag, W), then BN if there is one. Cao et al., arXiv 2006.12030.

    W (C_out, C_in / g, S), D and d_diag (C_in, 9, S), in the official index order: W is read as
    (C_out / g, C_in, S), so that for 1 < g < C_in output o and input i of its group meet row
    (o mod g) * C_in / g + i of D.
    """
    dot = "conv." if "conv.W" in block else ""
    w, d = block.take(f"{dot}W"), block.take(f"{dot}D")
    d = d + block.take(f"{dot}D_diag" if f"{dot}D_diag" in block else f"{dot}d_diag")
    c_out, c_in_g, depth = w.shape
    if d.shape != (c_in_g * block.groups, 9, depth) or c_out % block.groups:
        raise InputError(f"D {d.shape} does not fit W {w.shape} with {block.groups} groups")
    depthwise_first = w.reshape(c_out // block.groups, c_in_g * block.groups, depth)
    kernel = np.einsum("ims,ois->oim", d, depthwise_first).reshape(c_out, c_in_g, 3, 3)
    bias = block.take_optional(f"{dot}bias")
    return _with_bn(block, f"{dot}W", bias, same_conv(kernel, bias, stride=block.stride, groups=block.groups))


def expandnet(block: Reader) -> Node:
    """1x1, 3x3, 1x1 in a row, nothing between: K = F3 F2 F1. Guo et al., arXiv 1811.10495.

    The padding is taken to be on the first convolution, as officially; then fusing is exact at borders.
    """
    dot = expandnet_prefix(block)
    first, middle, last = (block.weight(f"{dot}{i}.weight") for i in range(3))
    if (first.shape[2:], middle.shape[2:], last.shape[2:]) != ((1, 1), (3, 3), (1, 1)):
        raise InputError(f"{dot}0, 1, 2 are not a 1x1, a 3x3 and a 1x1 convolution")
    biases = [block.take_optional(f"{dot}{i}.bias") for i in range(3)]
    there = [bias is not None for bias in biases]
    if any(there) and not all(there):
        raise InputError(
            f"key {dot}{there.index(False)}.bias is missing; {dot}{there.index(True)}.bias is there"
        )
    expanded = chain(
        Conv(first, biases[0], padding=(1, 1), groups=block.groups),
        Conv(middle, biases[1], stride=block.stride, groups=block.groups),
        Conv(last, biases[2], groups=block.groups),
    )
    return _with_bn(block, "2", biases[2], expanded)


def expandnet_prefix(block: Reader) -> str:
    """ "convN." or nothing: what stands before 0, 1 and 2."""
    names = [f"conv{i}." for i in range(10)]
    return next((name for name in names if f"{name}0.weight" in block), "")


def diracnet(block: Reader) -> Node:
    """K = alpha delta + beta W / |W_o|, then BN if there is one. Zagoruyko, Komodakis, arXiv 1706.00388.

    delta is the block's buffer, or the one of the kernel's size that functional code keeps beside all blocks
    (`eye16_16_3_3`), or the formula. The network's order is ReLU, convolution, BN: as a chain, the ReLU
    belongs to the layer before.
    """
    dot = "conv." if "conv.alpha" in block else ""
    weight = block.weight("conv" if "conv" in block else f"{dot}weight")
    alpha, beta = (_per_output(block, f"{dot}{name}", len(weight)) for name in ("alpha", "beta"))
    norm = np.sqrt((weight**2).sum(axis=(1, 2, 3), keepdims=True))
    delta = block.take_optional(f"{dot}delta")
    eye = block.take_optional("eye" + "_".join(map(str, weight.shape)))
    block.ignore(*(key for key in block if key.startswith("eye")))
    delta = next((d for d in (delta, eye) if d is not None), _dirac(weight.shape)).reshape(weight.shape)
    kernel = alpha * delta + beta * weight / np.maximum(norm, 1e-12)
    bias = block.take_optional(f"{dot}bias")
    return _with_bn(block, "weight", bias, same_conv(kernel, bias, stride=block.stride, groups=block.groups))


def diracnet_stem(block: Reader) -> Node:
    """The first layer of a functional DiracNet: a tensor called `conv`, and its BN."""
    return chain(same_conv(block.weight("conv"), stride=block.stride, groups=block.groups), block.bn("bn"))


def _per_output(block: Reader, key: str, c_out: int) -> Array:
    """alpha or beta, (C_out, 1, 1, 1). One number for all outputs belongs to an older definition."""
    values = block.take(key)
    if values.shape != (c_out,):
        raise InputError(
            f"{key} has shape {values.shape}, not ({c_out},): the first version of DiracNet, "
            "with other kernels and another activation (NCReLU), is not known here"
        )
    return values.reshape(-1, 1, 1, 1)


def _with_bn(block: Reader, name: str, bias: Array | None, node: Node) -> Node:
    """node, and the block's BN if there is one."""
    block.note(name, bias=bias is not None, norm=block.has("bn."))
    return chain(node, block.bn("bn")) if block.has("bn.") else node


def _dirac(shape: tuple[int, ...]) -> Array:
    """The kernel that copies input channel i to output channel i."""
    delta = np.zeros(shape)
    diagonal = np.arange(min(shape[:2]))
    delta[diagonal, diagonal, 1, 1] = 1
    return delta
