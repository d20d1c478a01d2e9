"""What several families share: convolution + BN, and numbers as after training."""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import nn

Module = TypeVar("Module", bound=nn.Module)

torch.set_num_threads(1)  # maps of a few pixels: threads only wait for each other


class ConvBN(nn.Sequential):
    def __init__(self, c_in: int, c_out: int, k: int, stride: int, groups: int, padding: int | None = None):
        super().__init__()
        padding = k // 2 if padding is None else padding
        self.conv = nn.Conv2d(c_in, c_out, k, stride, padding, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(c_out)


def has_identity(c_in: int, c_out: int, stride: int) -> bool:
    """Where every code base adds the input itself."""
    return c_in == c_out and stride == 1


@torch.no_grad()
def trained(module: Module, seed: int = 0, eps: float = 1e-5) -> Module:
    """module in float64 and eval mode: random parameters and BN statistics, every fifth BN channel dead.

    Every number is drawn anew from seed, the initialisation's among them. eps is that of all its BNs.
    """
    generator = torch.Generator().manual_seed(seed)
    module = module.double().eval()
    for parameter in module.parameters():
        fan_in = parameter[0].numel() if parameter.ndim > 2 else 1
        values = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
        parameter.copy_(values / fan_in**0.5)
    for norm in module.modules():
        if isinstance(norm, nn.BatchNorm2d):
            norm.eps = eps
            mean, var = norm.running_mean, norm.running_var
            assert mean is not None
            assert var is not None
            mean.copy_(torch.randn(mean.shape, generator=generator, dtype=torch.float64))
            var.copy_(torch.rand(var.shape, generator=generator, dtype=torch.float64) + 0.1)
            var[::5], mean[::5] = 1e-12, 0
    return module
