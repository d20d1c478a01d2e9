"""Collapse a graph of linear operations into one 3x3 convolution with bias, in float64.

Ding et al., arXiv 2101.03697 (branches and BN) and arXiv 2103.13425 (1x1 followed by k x k, average pooling).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from repvgg_hw.fuse.graph import Affine, Array, Chain, Conv, Node, Pad, Sum

_LARGEST = float(np.finfo(np.float32).max)  # what a fused file and every framework can hold


class FusedOverflowError(ValueError):
    """A fused number does not fit float32: Inf in a file is no network."""


@dataclass(frozen=True)
class _Linear:
    """A convolution so far: weight (groups, C_out / groups, C_in / groups, kh, kw), bias (C_out,)."""

    weight: Array
    bias: Array
    is_identity: bool = False  # nothing yet: spares a product with the unit matrix


def collapse(node: Node, c_in: int, groups: int = 1) -> tuple[Array, Array]:
    """node over c_in channels -> (kernel (C_out, c_in / groups, 3, 3), bias (C_out,)), float64.

    Strides are not part of a kernel: the graph's operations must agree on one, and forward shows if they do.
    Raises ValueError if shapes do not fit, FusedOverflowError if the result is beyond float32.
    """
    with np.errstate(over="ignore", invalid="ignore"):  # said below, in words
        linear = _extend(_identity(c_in, groups), node)
    weight = _to_3x3(linear.weight)
    kernel, bias = weight.reshape(-1, *weight.shape[2:]), linear.bias
    _require_float32(kernel, bias)
    return kernel, bias


def _require_float32(kernel: Array, bias: Array) -> None:
    for name, values in (("kernel", kernel), ("bias", bias)):
        wrong = ~(np.abs(values) <= _LARGEST)  # Inf and NaN are
        if wrong.any():
            output = int(np.argwhere(wrong)[0][0])
            raise FusedOverflowError(
                f"the fused {name} of output {output} overflows; its weights or its batch normalization's "
                "statistics are far out of range"
            )


def _identity(channels: int, groups: int) -> _Linear:
    """I_g: output o copies input o, as a 1x1 kernel."""
    eye = np.eye(channels // groups)[None, :, :, None, None]
    return _Linear(np.repeat(eye, groups, axis=0), np.zeros(channels), is_identity=True)


def _extend(before: _Linear, node: Node) -> _Linear:
    """node applied after the convolution `before`."""
    match node:
        case Chain(parts):
            for part in parts:
                before = _extend(before, part)
            return before
        case Sum(branches):
            terms = [_extend(before, branch) for branch in branches]
            weights, biases = [_to_3x3(term.weight) for term in terms], [term.bias for term in terms]
            return _Linear(np.sum(weights, axis=0), np.sum(biases, axis=0))
        case Affine(scale, shift):
            _check_channels(len(scale), before, "batch normalization")
            per_output = scale.reshape(before.weight.shape[0], -1, 1, 1, 1)
            return _Linear(before.weight * per_output, before.bias * scale + shift)
        case Pad(value):
            _check_channels(len(value), before, "padding")
            return before  # what a pixel outside maps to is the padding's concern; the kernel stays
        case Conv():
            return _after(before, node)


def _after(before: _Linear, conv: Conv) -> _Linear:
    """conv after `before`, one of the two being 1x1."""
    groups = before.weight.shape[0]
    _check_channels(conv.weight.shape[1] * conv.groups, before, "convolution")
    if conv.groups == len(conv.weight) == len(before.bias) and not before.is_identity:
        return _after_depthwise(before, conv)
    weight = _regroup(conv, groups)
    if before.is_identity:
        return _Linear(weight, np.zeros(len(conv.weight)) if conv.bias is None else conv.bias)
    sums = weight.sum(axis=(3, 4))  # a constant map through a kernel without border
    bias = np.einsum("got,gt->go", sums, before.bias.reshape(groups, -1)).reshape(-1)
    if conv.bias is not None:
        bias = bias + conv.bias
    if (1, 1) not in (before.weight.shape[3:], weight.shape[3:]):
        raise ValueError("two kernels larger than 1x1 in a row do not fit one 3x3")
    return _Linear(_per_tap(weight, before.weight), bias)


def _after_depthwise(before: _Linear, conv: Conv) -> _Linear:
    """A depthwise conv, one kernel per channel, after `before`: spares the block-diagonal product."""
    if before.weight.shape[3:] != (1, 1):
        raise ValueError("two kernels larger than 1x1 in a row do not fit one 3x3")
    taps = conv.weight.reshape(before.weight.shape[0], -1, 1, *conv.weight.shape[2:])
    bias = before.bias * conv.weight.sum(axis=(1, 2, 3))
    return _Linear(before.weight * taps, bias if conv.bias is None else bias + conv.bias)


def _per_tap(second: Array, first: Array) -> Array:
    """sum over t of second[g, o, t, h, w] first[g, t, i, h, w], one of the two being 1x1 in h and w."""
    taps = np.matmul(second.transpose(0, 3, 4, 1, 2), first.transpose(0, 3, 4, 1, 2))
    summed: Array = taps.transpose(0, 3, 4, 1, 2)
    return summed


def _check_channels(channels: int, before: _Linear, what: str) -> None:
    if channels != len(before.bias):
        raise ValueError(f"{what} over {channels} channels behind {len(before.bias)}")


def _regroup(conv: Conv, groups: int) -> Array:
    """conv.weight as (groups, C_out / groups, C_in / groups, kh, kw); finer groups become block-diagonal."""
    weight = conv.weight.reshape(conv.groups, -1, *conv.weight.shape[1:])
    if conv.groups == groups:
        return weight
    fine = conv.groups // groups  # fine groups per coarse one
    _, o, i, kh, kw = weight.shape
    coarse = np.zeros((groups, fine, o, fine, i, kh, kw))
    for f in range(fine):
        coarse[:, f, :, f] = weight.reshape(groups, fine, o, i, kh, kw)[:, f]
    return coarse.reshape(groups, fine * o, fine * i, kh, kw)


def _to_3x3(weight: Array) -> Array:
    """P(.): a 1x1, 3x1 or 1x3 kernel in the centre of a 3x3."""
    dh, dw = (3 - weight.shape[3]) // 2, (3 - weight.shape[4]) // 2
    return np.pad(weight, ((0, 0), (0, 0), (0, 0), (dh, dh), (dw, dw)))
