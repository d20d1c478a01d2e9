"""Families that make one kernel out of more parameters: DO-Conv, ExpandNet, DiracNet, OREPA."""

from __future__ import annotations

import numpy as np

from repvgg_hw.errors import InputError
from repvgg_hw.fuse.branches import conv_bn, depthwise, residual_1x1
from repvgg_hw.fuse.graph import Affine, Array, Conv, Node, Sum, chain, same_conv
from repvgg_hw.fuse.keys import Reader


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
    return _with_bn(block, same_conv(kernel, bias, stride=block.stride, groups=block.groups))


def expandnet(block: Reader) -> Node:
    """1x1, 3x3, 1x1 in a row, nothing between: K = F3 F2 F1. Guo et al., arXiv 1811.10495.

    The padding is taken to be on the first convolution, as officially; then fusing is exact at borders.
    """
    dot = expandnet_prefix(block)
    first, middle, last = (block.weight(f"{dot}{i}.weight") for i in range(3))
    if (first.shape[2:], middle.shape[2:], last.shape[2:]) != ((1, 1), (3, 3), (1, 1)):
        raise InputError(f"{dot}0, 1, 2 are not a 1x1, a 3x3 and a 1x1 convolution")
    biases = [block.take_optional(f"{dot}{i}.bias") for i in range(3)]
    expanded = chain(
        Conv(first, biases[0], padding=(1, 1), groups=block.groups),
        Conv(middle, biases[1], stride=block.stride, groups=block.groups),
        Conv(last, biases[2], groups=block.groups),
    )
    return _with_bn(block, expanded)


def expandnet_prefix(block: Reader) -> str:
    """ "convN." or nothing: what stands before 0, 1 and 2."""
    names = [f"conv{i}." for i in range(10)]
    return next((name for name in names if f"{name}0.weight" in block), "")


def diracnet(block: Reader) -> Node:
    """K = alpha delta + beta W / |W_o|, then BN if there is one. Zagoruyko, Komodakis, arXiv 1706.00388.

    The network's order is ReLU, convolution, BN: as a chain, the ReLU belongs to the layer before.
    """
    dot = "conv." if "conv.alpha" in block else ""
    key = "conv" if "conv" in block else f"{dot}weight"
    weight = block.weight(key)
    alpha, beta = (block.take(f"{dot}{name}").reshape(-1, 1, 1, 1) for name in ("alpha", "beta"))
    norm = np.sqrt((weight**2).sum(axis=(1, 2, 3), keepdims=True))
    delta = block.take_optional(f"{dot}delta")
    delta = _dirac(weight.shape) if delta is None else delta.reshape(weight.shape)
    kernel = alpha * delta + beta * weight / np.maximum(norm, 1e-12)
    conv = same_conv(kernel, block.take_optional(f"{dot}bias"), stride=block.stride, groups=block.groups)
    return _with_bn(block, conv)


def orepa(block: Reader) -> Node:
    """OREPA's ResNet form: one kernel from six branches, one BN after. Hu et al., arXiv 2204.00826."""
    return _orepa(block, "", "weight_orepa_")


def orepa_repvgg(block: Reader) -> Node:
    """OREPA's RepVGG form: rbr_dense is an OREPA of five branches, beside rbr_1x1 and rbr_identity."""
    branches: list[Node] = [_orepa(block, "rbr_dense.", "rbr_dense.weight_rbr_"), conv_bn(block, "rbr_1x1")]
    if block.has("rbr_identity."):
        branches.append(block.bn("rbr_identity"))
    return Sum(tuple(branches))


def _orepa(block: Reader, prefix: str, name: str) -> Node:
    """v0 K0 + v1 A/9 + v2 (F . prior) + v3 (I + idconv1) o conv2 + [v4 P(1x1)] + v_last sum dw pw, then BN.

    The rows of vector are v: six in the ResNet form, five in the RepVGG form (a sixth there is unused).
    """
    vector = block.take(f"{prefix}vector")
    origin = block.weight(f"{name}origin.weight" if f"{name}origin.weight" in block else f"{name}origin")
    c_out, stride, groups = len(origin), block.stride, block.groups

    def scaled(row: int, *parts: Node) -> Node:
        return chain(*parts, Affine(vector[row], np.zeros(c_out)))

    def conv(key: str, stride: int = 1) -> Conv:
        return same_conv(block.weight(f"{name}{key}"), stride=stride, groups=groups)

    average = np.full((c_out, 3, 3), 1 / 9)
    prior = block.take_optional(f"{name}prior")
    prior = orepa_prior(c_out) if prior is None else prior
    block.ignore(f"{name}avg_avg", f"{prefix}id_tensor")
    residual = f"{name}1x1_kxk_idconv1"
    inner = residual_1x1(block, residual) if residual in block else conv("1x1_kxk_conv1")
    spread = block.weight(f"{name}gconv_dw")
    c_in = origin.shape[1] * groups
    terms = [
        scaled(0, same_conv(origin, stride=stride, groups=groups)),
        scaled(1, conv("avg_conv"), depthwise(average, stride=stride, padding=1)),
        scaled(2, conv("pfir_conv"), depthwise(prior, stride=stride, padding=1)),
        scaled(3, inner, conv("1x1_kxk_conv2", stride)),
    ]
    if f"{name}1x1" in block:
        terms.append(scaled(4, conv("1x1", stride)))
    terms.append(scaled(len(terms), same_conv(spread, stride=stride, groups=c_in), conv("gconv_pw")))
    return chain(Sum(tuple(terms)), block.bn(f"{prefix}bn"))


def orepa_prior(channels: int) -> Array:
    """Cosines along h for the first half of the outputs, along w for the rest: (C, 3, 3)."""
    half = channels / 2
    prior = np.empty((channels, 3, 3))
    phase = np.pi * (np.arange(3) + 0.5) / 3
    for o in range(channels):
        prior[o] = np.cos(phase * (o + 1))[:, None] if o < half else np.cos(phase * (o + 1 - half))
    return prior


def _with_bn(block: Reader, node: Node) -> Node:
    return chain(node, block.bn("bn")) if block.has("bn.") else node


def _dirac(shape: tuple[int, ...]) -> Array:
    """The kernel that copies input channel i to output channel i."""
    delta = np.zeros(shape)
    diagonal = np.arange(min(shape[:2]))
    delta[diagonal, diagonal, 1, 1] = 1
    return delta
