"""RepOpt-VGG: a plain convolution whose gradients are scaled as branches would scale them.

Ding et al., arXiv 2205.15242. Under SGD, branches with constant scales (CSLA) and one convolution whose
gradient is multiplied by a constant, element by element, stay equal step for step. The scales are those that
`RepOptSearch`, a block with branches and trainable scales, found, or those with which that begins.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from repvgg_hw.network import ConvShape
from repvgg_hw.training.blocks.base import Block, convolution
from repvgg_hw.training.blocks.plain import Plain


class ChannelScale(nn.Module):
    """One factor per channel: key `weight`."""

    def __init__(self, channels: int, start: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels,), start))

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        return x * self.weight[:, None, None]


class RepOptSearch(Block):
    """s3 conv3x3 + s1 conv1x1 + s0 identity, then one BN; the scales s are trained and are the result.

    s3 and s1 begin at sqrt(2 / position in the stage), s0 at 1, as published.
    """

    def __init__(self, shape: ConvShape, position: int = 1, *, se: bool = False) -> None:
        super().__init__(shape, position, se=se)
        start = (2 / position) ** 0.5
        self.conv, self.scale_conv = convolution(shape, 3), ChannelScale(shape.c_out, start)
        self.conv_1x1, self.scale_1x1 = convolution(shape, 1), ChannelScale(shape.c_out, start)
        self.scale_identity = ChannelScale(shape.c_out, 1.0) if self.has_identity else None
        self.bn = nn.BatchNorm2d(shape.c_out)

    def linear_part(self, x: Tensor) -> Tensor:
        """The scaled branches behind one BN."""
        y = self.scale_conv(self.conv(x)) + self.scale_1x1(self.conv_1x1(x))
        normed: Tensor = self.bn(y if self.scale_identity is None else y + self.scale_identity(x))
        return normed


class RepOpt(Plain):
    """The plain block, begun and trained as `RepOptSearch` with constant scales would be.

    kernel at the start: s3 K3 + P(s1 K1) + s0 I
    gradient's factor:   s3^2, and at the centre + s1^2, and on the identity's elements + 1
    The factor is no part of the state dict: it serves training alone.
    """

    factor: Tensor

    def __init__(self, shape: ConvShape, position: int = 1, *, se: bool = False) -> None:
        super().__init__(shape, position, se=se)
        self.register_buffer("factor", torch.ones_like(self.conv.weight), persistent=False)
        self.begin(RepOptSearch(shape, position))
        self.conv.weight.register_hook(lambda gradient: gradient * self.factor)  # type: ignore[no-untyped-call]

    @torch.no_grad()
    def begin(self, searched: RepOptSearch) -> None:
        """Take kernel and gradient factors from a block with scales, of the same shape; in place."""
        s3, s1 = (scale.weight[:, None, None] for scale in (searched.scale_conv, searched.scale_1x1))
        kernel, factor = self.conv.weight, self.factor
        kernel.copy_(searched.conv.weight * s3[..., None])
        kernel[:, :, 1, 1] += searched.conv_1x1.weight[:, :, 0, 0] * s1[..., 0]
        factor.copy_((s3**2)[..., None].expand_as(factor))
        factor[:, :, 1, 1] += (s1**2)[..., 0]
        if searched.scale_identity is not None:
            rows = torch.arange(len(kernel))
            columns = rows % kernel.shape[1]
            kernel[rows, columns, 1, 1] += searched.scale_identity.weight
            factor[rows, columns, 1, 1] += 1
