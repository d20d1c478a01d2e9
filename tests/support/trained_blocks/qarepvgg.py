"""QARepVGG in the variants of its authors' repository and of YOLOv6, trained and fused."""

from __future__ import annotations

from torch import Tensor, nn

from trained_blocks.common import ConvBN, has_identity


class QARepVGG(nn.Module):
    """The paper's block (QARepVGGBlockV2 of the authors' code, QARepVGGBlock of YOLOv6)."""

    average = False

    def __init__(self, c_in: int, c_out: int, stride: int, groups: int):
        super().__init__()
        self.rbr_dense: nn.Module = ConvBN(c_in, c_out, 3, stride, groups)
        self.rbr_1x1: nn.Module = nn.Conv2d(c_in, c_out, 1, stride, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(c_out)
        self.rbr_identity: nn.Module | None = nn.Identity() if has_identity(c_in, c_out, stride) else None
        self.rbr_avg: nn.Module | None = None

    def forward(self, x: Tensor) -> Tensor:
        added = self.rbr_dense(x) + self.rbr_1x1(x)
        for branch in (self.rbr_identity, self.rbr_avg):
            added = added if branch is None else added + branch(x)
        y: Tensor = self.bn(added)
        return y


class QARepVGGAverage(QARepVGG):
    """QARepVGGBlockV2 of YOLOv6: the input's average, padding counted, is added where the identity is."""

    average = True

    def __init__(self, c_in: int, c_out: int, stride: int, groups: int):
        super().__init__(c_in, c_out, stride, groups)
        self.rbr_avg = nn.AvgPool2d(3, stride, 1) if has_identity(c_in, c_out, stride) else None


class QARepVGGNorms(QARepVGG):
    """QARepVGGBlockV1 of the authors' code: RepVGG with its three BNs, and one behind the sum."""

    def __init__(self, c_in: int, c_out: int, stride: int, groups: int):
        super().__init__(c_in, c_out, stride, groups)
        self.rbr_1x1 = ConvBN(c_in, c_out, 1, stride, groups)
        self.rbr_identity = nn.BatchNorm2d(c_in) if has_identity(c_in, c_out, stride) else None


class QARepVGGTwoNorms(QARepVGG):
    """QARepVGGBlockV5 of the authors' code: both convolutions with BN, the identity without."""

    def __init__(self, c_in: int, c_out: int, stride: int, groups: int):
        super().__init__(c_in, c_out, stride, groups)
        self.rbr_1x1 = ConvBN(c_in, c_out, 1, stride, groups)


class QARepVGGFolded(QARepVGG):
    """YOLOv6 folds every convolution's own BN before it fuses the branches: the 3x3 has a bias instead."""

    def __init__(self, c_in: int, c_out: int, stride: int, groups: int):
        super().__init__(c_in, c_out, stride, groups)
        folded = nn.Sequential()
        folded.add_module("conv", nn.Conv2d(c_in, c_out, 3, stride, 1, groups=groups))
        self.rbr_dense = folded


class QARepVGGFused(nn.Module):
    """YOLOv6 fuses the branches and keeps the BN behind them for quantization-aware training."""

    def __init__(self, c_in: int, c_out: int, stride: int, groups: int):
        super().__init__()
        self.rbr_reparam = nn.Conv2d(c_in, c_out, 3, stride, 1, groups=groups)
        self.bn = nn.BatchNorm2d(c_out)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.bn(self.rbr_reparam(x))
        return y
