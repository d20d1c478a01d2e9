"""Blocks that make one kernel out of more parameters: DO-Conv and ExpandNet."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from repvgg_hw.network import ConvShape
from repvgg_hw.training.blocks.base import Block

TAPS = 9


class OverParameterisedConv(nn.Module):
    """A 3x3 whose kernel is W composed with a depthwise kernel D + d_diag. Cao et al., arXiv 2006.12030.

    W (C_out, C_in / g, 9), D (C_in, 9, 9), which begins as zero, and d_diag the identity of each channel. W
    is read as (C_out / g, C_in, 9), the official order of indices.
    """

    d_diag: Tensor

    def __init__(self, shape: ConvShape) -> None:
        super().__init__()
        self.stride, self.groups = shape.stride, shape.groups
        self.W = nn.Parameter(torch.empty(shape.c_out, shape.c_in // shape.groups, TAPS))
        nn.init.kaiming_uniform_(self.W, a=5**0.5)
        self.D = nn.Parameter(torch.zeros(shape.c_in, TAPS, TAPS))
        self.register_buffer("d_diag", torch.eye(TAPS).repeat(shape.c_in, 1, 1))

    def kernel(self) -> Tensor:
        """(C_out, C_in / groups, 3, 3)."""
        rows = self.W.view(-1, len(self.D), TAPS)
        return torch.einsum("ims,ois->oim", self.D + self.d_diag, rows).reshape(*self.W.shape[:2], 3, 3)

    def forward(self, x: Tensor) -> Tensor:
        """One convolution."""
        return F.conv2d(x, self.kernel(), None, self.stride, 1, groups=self.groups)


class DOConv(Block):
    """The same and a BN: keys `conv.W`, `conv.D`, `conv.d_diag`, `bn`."""

    def __init__(self, shape: ConvShape, position: int = 1, *, se: bool = False) -> None:
        super().__init__(shape, position, se=se)
        self.conv = OverParameterisedConv(shape)
        self.bn = nn.BatchNorm2d(shape.c_out)

    def linear_part(self, x: Tensor) -> Tensor:
        """One convolution, one BN."""
        y: Tensor = self.bn(self.conv(x))
        return y


class ExpandNet(Block):
    """1x1, 3x3 and 1x1 in a row with nothing between, EXPANSION times as wide inside, then one BN.

    Guo et al., arXiv 1811.10495 (CL form). The first convolution pads, and none has a bias, so fusing is
    exact at borders. Keys `0`, `1`, `2`, `bn`.
    """

    EXPANSION = 4

    def __init__(self, shape: ConvShape, position: int = 1, *, se: bool = False) -> None:
        super().__init__(shape, position, se=se)
        c_in, c_out, groups = shape.c_in, shape.c_out, shape.groups
        wide_in, wide_out = self.EXPANSION * c_in, self.EXPANSION * c_out
        self.add_module("0", nn.Conv2d(c_in, wide_in, 1, padding=1, groups=groups, bias=False))
        self.add_module("1", nn.Conv2d(wide_in, wide_out, 3, shape.stride, groups=groups, bias=False))
        self.add_module("2", nn.Conv2d(wide_out, c_out, 1, groups=groups, bias=False))
        self.bn = nn.BatchNorm2d(c_out)

    def linear_part(self, x: Tensor) -> Tensor:
        """Three convolutions, one BN."""
        for name in ("0", "1", "2"):
            x = getattr(self, name)(x)
        y: Tensor = self.bn(x)
        return y
