"""Asymmetric convolution blocks. Ding et al., arXiv 1908.03930."""

from __future__ import annotations

from torch import Tensor, nn

from repvgg_hw.network import ConvShape
from repvgg_hw.training.blocks.base import Block, convolution


class ACB(Block):
    """3x3 + 3x1 + 1x3, each behind its own BN."""

    def __init__(self, shape: ConvShape, position: int = 1, *, se: bool = False) -> None:
        super().__init__(shape, position, se=se)
        self.square_conv, self.square_bn = convolution(shape, 3), nn.BatchNorm2d(shape.c_out)
        self.ver_conv, self.ver_bn = convolution(shape, (3, 1)), nn.BatchNorm2d(shape.c_out)
        self.hor_conv, self.hor_bn = convolution(shape, (1, 3)), nn.BatchNorm2d(shape.c_out)

    def linear_part(self, x: Tensor) -> Tensor:
        """The sum of branches."""
        square = self.square_bn(self.square_conv(x))
        y: Tensor = square + self.ver_bn(self.ver_conv(x)) + self.hor_bn(self.hor_conv(x))
        return y
