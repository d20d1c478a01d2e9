"""Diverse branch blocks. Ding et al., arXiv 2103.13425."""

from __future__ import annotations

from collections import OrderedDict

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from repvgg_hw.network import ConvShape
from repvgg_hw.training.blocks.base import Block, ConvBN, convolution


class DBB(Block):
    """3x3 + 1x1 + (1x1 -> 3x3) + (1x1 -> average), every convolution and average behind its own BN.

    A map between two operations is padded with what its BN makes of zero: so the whole fuses exactly at
    borders, too. A depthwise block has no 1x1 branch, and averages its input itself.
    """

    def __init__(self, shape: ConvShape, position: int = 1, *, se: bool = False) -> None:
        super().__init__(shape, position, se=se)
        full = shape.groups < shape.c_out
        self.dbb_origin = ConvBN(shape, 3)
        self.dbb_1x1 = ConvBN(shape, 1) if full else None
        average: dict[str, nn.Module] = {}
        if full:
            average |= {"conv": convolution(shape, 1, stride=1), "bn": PaddedBN(shape.c_out)}
        average["avg"] = nn.AvgPool2d(3, shape.stride, 0 if full else 1)
        average["avgbn"] = nn.BatchNorm2d(shape.c_out)
        self.dbb_avg = nn.Sequential(OrderedDict(average))
        self.dbb_1x1_kxk = nn.Sequential(
            OrderedDict(
                idconv1=ResidualPointwise(shape.c_in, shape.groups),
                bn1=PaddedBN(shape.c_in),
                conv2=convolution(shape, 3, pad=False),
                bn2=nn.BatchNorm2d(shape.c_out),
            )
        )

    def linear_part(self, x: Tensor) -> Tensor:
        """The sum of branches."""
        y: Tensor = self.dbb_origin(x) + self.dbb_1x1_kxk(x) + self.dbb_avg(x)
        return y if self.dbb_1x1 is None else y + self.dbb_1x1(x)


class ResidualPointwise(nn.Conv2d):
    """A 1x1 convolution that begins as the identity: what is stored is the difference to it."""

    identity: Tensor

    def __init__(self, channels: int, groups: int) -> None:
        super().__init__(channels, channels, 1, groups=groups, bias=False)
        nn.init.zeros_(self.weight)
        self.register_buffer("identity", pointwise_identity(channels, groups), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        return F.conv2d(x, self.weight + self.identity, groups=self.groups)


class PaddedBN(nn.Module):
    """Batch normalization, then one pixel of padding with its image of zero: (H, W) -> (H + 2, W + 2)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bn = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        """The image of zero follows the running statistics, which are those that are fused; no gradient."""
        bn = self.bn
        y: Tensor = bn(x)
        assert bn.running_mean is not None
        assert bn.running_var is not None
        scale = bn.weight.detach() / torch.sqrt(bn.running_var + bn.eps)
        zero = bn.bias.detach() - scale * bn.running_mean
        column = zero[None, :, None, None].expand(len(y), -1, y.shape[2], 1).to(y.dtype)
        row = zero[None, :, None, None].expand(len(y), -1, 1, y.shape[3] + 2).to(y.dtype)
        return torch.cat((row, torch.cat((column, y, column), 3), row), 2)


def pointwise_identity(channels: int, groups: int) -> Tensor:
    """The 1x1 kernel (C, C / groups, 1, 1) that changes nothing."""
    eye = torch.zeros(channels, channels // groups, 1, 1)
    rows = torch.arange(channels)
    eye[rows, rows % (channels // groups)] = 1
    return eye
