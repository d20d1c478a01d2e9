"""Families that make one kernel out of more parameters: DO-Conv, ExpandNet, DiracNet."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class DOConv(nn.Module):
    """Depthwise over-parameterized convolution: an explicit loop over outputs, groups and taps."""

    d_diag: Tensor

    def __init__(self, c_in: int, c_out: int, stride: int, groups: int, depth: int = 9):
        super().__init__()
        self.stride, self.groups = stride, groups
        self.W = nn.Parameter(torch.randn(c_out, c_in // groups, depth))
        self.D = nn.Parameter(torch.randn(c_in, 9, depth))
        self.register_buffer("d_diag", torch.eye(9, depth).repeat(c_in, 1, 1))
        self.bias = nn.Parameter(torch.randn(c_out))

    def forward(self, x: Tensor) -> Tensor:
        c_out, c_in_g, _ = self.W.shape
        d = self.D + self.d_diag
        kernel = x.new_zeros(c_out, c_in_g, 9)
        for o in range(c_out):
            for i in range(c_in_g):
                kernel[o, i] = d[(o % self.groups) * c_in_g + i] @ self.W[o, i]
        kernel = kernel.reshape(c_out, c_in_g, 3, 3)
        return F.conv2d(x, kernel, self.bias, self.stride, 1, groups=self.groups)


class DOConvBN(nn.Module):
    def __init__(self, c_in: int, c_out: int, stride: int, groups: int):
        super().__init__()
        self.conv = DOConv(c_in, c_out, stride, groups)
        self.bn = nn.BatchNorm2d(c_out)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.bn(self.conv(x))
        return y


class ExpandNet(nn.Sequential):
    def __init__(self, c_in: int, c_out: int, stride: int, groups: int):
        super().__init__(
            nn.Conv2d(c_in, 2 * c_in, 1, padding=1, groups=groups),
            nn.Conv2d(2 * c_in, 2 * c_out, 3, stride, groups=groups),
            nn.Conv2d(2 * c_out, c_out, 1, groups=groups),
        )


class DiracNet(nn.Module):
    delta: Tensor

    def __init__(self, c_in: int, c_out: int, stride: int, groups: int):
        super().__init__()
        self.stride, self.groups = stride, groups
        self.weight = nn.Parameter(torch.randn(c_out, c_in // groups, 3, 3))
        self.alpha, self.beta = nn.Parameter(torch.randn(c_out)), nn.Parameter(torch.randn(c_out))
        self.register_buffer("delta", nn.init.dirac_(torch.empty_like(self.weight.data)))
        self.bn = nn.BatchNorm2d(c_out)

    def forward(self, x: Tensor) -> Tensor:
        normed = F.normalize(self.weight.flatten(1)).reshape(self.weight.shape)
        kernel = self.alpha[:, None, None, None] * self.delta + self.beta[:, None, None, None] * normed
        y: Tensor = self.bn(F.conv2d(x, kernel, None, self.stride, 1, groups=self.groups))
        return y


class DiracNetFunctional(nn.Module):
    """The authors' functional code: `conv` is a tensor, and all blocks' diracs are buffers, one per size."""

    def __init__(self, c_in: int, c_out: int, stride: int, groups: int):
        super().__init__()
        self.stride, self.groups = stride, groups
        self.conv = nn.Parameter(torch.randn(c_out, c_in // groups, 3, 3))
        self.alpha, self.beta = nn.Parameter(torch.randn(c_out)), nn.Parameter(torch.randn(c_out))
        self.eye = "eye" + "_".join(map(str, self.conv.shape))
        for name, shape in ((self.eye, self.conv.shape), ("eye5_2_3_3", (5, 2, 3, 3))):
            self.register_buffer(name, nn.init.dirac_(torch.empty(shape)))
        self.bn = nn.BatchNorm2d(c_out)

    def forward(self, x: Tensor) -> Tensor:
        kernel = torch.empty_like(self.conv)
        for o, filter in enumerate(self.conv):
            delta = self.get_buffer(self.eye)[o]
            kernel[o] = self.beta[o] * filter / filter.pow(2).sum().sqrt() + self.alpha[o] * delta
        y: Tensor = self.bn(F.conv2d(x, kernel, None, self.stride, 1, groups=self.groups))
        return y


class DiracNetStem(nn.Module):
    """The first layer of the functional code: a tensor `conv` and its BN."""

    def __init__(self, c_in: int, c_out: int, stride: int, groups: int):
        super().__init__()
        self.stride, self.groups = stride, groups
        self.conv = nn.Parameter(torch.randn(c_out, c_in // groups, 3, 3))
        self.bn = nn.BatchNorm2d(c_out)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.bn(F.conv2d(x, self.conv, None, self.stride, 1, groups=self.groups))
        return y
