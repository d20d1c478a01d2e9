"""Training-time forward passes of every family as torch modules, from their papers: the reference.

They share nothing with repvgg_hw. Each module's state_dict carries its code base's own key names.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

torch.set_num_threads(1)  # maps of a few pixels: threads only wait for each other


class ConvBN(nn.Sequential):
    def __init__(self, c_in: int, c_out: int, k: int, stride: int, groups: int, padding: int | None = None):
        super().__init__()
        padding = k // 2 if padding is None else padding
        self.conv = nn.Conv2d(c_in, c_out, k, stride, padding, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(c_out)


class RepVGG(nn.Module):
    def __init__(self, c_in: int, c_out: int, stride: int, groups: int):
        super().__init__()
        self.rbr_dense = ConvBN(c_in, c_out, 3, stride, groups)
        self.rbr_1x1 = ConvBN(c_in, c_out, 1, stride, groups)
        self.rbr_identity = nn.BatchNorm2d(c_in) if c_in == c_out and stride == 1 else None

    def forward(self, x: Tensor) -> Tensor:
        y = self.rbr_dense(x) + self.rbr_1x1(x)
        return y if self.rbr_identity is None else y + self.rbr_identity(x)


class QARepVGG(nn.Module):
    def __init__(self, c_in: int, c_out: int, stride: int, groups: int):
        super().__init__()
        self.rbr_dense = ConvBN(c_in, c_out, 3, stride, groups)
        self.rbr_1x1 = nn.Conv2d(c_in, c_out, 1, stride, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(c_out)
        self.identity = c_in == c_out and stride == 1

    def forward(self, x: Tensor) -> Tensor:
        return self.bn(self.rbr_dense(x) + self.rbr_1x1(x) + (x if self.identity else 0))


class MobileOne(nn.Module):
    def __init__(self, c_in: int, c_out: int, stride: int, groups: int, branches: int = 3):
        super().__init__()
        self.rbr_conv = nn.ModuleList(ConvBN(c_in, c_out, 3, stride, groups) for _ in range(branches))
        self.rbr_scale = ConvBN(c_in, c_out, 1, stride, groups)
        self.rbr_skip = nn.BatchNorm2d(c_in) if c_in == c_out and stride == 1 else None

    def forward(self, x: Tensor) -> Tensor:
        y = self.rbr_scale(x) + sum(conv(x) for conv in self.rbr_conv)
        return y if self.rbr_skip is None else y + self.rbr_skip(x)


class ACB(nn.Module):
    def __init__(self, c_in: int, c_out: int, stride: int, groups: int, affine: bool = True):
        super().__init__()
        args = {"stride": stride, "groups": groups, "bias": False}
        self.square_conv = nn.Conv2d(c_in, c_out, 3, padding=1, **args)
        self.ver_conv = nn.Conv2d(c_in, c_out, (3, 1), padding=(1, 0), **args)
        self.hor_conv = nn.Conv2d(c_in, c_out, (1, 3), padding=(0, 1), **args)
        self.square_bn, self.ver_bn, self.hor_bn = (nn.BatchNorm2d(c_out, affine=affine) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        y = self.square_bn(self.square_conv(x))
        return y + self.ver_bn(self.ver_conv(x)) + self.hor_bn(self.hor_conv(x))


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
        padded = zero.expand(x.shape[0], -1, y.shape[2] + 2, y.shape[3] + 2).clone()
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
        y = self.dbb_origin(x) + self.dbb_avg(x) + self.dbb_1x1_kxk(x)
        return y + self.dbb_1x1(x) if hasattr(self, "dbb_1x1") else y


class DBBWide(DBB):
    def __init__(self, c_in: int, c_out: int, stride: int, groups: int):
        super().__init__(c_in, c_out, stride, groups, middle=2 * c_in)


class DOConv(nn.Module):
    """Depthwise over-parameterized convolution: an explicit loop over outputs, groups and taps."""

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
        return self.bn(self.conv(x))


class ExpandNet(nn.Sequential):
    def __init__(self, c_in: int, c_out: int, stride: int, groups: int):
        super().__init__(
            nn.Conv2d(c_in, 2 * c_in, 1, padding=1, groups=groups),
            nn.Conv2d(2 * c_in, 2 * c_out, 3, stride, groups=groups),
            nn.Conv2d(2 * c_out, c_out, 1, groups=groups),
        )


class DiracNet(nn.Module):
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
        return self.bn(F.conv2d(x, kernel, None, self.stride, 1, groups=self.groups))


class OREPA(nn.Module):
    """The ResNet form, `weight_orepa_*`: six branches, evaluated branch by branch on the map."""

    name, has_1x1 = "weight_orepa_", True

    def __init__(self, c_in: int, c_out: int, stride: int, groups: int):
        super().__init__()
        self.stride, self.groups, self.c_in, self.c_out = stride, groups, c_in, c_out
        shapes = {
            "origin": (c_out, c_in // groups, 3, 3),
            "avg_conv": (c_out, c_in // groups, 1, 1),
            "pfir_conv": (c_out, c_in // groups, 1, 1),
            "1x1_kxk_idconv1": (c_in, c_in // groups, 1, 1),
            "1x1_kxk_conv2": (c_out, c_in // groups, 3, 3),
            "gconv_dw": (8 * c_in, 1, 3, 3),
            "gconv_pw": (c_out, 8 * c_in // groups, 1, 1),
        }
        if self.has_1x1:
            shapes["1x1"] = (c_out, c_in // groups, 1, 1)
        for key, shape in shapes.items():
            self.register_parameter(self.name + key, nn.Parameter(torch.randn(shape) / math.prod(shape[1:])))
        self.vector = nn.Parameter(torch.randn(6, c_out))
        self.register_buffer(f"{self.name}avg_avg", torch.full((3, 3), 1 / 9))
        self.register_buffer(f"{self.name}prior", self.prior())
        self.bn = nn.BatchNorm2d(c_out)

    def prior(self) -> Tensor:
        values = torch.empty(self.c_out, 3, 3, dtype=torch.float64)
        for o in range(self.c_out):
            for h in range(3):
                for w in range(3):
                    half = self.c_out / 2
                    at, order = (h, o + 1) if o < half else (w, o + 1 - half)
                    values[o, h, w] = math.cos(math.pi * (at + 0.5) * order / 3)
        return values

    def forward(self, x: Tensor) -> Tensor:
        def part(key: str) -> Tensor:
            return getattr(self, self.name + key)

        def conv(x: Tensor, weight: Tensor, stride: int = 1, groups: int = self.groups) -> Tensor:
            return F.conv2d(x, weight, None, stride, weight.shape[-1] // 2, groups=groups)

        s = self.stride
        branches = [
            conv(x, part("origin"), s),
            F.avg_pool2d(conv(x, part("avg_conv")), 3, s, 1),
            conv(conv(x, part("pfir_conv")), part("prior")[:, None], s, self.c_out),
            conv(x + conv(x, part("1x1_kxk_idconv1")), part("1x1_kxk_conv2"), s),
        ]
        if self.has_1x1:
            branches.append(conv(x, part("1x1"), s))
        branches.append(conv(conv(x, part("gconv_dw"), s, self.c_in), part("gconv_pw")))
        rows = zip(self.vector, branches, strict=False)
        return self.bn(sum(v[:, None, None] * branch for v, branch in rows))


class OREPA3x3(OREPA):
    name, has_1x1 = "weight_rbr_", False


class OREPARepVGG(RepVGG):
    """The RepVGG form: rbr_dense is an OREPA of five branches. Its authors' code has no groups here."""

    def __init__(self, c_in: int, c_out: int, stride: int, groups: int):
        super().__init__(c_in, c_out, stride, groups)
        self.rbr_dense = OREPA3x3(c_in, c_out, stride, groups)


class RepOpt(nn.Module):
    def __init__(self, c_in: int, c_out: int, stride: int, groups: int):
        super().__init__()
        self.conv = nn.Conv2d(c_in, c_out, 3, stride, 1, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(c_out)

    def forward(self, x: Tensor) -> Tensor:
        return self.bn(self.conv(x))


class Plain(nn.Conv2d):
    def __init__(self, c_in: int, c_out: int, stride: int, groups: int):
        super().__init__(c_in, c_out, 3, stride, 1, groups=groups)


FAMILIES = (
    RepVGG,
    QARepVGG,
    MobileOne,
    ACB,
    ACBWithoutAffine,
    DBB,
    DBBWide,
    DOConv,
    DOConvBN,
    ExpandNet,
    DiracNet,
    OREPA,
    OREPARepVGG,
    RepOpt,
    Plain,
)


@torch.no_grad()
def trained(module: nn.Module, seed: int = 0) -> nn.Module:
    """module in float64 and eval mode: random parameters and BN statistics, every fifth BN channel dead."""
    generator = torch.Generator().manual_seed(seed)
    module = module.double().eval()
    for name, parameter in module.named_parameters():
        if parameter.ndim < 3 and "vector" not in name:
            parameter.copy_(torch.randn(parameter.shape, generator=generator, dtype=torch.float64))
    for norm in module.modules():
        if isinstance(norm, nn.BatchNorm2d):
            mean, var = norm.running_mean, norm.running_var
            mean.copy_(torch.randn(mean.shape, generator=generator, dtype=torch.float64))
            var.copy_(torch.rand(var.shape, generator=generator, dtype=torch.float64) + 0.1)
            var[::5], mean[::5] = 1e-12, 0
    return module
