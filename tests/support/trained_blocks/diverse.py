"""ACNet's and the diverse branch block: branches that are more than one convolution and a BN."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from trained_blocks.common import ConvBN


class ACB(nn.Module):
    def __init__(self, c_in: int, c_out: int, stride: int, groups: int, affine: bool = True):
        super().__init__()
        self.square_conv, self.ver_conv, self.hor_conv = (
            nn.Conv2d(c_in, c_out, size, stride, (size[0] // 2, size[1] // 2), groups=groups, bias=False)
            for size in ((3, 3), (3, 1), (1, 3))
        )
        self.square_bn, self.ver_bn, self.hor_bn = (nn.BatchNorm2d(c_out, affine=affine) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        y = self.square_bn(self.square_conv(x)) + self.ver_bn(self.ver_conv(x))
        whole: Tensor = y + self.hor_bn(self.hor_conv(x))
        return whole


class ACBWithoutAffine(ACB):
    def __init__(self, c_in: int, c_out: int, stride: int, groups: int):
        super().__init__(c_in, c_out, stride, groups, affine=False)


class BNAndPad(nn.Module):
    """BN, then one pixel of padding with what BN makes of zero."""

    def __init__(self, channels: int):
        super().__init__()
        self.bn = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn(x)
        zero = self.bn(torch.zeros(1, x.shape[1], 1, 1, dtype=x.dtype))
        padded: Tensor = zero.expand(x.shape[0], -1, y.shape[2] + 2, y.shape[3] + 2).clone()
        padded[:, :, 1:-1, 1:-1] = y
        return padded


class IdentityBased1x1(nn.Conv2d):
    """A 1x1 convolution whose stored weight is the residual to the identity."""

    def forward(self, x: Tensor) -> Tensor:
        return x + super().forward(x)


class DBB(nn.Module):
    def __init__(self, c_in: int, c_out: int, stride: int, groups: int, middle: int | None = None):
        super().__init__()
        self.dbb_origin = ConvBN(c_in, c_out, 3, stride, groups)
        self.dbb_avg = nn.Sequential()
        if groups < c_out:
            self.dbb_avg.add_module("conv", nn.Conv2d(c_in, c_out, 1, groups=groups, bias=False))
            self.dbb_avg.add_module("bn", BNAndPad(c_out))
            self.dbb_avg.add_module("avg", nn.AvgPool2d(3, stride))
            self.dbb_1x1 = ConvBN(c_in, c_out, 1, stride, groups)
        else:
            self.dbb_avg.add_module("avg", nn.AvgPool2d(3, stride, 1))
        self.dbb_avg.add_module("avgbn", nn.BatchNorm2d(c_out))
        self.dbb_1x1_kxk = nn.Sequential()
        if middle is None:
            middle = c_in
            self.dbb_1x1_kxk.add_module("idconv1", IdentityBased1x1(c_in, c_in, 1, groups=groups, bias=False))
        else:
            self.dbb_1x1_kxk.add_module("conv1", nn.Conv2d(c_in, middle, 1, groups=groups, bias=False))
        self.dbb_1x1_kxk.add_module("bn1", BNAndPad(middle))
        conv2 = nn.Conv2d(middle, c_out, 3, stride, groups=groups, bias=False)
        self.dbb_1x1_kxk.add_module("conv2", conv2)
        self.dbb_1x1_kxk.add_module("bn2", nn.BatchNorm2d(c_out))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.dbb_origin(x) + self.dbb_avg(x) + self.dbb_1x1_kxk(x)
        return y + self.dbb_1x1(x) if hasattr(self, "dbb_1x1") else y


class DBBWide(DBB):
    def __init__(self, c_in: int, c_out: int, stride: int, groups: int):
        super().__init__(c_in, c_out, stride, groups, middle=2 * c_in)
