"""OREPA's three forms, evaluated term by term on the map instead of by one generated kernel."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trained_blocks.repvgg import RepVGG


class OREPA(nn.Module):
    """The ResNet form, `weight_orepa_*`: six terms."""

    name, has_1x1 = "weight_orepa_", True
    id_tensor: Tensor

    def __init__(self, c_in: int, c_out: int, stride: int, groups: int):
        super().__init__()
        self.stride, self.groups, self.c_in, self.c_out = stride, groups, c_in, c_out
        # the authors' inner width for the ResNet form; the RepVGG form is without groups
        middle = c_in if groups <= 4 else 2 * c_in
        shapes = {
            "origin": (c_out, c_in // groups, 3, 3),
            "avg_conv": (c_out, c_in // groups, 1, 1),
            "pfir_conv": (c_out, c_in // groups, 1, 1),
            "1x1_kxk_idconv1": (middle, c_in // groups, 1, 1),
            "1x1_kxk_conv2": (c_out, middle // groups, 3, 3),
            "gconv_dw": (8 * c_in, 1, 3, 3),
            "gconv_pw": (c_out, 8 * c_in // groups, 1, 1),
        }
        if self.has_1x1:
            shapes["1x1"] = (c_out, c_in // groups, 1, 1)
        for key, shape in shapes.items():
            self.register_parameter(self.name + key, nn.Parameter(torch.randn(shape) / math.prod(shape[1:])))
        self.vector = nn.Parameter(torch.randn(self.rows(), c_out))
        # constants, in float32 as they are registered, and read from there
        self.register_buffer(f"{self.name}avg_avg", torch.ones(3, 3).mul(1 / 3 / 3))
        self.register_buffer(f"{self.name}prior", self.prior())
        identity = torch.zeros(shapes["1x1_kxk_idconv1"])
        for t in range(middle):
            identity[t, t % (c_in // groups)] = 1
        self.register_buffer("id_tensor", identity)
        self.bn = nn.BatchNorm2d(c_out)

    def rows(self) -> int:
        return 6

    def prior(self) -> Tensor:
        values = torch.empty(self.c_out, 3, 3)
        for o in range(self.c_out):
            for h in range(3):
                for w in range(3):
                    half = self.c_out / 2
                    at, order = (h, o + 1) if o < half else (w, o + 1 - half)
                    values[o, h, w] = math.cos(math.pi * (at + 0.5) * order / 3)
        return values

    def spread_and_gather(self, x: Tensor) -> Tensor:
        """gconv: 8 depthwise 3x3 per input, then 1x1; per output, by the index rule of the authors' reshape.

        They view the 1x1's rows as (C_out / g, g), and the result is ordered group first.
        """
        dw, pw = self.part("gconv_dw"), self.part("gconv_pw")
        spread = F.conv2d(x, dw, None, self.stride, 1, groups=self.c_in)  # (N, 8 C_in, H, W)
        per_group = self.c_out // self.groups
        rows = pw.squeeze(3).squeeze(2).reshape(per_group, self.groups, -1)
        parts = spread.chunk(self.groups, dim=1)
        outputs = []
        for group in range(self.groups):
            for within in range(per_group):
                weights = rows[within, group]
                outputs.append((weights[:, None, None] * parts[group]).sum(1))
        return torch.stack(outputs, 1)

    def part(self, key: str) -> Tensor:
        part: Tensor = getattr(self, self.name + key)
        return part

    def forward(self, x: Tensor) -> Tensor:
        s, g, part = self.stride, self.groups, self.part

        def conv(x: Tensor, weight: Tensor, stride: int = 1, groups: int = g) -> Tensor:
            return F.conv2d(x, weight, None, stride, weight.shape[-1] // 2, groups=groups)

        average = part("avg_avg").expand(self.c_out, 1, 3, 3)
        inner = conv(x, part("1x1_kxk_idconv1") + self.id_tensor)
        terms = [
            conv(x, part("origin"), s),
            conv(conv(x, part("avg_conv")), average, s, self.c_out),
            conv(conv(x, part("pfir_conv")), part("prior")[:, None], s, self.c_out),
            conv(inner, part("1x1_kxk_conv2"), s),
        ]
        if self.has_1x1:
            terms.append(conv(x, part("1x1"), s))
        terms.append(self.spread_and_gather(x))
        y: Tensor = self.bn(sum(v[:, None, None] * term for v, term in zip(self.vector, terms, strict=False)))
        return y


class OREPA3x3(OREPA):
    """The 3x3 of the RepVGG form: five terms; where there is an identity, one more row that nobody reads."""

    name, has_1x1 = "weight_rbr_", False

    def rows(self) -> int:
        return 6 if self.c_in == self.c_out and self.stride == 1 else 5


class OREPARepVGG(RepVGG):
    """The RepVGG form: rbr_dense is an OREPA of five terms. Its authors' code has no groups here."""

    def __init__(self, c_in: int, c_out: int, stride: int, groups: int):
        super().__init__(c_in, c_out, stride, groups)
        self.rbr_dense = OREPA3x3(c_in, c_out, stride, groups)


class OREPA1x1(nn.Module):
    """The 1x1 form: a 1x1 beside a chain of two, wide where the block is. Without groups."""

    weight_or1x1_origin: Tensor
    weight_or1x1_l2i_conv1: Tensor
    weight_or1x1_l2i_conv2: Tensor

    def __init__(self, c_in: int, c_out: int, stride: int, groups: int):
        super().__init__()
        self.stride, middle = stride, min(c_in, c_out)
        for name, shape in (
            ("origin", (c_out, c_in)),
            ("l2i_conv1", (middle, c_in)),
            ("l2i_conv2", (c_out, middle)),
        ):
            self.register_parameter(
                f"weight_or1x1_{name}", nn.Parameter(torch.randn(*shape, 1, 1) / shape[1])
            )
        self.vector = nn.Parameter(torch.randn(2, c_out))
        self.bn = nn.BatchNorm2d(c_out)

    def forward(self, x: Tensor) -> Tensor:
        x = x[:, :, :: self.stride, :: self.stride]  # what a 1x1 convolution without padding reads
        inner = F.conv2d(x, self.weight_or1x1_l2i_conv1)
        terms = F.conv2d(x, self.weight_or1x1_origin), F.conv2d(inner, self.weight_or1x1_l2i_conv2)
        y: Tensor = self.bn(sum(v[:, None, None] * term for v, term in zip(self.vector, terms, strict=True)))
        return y
