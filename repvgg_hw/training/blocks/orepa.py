"""OREPA: branches squeezed into one kernel while training. Hu et al., arXiv 2204.00826.

Inner batch normalizations are replaced by a trained scale per term and output channel (`vector`), so that all
terms are linear in the kernel and one convolution per step and block is enough: no branch leaves a map behind
for the backward pass. One BN follows.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from repvgg_hw.network import ConvShape
from repvgg_hw.training.blocks.base import Block
from repvgg_hw.training.blocks.branches import RepVGG
from repvgg_hw.training.blocks.dbb import pointwise_identity

SPREAD = 8  # depthwise kernels per input channel in the term of two convolutions
# With which each term begins, as published.
STARTS = {"origin": 0.25, "avg": 0.25, "prior": 0.0, "1x1_kxk": 0.5, "1x1": 1.0, "gconv": 0.5}


class Squeezed(nn.Module):
    """A base: the terms' parameters, the kernel that they make, and the convolution and BN with it."""

    id_tensor: Tensor
    shape: ConvShape

    def add_terms(self, shape: ConvShape, prefix: str, terms: tuple[str, ...]) -> None:
        """Make the parameters.

        prefix  of their names
        terms   of STARTS, in the order of the rows of `vector`
        """
        self.shape, self.prefix, self.terms = shape, prefix, terms
        c_in, c_out, groups = shape.c_in, shape.c_out, shape.groups
        c_in_g = c_in // groups
        sizes = {
            "origin": (c_out, c_in_g, 3, 3),
            "avg_conv": (c_out, c_in_g, 1, 1),
            "pfir_conv": (c_out, c_in_g, 1, 1),
            "1x1_kxk_conv2": (c_out, c_in_g, 3, 3),
            **({"1x1": (c_out, c_in_g, 1, 1)} if "1x1" in terms else {}),
            "gconv_dw": (SPREAD * c_in, 1, 3, 3),
            "gconv_pw": (c_out, SPREAD * c_in_g, 1, 1),
        }
        for name, size in sizes.items():
            parameter = nn.Parameter(torch.empty(size))
            nn.init.kaiming_uniform_(parameter, a=0.0)
            self.register_parameter(prefix + name, parameter)
        residual = nn.Parameter(torch.zeros(c_in, c_in_g, 1, 1))  # to the identity, with which it begins
        self.register_parameter(f"{prefix}1x1_kxk_idconv1", residual)
        self.vector = nn.Parameter(torch.tensor([[STARTS[term]] * c_out for term in terms]))
        self.register_buffer(f"{prefix}avg_avg", torch.full((3, 3), 1 / 9))
        self.register_buffer(f"{prefix}prior", frequency_prior(c_out))
        self.register_buffer("id_tensor", pointwise_identity(c_in, groups))
        self.bn = nn.BatchNorm2d(c_out)

    def part(self, name: str) -> Tensor:
        """The parameter or constant of this name."""
        part: Tensor = getattr(self, self.prefix + name)
        return part

    def kernel(self) -> Tensor:
        """All terms squeezed: (C_out, C_in / groups, 3, 3).

        Scales go into each term's smallest factor, and 1x1 terms share one addition at the centre.
        """
        scale = {term: row[:, None, None, None] for term, row in zip(self.terms, self.vector, strict=True)}
        kernel: Tensor = scale["origin"] * self.part("origin")
        kernel = kernel + (scale["avg"] * self.part("avg_conv")) * self.part("avg_avg")
        kernel = kernel + (scale["prior"] * self.part("pfir_conv")) * self.part("prior")[:, None]
        kernel = kernel + scale["1x1_kxk"] * self._pointwise_then_3x3()
        kernel = kernel + self._spread_then_gather(scale["gconv"] * self.part("gconv_pw")[self._rows()])
        if "1x1" in scale:
            kernel = kernel + F.pad(scale["1x1"] * self.part("1x1"), (1, 1, 1, 1))
        return kernel

    def _pointwise_then_3x3(self) -> Tensor:
        """conv2 behind a 1x1 of identity + residual, by group: a matrix product over the middle channels."""
        groups, second = self.shape.groups, self.part("1x1_kxk_conv2")
        inner = (self.part("1x1_kxk_idconv1") + self.id_tensor).flatten(1)  # (C_in, C_in / g)
        c_in_g = inner.shape[1]
        product = torch.einsum(
            "gntk,gti->gnik", second.reshape(groups, -1, c_in_g, 9), inner.view(groups, c_in_g, c_in_g)
        )
        return product.reshape(second.shape)

    def _spread_then_gather(self, gather: Tensor) -> Tensor:
        """SPREAD depthwise 3x3 per input, then gather (C_out, SPREAD C_in / g, 1, 1), in outputs' order."""
        shape, groups = self.shape, self.shape.groups
        c_in_g = shape.c_in // groups
        product = torch.einsum(
            "gnie,giek->gnik",
            gather.reshape(groups, -1, c_in_g, SPREAD),
            self.part("gconv_dw").view(groups, c_in_g, SPREAD, 9),
        )
        return product.reshape(shape.c_out, c_in_g, 3, 3)

    def _rows(self) -> Tensor:
        """The row of gconv_pw for each output: they are stored (C_out / g, g), the published order."""
        rows = torch.arange(self.shape.c_out, device=self.vector.device)
        return rows.view(-1, self.shape.groups).T.reshape(-1)

    def squeezed(self, x: Tensor) -> Tensor:
        """One convolution, one BN: (N, C_in, H, W) -> (N, C_out, H', W')."""
        y = F.conv2d(x, self.kernel(), None, self.shape.stride, 1, groups=self.shape.groups)
        normed: Tensor = self.bn(y)
        return normed


def frequency_prior(channels: int) -> Tensor:
    """Cosines along the height for the first half of the outputs, along the width for the rest: (C, 3, 3)."""
    prior = torch.empty(channels, 3, 3)
    half = channels / 2
    for o in range(channels):
        order = o + 1 if o < half else o + 1 - half
        wave = torch.tensor([math.cos(math.pi * (at + 0.5) * order / 3) for at in range(3)])
        prior[o] = wave[:, None] if o < half else wave
    return prior


class OREPA(Squeezed, Block):
    """The ResNet form: six terms. Keys `weight_orepa_*`, `vector`, `id_tensor`, `bn`."""

    def __init__(self, shape: ConvShape, position: int = 1, *, se: bool = False) -> None:
        super().__init__(shape, position, se=se)
        self.add_terms(shape, "weight_orepa_", tuple(STARTS))

    def linear_part(self, x: Tensor) -> Tensor:
        """One convolution, one BN."""
        return self.squeezed(x)

    def undecayed(self) -> set[str]:
        """The terms' scales."""
        return {"vector"}


class SqueezedDense(Squeezed):
    """Five terms in place of RepVGG's 3x3: the 1x1 is a branch of its own there."""

    def __init__(self, shape: ConvShape) -> None:
        super().__init__()
        self.add_terms(shape, "weight_rbr_", tuple(term for term in STARTS if term != "1x1"))

    def forward(self, x: Tensor) -> Tensor:
        """One convolution, one BN."""
        return self.squeezed(x)


class OREPARepVGG(RepVGG):
    """The RepVGG form: a squeezed 3x3 beside 1x1 and identity, each behind its own BN. No groups."""

    grouped = False

    def __init__(self, shape: ConvShape, position: int = 1, *, se: bool = False) -> None:
        super().__init__(shape, position, se=se)
        self.rbr_dense = SqueezedDense(shape)

    def undecayed(self) -> set[str]:
        """The terms' scales."""
        return {"rbr_dense.vector"}
