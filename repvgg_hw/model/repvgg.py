"""RepVGG in torch, training form (three branches) and fused form (one 3x3), official key names.

Ding et al., "RepVGG: Making VGG-style ConvNets Great Again", arXiv 2101.03697.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from repvgg_hw.model.variants import SE_RATIOS
from repvgg_hw.network import Architecture, ConvShape


class ConvBN(nn.Sequential):
    """A convolution without bias followed by batch normalization (keys `conv`, `bn`)."""

    def __init__(self, c_in: int, c_out: int, kernel: int, stride: int, groups: int, eps: float) -> None:
        super().__init__()
        self.add_module(
            "conv", nn.Conv2d(c_in, c_out, kernel, stride, kernel // 2, groups=groups, bias=False)
        )
        self.add_module("bn", nn.BatchNorm2d(c_out, eps=eps))


class SqueezeExcite(nn.Module):
    """Channel gates x * sigmoid(up(relu(down(mean of x over H, W)))). Hu et al., arXiv 1709.01507."""

    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.down = nn.Conv2d(channels, squeezed, 1)
        self.up = nn.Conv2d(squeezed, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        gate: Tensor = torch.sigmoid(self.up(torch.relu(self.down(x.mean((2, 3), keepdim=True)))))
        return x * gate


class RepVGGBlock(nn.Module):
    """post_se(ReLU(se(sum of branches))): 3x3, 1x1 and, where shapes allow, identity, each with its BN."""

    def __init__(self, shape: ConvShape, *, deploy: bool, se: str | None, eps: float) -> None:
        super().__init__()
        c_in, c_out, stride, groups = shape.c_in, shape.c_out, shape.stride, shape.groups
        self.deploy = deploy
        squeezed = SqueezeExcite(c_out, c_out // SE_RATIOS[se]) if se else nn.Identity()
        self.se = squeezed if se == "D2se" else nn.Identity()
        self.post_se = squeezed if se == "plus" else nn.Identity()
        if deploy:
            self.rbr_reparam = nn.Conv2d(c_in, c_out, 3, stride, 1, groups=groups)
            return
        self.rbr_dense = ConvBN(c_in, c_out, 3, stride, groups, eps)
        self.rbr_1x1 = ConvBN(c_in, c_out, 1, stride, groups, eps)
        has_identity = c_in == c_out and stride == 1
        self.rbr_identity = nn.BatchNorm2d(c_in, eps=eps) if has_identity else None

    def forward(self, x: Tensor) -> Tensor:
        """(N, C_in, H, W) -> (N, C_out, H', W')."""
        y: Tensor = self.post_se(torch.relu(self.se(self.linear_part(x))))
        return y

    def linear_part(self, x: Tensor) -> Tensor:
        """What fuses into one 3x3 convolution: everything before squeeze-and-excitation and ReLU."""
        if self.deploy:
            fused: Tensor = self.rbr_reparam(x)
            return fused
        y: Tensor = self.rbr_dense(x) + self.rbr_1x1(x)
        return y if self.rbr_identity is None else y + self.rbr_identity(x)


class RepVGG(nn.Module):
    """RepVGG blocks (stage0, stage1.0, ...), global average pooling, `linear`. Any input size.

    With 0 classes there is no `linear`: the output is the last block's map.
    """

    def __init__(self, architecture: Architecture, *, deploy: bool = False, eps: float = 1e-5) -> None:
        super().__init__()
        self.architecture = architecture
        self.deploy = deploy
        stages: dict[str, list[RepVGGBlock]] = {}
        for shape in architecture.convs():
            block = RepVGGBlock(shape, deploy=deploy, se=architecture.se, eps=eps)
            stages.setdefault(shape.name.partition(".")[0], []).append(block)
        self.stages = tuple(stages)
        for name, blocks in stages.items():
            self.add_module(name, blocks[0] if name == "stage0" else nn.Sequential(*blocks))
        classes = architecture.num_classes
        self.linear = nn.Linear(architecture.widths[-1], classes) if classes else None

    def blocks(self) -> dict[str, RepVGGBlock]:
        """The blocks by layer name, in order."""
        return {name: m for name, m in self.named_modules() if isinstance(m, RepVGGBlock)}

    def forward(self, x: Tensor) -> Tensor:
        """(N, C_in, H, W) -> logits (N, classes), or without a linear layer the last map."""
        for name in self.stages:
            x = getattr(self, name)(x)
        return x if self.linear is None else self.linear(x.mean((2, 3)))


def build_model(architecture: Architecture, deploy: bool = False, *, eps: float = 1e-5) -> RepVGG:
    """RepVGG in training form or, with deploy, in fused form; torch's default initialization."""
    return RepVGG(architecture, deploy=deploy, eps=eps)
