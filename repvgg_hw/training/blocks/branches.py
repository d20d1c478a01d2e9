"""Blocks of parallel branches: RepVGG, QARepVGG, MobileOne's 3x3."""

from __future__ import annotations

from torch import Tensor, nn

from repvgg_hw.network import ConvShape
from repvgg_hw.training.blocks.base import Block, ConvBN, convolution


class RepVGG(Block):
    """3x3 + 1x1 + identity where shapes allow, each behind its own BN. Ding et al., arXiv 2101.03697."""

    def __init__(self, shape: ConvShape, position: int = 1, *, se: bool = False) -> None:
        super().__init__(shape, position, se=se)
        self.rbr_dense: nn.Module = ConvBN(shape, 3)
        self.rbr_1x1 = ConvBN(shape, 1)
        self.rbr_identity = nn.BatchNorm2d(shape.c_in) if self.has_identity else None

    def linear_part(self, x: Tensor) -> Tensor:
        """The sum of branches."""
        y: Tensor = self.rbr_dense(x) + self.rbr_1x1(x)
        return y if self.rbr_identity is None else y + self.rbr_identity(x)


class QARepVGG(Block):
    """BN on the 3x3 alone and one behind the sum, so that no branch's scale explodes: made to be quantized.

    The 1x1 and the identity are bare. Chu et al., arXiv 2212.01593.
    """

    gated = False

    def __init__(self, shape: ConvShape, position: int = 1, *, se: bool = False) -> None:
        super().__init__(shape, position, se=se)
        self.rbr_dense = ConvBN(shape, 3)
        self.rbr_1x1 = convolution(shape, 1)
        self.bn = nn.BatchNorm2d(shape.c_out)

    def linear_part(self, x: Tensor) -> Tensor:
        """The sum of branches behind one more BN."""
        added = self.rbr_dense(x) + self.rbr_1x1(x)
        y: Tensor = self.bn(added + x if self.has_identity else added)
        return y


class MobileOne(Block):
    """BRANCHES equal 3x3 branches + 1x1 + identity, each behind its own BN. Vasu et al., arXiv 2206.04040."""

    BRANCHES = 4  # of MobileOne-S0

    def __init__(self, shape: ConvShape, position: int = 1, *, se: bool = False) -> None:
        super().__init__(shape, position, se=se)
        self.rbr_conv = nn.ModuleList(ConvBN(shape, 3) for _ in range(self.BRANCHES))
        self.rbr_scale = ConvBN(shape, 1)
        self.rbr_skip = nn.BatchNorm2d(shape.c_in) if self.has_identity else None

    def linear_part(self, x: Tensor) -> Tensor:
        """The sum of branches."""
        y: Tensor = self.rbr_scale(x)
        for branch in self.rbr_conv:
            y = y + branch(x)
        return y if self.rbr_skip is None else y + self.rbr_skip(x)
