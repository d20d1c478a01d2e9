"""OREPA: one kernel from up to six linear terms, and one BN after. Hu et al., arXiv 2204.00826."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from repvgg_hw.errors import InputError
from repvgg_hw.fuse.branches import depthwise
from repvgg_hw.fuse.dbb import residual_1x1
from repvgg_hw.fuse.graph import Affine, Array, Conv, Node, Sum, chain, same_conv
from repvgg_hw.fuse.reader import Reader


def orepa(block: Reader) -> Node:
    """OREPA's ResNet form: six terms, with groups."""
    return _orepa(block, "", "weight_orepa_", terms=6)


def orepa_repvgg(block: Reader) -> Node:
    """OREPA's RepVGG form: rbr_dense is an OREPA of five terms, beside rbr_1x1 and rbr_identity."""
    if block.groups != 1:
        raise InputError(f"{block.groups} groups: OREPA's RepVGG form is defined for one group only")
    branches: list[Node] = [
        _orepa(block, "rbr_dense.", "rbr_dense.weight_rbr_", terms=5),
        chain(block.conv("rbr_1x1.conv", kernel=1), block.bn("rbr_1x1.bn")),
    ]
    if block.has("rbr_identity."):
        branches.append(block.bn("rbr_identity"))
    return Sum(tuple(branches))


def orepa_1x1(block: Reader) -> Node:
    """OREPA's 1x1 form: K = t (v0 K0 + v1 L2 L1), a chain of two 1x1 convolutions as the second term."""
    if block.groups != 1:
        raise InputError(f"{block.groups} groups: OREPA's 1x1 form is defined for one group only")
    vector = _vector(block, "vector", (2,))
    origin, first, second = (
        block.weight(f"weight_or1x1_{name}") for name in ("origin", "l2i_conv1", "l2i_conv2")
    )
    if {weight.shape[2:] for weight in (origin, first, second)} != {(1, 1)}:
        raise InputError("weight_or1x1_origin, _l2i_conv1 and _l2i_conv2 are not all 1x1 kernels")
    terms = (
        chain(same_conv(origin, stride=block.stride), _scale(vector[0])),
        chain(same_conv(first), same_conv(second, stride=block.stride), _scale(vector[1])),
    )
    return chain(Sum(terms), block.bn("bn"))


def _orepa(block: Reader, prefix: str, name: str, terms: int) -> Node:
    """v0 K0 + v1 A/9 + v2 (F . prior) + v3 (I + idconv1) o conv2 + [v4 P(1x1)] + v_last sum dw pw, then BN.

    The rows of vector are v. In the RepVGG form a sixth row, where there is one, is unused.
    """
    vector = _vector(block, f"{prefix}vector", (6,) if terms == 6 else (5, 6))
    origin = block.weight(f"{name}origin.weight" if f"{name}origin.weight" in block else f"{name}origin")
    c_out, stride, groups = len(origin), block.stride, block.groups
    c_in = origin.shape[1] * groups

    def conv(key: str, stride: int = 1) -> Conv:
        return same_conv(block.weight(f"{name}{key}"), stride=stride, groups=groups)

    residual = f"{name}1x1_kxk_idconv1"
    inner = (
        residual_1x1(block, residual, f"{prefix}id_tensor") if residual in block else conv("1x1_kxk_conv1")
    )
    spread = same_conv(block.weight(f"{name}gconv_dw"), stride=stride, groups=c_in)
    rows = _pointwise_rows(c_out, groups)
    gather = same_conv(block.weight(f"{name}gconv_pw")[rows], groups=groups)
    average = np.stack([_buffer(block, f"{name}avg_avg", np.full((3, 3), 1 / 9))] * c_out)
    prior = _buffer(block, f"{name}prior", orepa_prior(c_out))
    branches: list[tuple[Node, ...]] = [
        (same_conv(origin, stride=stride, groups=groups),),
        (conv("avg_conv"), depthwise(average, stride=stride, padding=1)),
        (conv("pfir_conv"), depthwise(prior, stride=stride, padding=1)),
        (inner, conv("1x1_kxk_conv2", stride)),
        *([(conv("1x1", stride),)] if terms == 6 else []),
        (spread, gather),
    ]
    scaled = [chain(*parts, _scale(v)) for parts, v in zip(branches, vector, strict=False)]
    return chain(Sum(tuple(scaled)), block.bn(f"{prefix}bn"))


def _pointwise_rows(c_out: int, groups: int) -> NDArray[np.int64]:
    """The row of gconv_pw that output o takes: (o mod n) g + o div n, n = C_out / g.

    The authors' code reads the rows as (n, g) and puts the group in front: a permutation for 1 < g < C_out.
    """
    rows: NDArray[np.int64] = np.arange(c_out).reshape(-1, groups).T.reshape(-1)
    return rows


def orepa_prior(channels: int) -> Array:
    """Cosines along h for the first half of the outputs, along w for the rest: (C, 3, 3)."""
    half = channels / 2
    prior = np.empty((channels, 3, 3))
    phase = np.pi * (np.arange(3) + 0.5) / 3
    for o in range(channels):
        prior[o] = np.cos(phase * (o + 1))[:, None] if o < half else np.cos(phase * (o + 1 - half))
    return prior


def _buffer(block: Reader, key: str, formula: Array) -> Array:
    """A constant as the block stores it, else by its formula, in float32 as its code registers it.

    Rounded constants are what the network was trained with: 1/9 is off by 7e-9 in float32.
    """
    stored = block.take_optional(key)
    if stored is not None and stored.shape != formula.shape:
        raise InputError(f"{key} has shape {stored.shape}; {formula.shape} is needed")
    return formula.astype(np.float32).astype(np.float64) if stored is None else stored


def _vector(block: Reader, key: str, rows: tuple[int, ...]) -> Array:
    """The factors of the terms, a row per term: (terms, C_out)."""
    vector = block.take(key)
    if vector.ndim != 2 or len(vector) not in rows:
        needed = " or ".join(map(str, rows))
        raise InputError(f"{key} has shape {vector.shape}; {needed} rows are needed, one for each term")
    return vector


def _scale(factor: Array) -> Affine:
    return Affine(factor, np.zeros(len(factor)))
