"""The plain 3x3 convolution with batch normalization: what every other block is compared with."""

from __future__ import annotations

from torch import Tensor, nn

from repvgg_hw.network import ConvShape
from repvgg_hw.training.blocks.base import Block, convolution


class Plain(Block):
    """bn(conv(x)): keys `conv`, `bn`."""

    def __init__(self, shape: ConvShape, position: int = 1, *, se: bool = False) -> None:
        super().__init__(shape, position, se=se)
        self.conv = convolution(shape, 3)
        self.bn = nn.BatchNorm2d(shape.c_out)

    def linear_part(self, x: Tensor) -> Tensor:
        """One convolution, one BN."""
        y: Tensor = self.bn(self.conv(x))
        return y
