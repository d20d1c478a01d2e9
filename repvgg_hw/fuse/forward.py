"""Run a trained block's graph operation by operation, as the training framework would in eval mode."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from repvgg_hw.fuse.graph import Affine, Array, Chain, Conv, Node, Pad, Sum


def forward(node: Node, x: Tensor) -> Tensor:
    """node applied to x (N, C_in, H, W) -> (N, C_out, H', W'), in x's dtype."""
    match node:
        case Chain(parts):
            for part in parts:
                x = forward(part, x)
            return x
        case Sum(branches):
            return torch.stack([forward(branch, x) for branch in branches]).sum(0)
        case Affine(scale, shift):
            return x * _per_channel(scale, x) + _per_channel(shift, x)
        case Pad(value):
            border = F.pad(torch.ones_like(x[:1, :1]), (1, 1, 1, 1))
            return F.pad(x, (1, 1, 1, 1)) + (1 - border) * _per_channel(value, x)
        case Conv(weight, bias, stride, padding, groups):
            kernel = torch.from_numpy(weight).to(x.dtype)
            offset = None if bias is None else torch.from_numpy(bias).to(x.dtype)
            return F.conv2d(x, kernel, offset, stride, padding, groups=groups)


def _per_channel(values: Array, like: Tensor) -> Tensor:
    """(C,) -> (C, 1, 1)."""
    return torch.from_numpy(values).to(like.dtype)[:, None, None]
