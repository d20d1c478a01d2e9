"""What every trainable block is: a linear part that fuses into one 3x3, then ReLU."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from repvgg_hw.errors import InputError
from repvgg_hw.model.repvgg import SqueezeExcite
from repvgg_hw.model.variants import SE_RATIOS
from repvgg_hw.network import ConvShape


class Block(nn.Module):
    """ReLU(se(linear part)) as trained. A subclass defines `linear_part` and the keys that `fuse` reads.

    shape     channels, stride and groups, the same as those of the fused 3x3
    position  of the block in its stage, from 1
    se        whether squeeze-and-excitation stands before ReLU, as in RepVGG-D2se
    """

    grouped = True  # defined for more than one group
    gated = True  # defined with squeeze-and-excitation

    def __init__(self, shape: ConvShape, position: int = 1, *, se: bool = False) -> None:
        super().__init__()
        if shape.groups > 1 and not self.grouped:
            raise InputError(f"{shape.name} has {shape.groups} groups: this block is defined for one only")
        if se and not self.gated:
            raise InputError(f"{shape.name}: this block is not defined with squeeze-and-excitation")
        self.shape, self.position = shape, position
        self.se = SqueezeExcite(shape.c_out, shape.c_out // SE_RATIOS["D2se"]) if se else nn.Identity()

    @property
    def has_identity(self) -> bool:
        """Whether the block's input has its output's shape, and so may be added."""
        return self.shape.c_in == self.shape.c_out and self.shape.stride == 1

    def linear_part(self, x: Tensor) -> Tensor:
        """Everything before ReLU: (N, C_in, H, W) -> (N, C_out, H', W')."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        """(N, C_in, H, W) -> (N, C_out, H', W')."""
        y: Tensor = torch.relu(self.se(self.linear_part(x)))
        return y

    def undecayed(self) -> set[str]:
        """Names of parameters with more than one axis that are scales: weight decay leaves them alone."""
        return set()


def convolution(
    shape: ConvShape, kernel: int | tuple[int, int], *, stride: int | None = None, pad: bool = True
) -> nn.Conv2d:
    """A same-padded convolution without bias, of the block's channels, groups and (by default) stride."""
    kh, kw = (kernel, kernel) if isinstance(kernel, int) else kernel
    return nn.Conv2d(
        shape.c_in,
        shape.c_out,
        (kh, kw),
        shape.stride if stride is None else stride,
        (kh // 2, kw // 2) if pad else 0,
        groups=shape.groups,
        bias=False,
    )


class ConvBN(nn.Sequential):
    """A convolution and its batch normalization: keys `conv` and `bn`."""

    def __init__(self, shape: ConvShape, kernel: int) -> None:
        super().__init__()
        self.add_module("conv", convolution(shape, kernel))
        self.add_module("bn", nn.BatchNorm2d(shape.c_out))
