"""RepVGG and what descends from it: MobileOne, RepConv, RepOpt-VGG's forms, plain convolutions."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from trained_blocks.common import ConvBN, has_identity


class RepVGG(nn.Module):
    def __init__(self, c_in: int, c_out: int, stride: int, groups: int):
        super().__init__()
        self.rbr_dense: nn.Module = ConvBN(c_in, c_out, 3, stride, groups)
        self.rbr_1x1 = ConvBN(c_in, c_out, 1, stride, groups)
        self.rbr_identity = nn.BatchNorm2d(c_in) if has_identity(c_in, c_out, stride) else None

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.rbr_dense(x) + self.rbr_1x1(x)
        return y if self.rbr_identity is None else y + self.rbr_identity(x)


class MobileOne(nn.Module):
    def __init__(self, c_in: int, c_out: int, stride: int, groups: int, branches: int = 3):
        super().__init__()
        self.rbr_conv = nn.ModuleList(ConvBN(c_in, c_out, 3, stride, groups) for _ in range(branches))
        self.rbr_scale = ConvBN(c_in, c_out, 1, stride, groups)
        self.rbr_skip = nn.BatchNorm2d(c_in) if has_identity(c_in, c_out, stride) else None

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.rbr_scale(x) + sum(conv(x) for conv in self.rbr_conv)
        return y if self.rbr_skip is None else y + self.rbr_skip(x)


class MobileOne1x1(nn.Module):
    """The pointwise half of a depthwise-pointwise pair: all branches 1x1, no scale branch."""

    def __init__(self, c_in: int, c_out: int, stride: int, groups: int, branches: int = 2):
        super().__init__()
        self.rbr_conv = nn.ModuleList(ConvBN(c_in, c_out, 1, stride, groups) for _ in range(branches))
        self.rbr_skip = nn.BatchNorm2d(c_in) if has_identity(c_in, c_out, stride) else None

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = sum(conv(x) for conv in self.rbr_conv)
        return y if self.rbr_skip is None else y + self.rbr_skip(x)


class RepConv(nn.Module):
    """YOLOv9's RepConvN and ultralytics' RepConv: the identity is an option, and off by default."""

    def __init__(self, c_in: int, c_out: int, stride: int, groups: int, identity: bool = False):
        super().__init__()
        self.conv1, self.conv2 = (ConvBN(c_in, c_out, k, stride, groups) for k in (3, 1))
        self.bn = nn.BatchNorm2d(c_in) if identity and has_identity(c_in, c_out, stride) else None

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.conv1(x) + self.conv2(x)
        return y if self.bn is None else y + self.bn(x)


class RepConvIdentity(RepConv):
    def __init__(self, c_in: int, c_out: int, stride: int, groups: int):
        super().__init__(c_in, c_out, stride, groups, identity=True)


class ScaleLayer(nn.Module):
    """One factor per channel."""

    def __init__(self, channels: int):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        return x * self.weight[:, None, None]


class LinearAdd(nn.Module):
    """RepOpt-VGG's search and CSLA form: branches times constants, added, then one BN."""

    def __init__(self, c_in: int, c_out: int, stride: int, groups: int):
        super().__init__()
        self.conv = nn.Conv2d(c_in, c_out, 3, stride, 1, groups=groups, bias=False)
        self.scale_conv = ScaleLayer(c_out)
        self.conv_1x1 = nn.Conv2d(c_in, c_out, 1, stride, groups=groups, bias=False)
        self.scale_1x1 = ScaleLayer(c_out)
        self.scale_identity = ScaleLayer(c_out) if has_identity(c_in, c_out, stride) else None
        self.bn = nn.BatchNorm2d(c_out)

    def forward(self, x: Tensor) -> Tensor:
        added = self.scale_conv(self.conv(x)) + self.scale_1x1(self.conv_1x1(x))
        y: Tensor = self.bn(added if self.scale_identity is None else added + self.scale_identity(x))
        return y


class ThreeNorms(nn.Module):
    """RepVGG under the names of RepOpt-VGG's code base."""

    def __init__(self, c_in: int, c_out: int, stride: int, groups: int):
        super().__init__()
        self.conv_3x3 = nn.Conv2d(c_in, c_out, 3, stride, 1, groups=groups, bias=False)
        self.bn_3x3 = nn.BatchNorm2d(c_out)
        self.conv_1x1 = nn.Conv2d(c_in, c_out, 1, stride, groups=groups, bias=False)
        self.bn_1x1 = nn.BatchNorm2d(c_out)
        self.bn_identity = nn.BatchNorm2d(c_out) if has_identity(c_in, c_out, stride) else None

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.bn_3x3(self.conv_3x3(x)) + self.bn_1x1(self.conv_1x1(x))
        return y if self.bn_identity is None else y + self.bn_identity(x)


class RepVGGFolded(nn.Module):
    """RepVGG whose convolutions have taken their BNs in; the identity's BN has no convolution to go into."""

    def __init__(self, c_in: int, c_out: int, stride: int, groups: int):
        super().__init__()
        self.rbr_dense, self.rbr_1x1 = nn.Sequential(), nn.Sequential()
        for branch, k in ((self.rbr_dense, 3), (self.rbr_1x1, 1)):
            branch.add_module("conv", nn.Conv2d(c_in, c_out, k, stride, k // 2, groups=groups))
        self.rbr_identity = nn.BatchNorm2d(c_in) if has_identity(c_in, c_out, stride) else None

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.rbr_dense(x) + self.rbr_1x1(x)
        return y if self.rbr_identity is None else y + self.rbr_identity(x)


class InsertedBN(nn.Module):
    """A fused convolution split again into one without bias and a BN, to be trained on (insert_bn)."""

    def __init__(self, c_in: int, c_out: int, stride: int, groups: int):
        super().__init__()
        self.rbr_reparam = ConvBN(c_in, c_out, 3, stride, groups)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.rbr_reparam(x)
        return y


class RepOpt(nn.Module):
    def __init__(self, c_in: int, c_out: int, stride: int, groups: int):
        super().__init__()
        self.conv = nn.Conv2d(c_in, c_out, 3, stride, 1, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(c_out)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.bn(self.conv(x))
        return y


class Plain(nn.Conv2d):
    def __init__(self, c_in: int, c_out: int, stride: int, groups: int):
        super().__init__(c_in, c_out, 3, stride, 1, groups=groups)
