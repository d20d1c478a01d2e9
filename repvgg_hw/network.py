"""The frozen values that the stages of the pipeline exchange.

    Architecture -> FusedNetwork (float64) -> IntegerNetwork (int8) -> plan, emit, simulate

No torch here: everything after quantization reads only these classes.
Array axes: images and maps (N, C, H, W), convolution weights (C_out, C_in / groups, 3, 3).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

MULTIPLIER_BITS = 17  # requantization constant, unsigned: one 18-bit signed multiplier port
MAX_SHIFT = 40  # of the requantization, from 1
BIAS_BITS = 32
LOGIT_BITS = 32


def out_size(size: int, stride: int) -> int:
    """Height or width of a 3x3, padding 1 convolution's output map."""
    return (size - 1) // stride + 1


@dataclass(frozen=True)
class ConvShape:
    """One 3x3 convolution, padding 1, followed by ReLU: its name and everything but numbers."""

    name: str
    c_in: int
    c_out: int
    stride: int = 1
    groups: int = 1

    @property
    def parameters(self) -> int:
        """Weights and biases of the fused layer."""
        return self.c_out * (self.c_in // self.groups) * 9 + self.c_out

    def macs(self, out_height: int, out_width: int) -> int:
        """Multiply-accumulates of one frame, counting taps that fall on the padding."""
        return out_height * out_width * self.c_out * (self.c_in // self.groups) * 9


@dataclass(frozen=True)
class Architecture:
    """A RepVGG: the shapes of its chain of 3x3 layers and of its linear layer, if it has one.

    widths   output channels of stage0 (the stem) and of stages 1..n
    depths   blocks per stage; depths[0] is 1
    strides  stride of the first block of each stage; every other block has stride 1
    groups   groups by global layer index (stage0 is 0); 1 where absent
    num_classes  0 where there is no linear layer: the network's output is the last layer's map
    se       None, or where squeeze-and-excitation sits ("D2se": before ReLU)
    """

    name: str
    widths: tuple[int, ...]
    depths: tuple[int, ...]
    strides: tuple[int, ...]
    groups: dict[int, int] = field(default_factory=dict)
    num_classes: int = 1000
    in_channels: int = 3
    se: str | None = None

    def convs(self) -> Iterator[ConvShape]:
        """The 3x3 layers in order, named as in the official checkpoints: stage0, stage1.0, ..."""
        c_in, index = self.in_channels, 0
        for stage, (width, depth, stride) in enumerate(
            zip(self.widths, self.depths, self.strides, strict=True)
        ):
            for block in range(depth):
                yield ConvShape(
                    name="stage0" if stage == 0 else f"stage{stage}.{block}",
                    c_in=c_in,
                    c_out=width,
                    stride=stride if block == 0 else 1,
                    groups=self.groups.get(index, 1),
                )
                c_in, index = width, index + 1

    def parameters(self) -> int:
        """Parameters of the fused network, without squeeze-and-excitation."""
        features = self.widths[-1]
        return sum(c.parameters for c in self.convs()) + (features + 1) * self.num_classes

    def macs(self, height: int, width: int) -> int:
        """Multiply-accumulates of one frame in fused form, linear layer included."""
        total = 0
        for conv in self.convs():
            height, width = out_size(height, conv.stride), out_size(width, conv.stride)
            total += conv.macs(height, width)
        return total + self.widths[-1] * self.num_classes


@dataclass(frozen=True)
class FusedConv:
    """A fused block: one 3x3 convolution with bias, padding 1, then ReLU."""

    name: str
    weight: NDArray[np.float64]  # (C_out, C_in / groups, 3, 3)
    bias: NDArray[np.float64]  # (C_out,)
    stride: int
    groups: int

    @property
    def shape(self) -> ConvShape:
        """The layer without its numbers."""
        c_out, c_in_g = self.weight.shape[:2]
        return ConvShape(self.name, c_in_g * self.groups, c_out, self.stride, self.groups)


@dataclass(frozen=True)
class FusedLinear:
    """The linear layer behind the global average pooling, in float64."""

    weight: NDArray[np.float64]  # (classes, C)
    bias: NDArray[np.float64]  # (classes,)


@dataclass(frozen=True)
class FusedNetwork:
    """A chain of fused 3x3 convolutions, then global average pooling and one linear layer, in float64.

    Without a linear layer it is a backbone: its output is the last convolution's map, after ReLU.
    """

    name: str
    convs: tuple[FusedConv, ...]
    linear: FusedLinear | None
    provenance: dict[str, Any] = field(default_factory=dict)  # where it came from; never read by the pipeline


@dataclass(frozen=True)
class IntegerConv:
    """A quantized 3x3 convolution + requantize + ReLU (design, section 2)."""

    name: str
    weight: NDArray[np.int8]  # (C_out, C_in / groups, 3, 3), symmetric
    bias: NDArray[np.int32]  # (C_out,), at scale s_in * s_w[o]
    multiplier: NDArray[np.int32]  # (C_out,), unsigned, below 2**MULTIPLIER_BITS
    shift: int  # >= 1
    stride: int
    groups: int
    weight_bits: int = 8
    in_bits: int = 8
    in_signed: bool = False  # only the network's input is signed
    out_bits: int = 8

    @property
    def shape(self) -> ConvShape:
        """The layer without its numbers."""
        c_out, c_in_g = self.weight.shape[:2]
        return ConvShape(self.name, c_in_g * self.groups, c_out, self.stride, self.groups)

    @property
    def accumulator_bound(self) -> int:
        """max over o of sum |w| * max |x| + |b|: no partial sum can exceed it in magnitude."""
        max_x = 1 << (self.in_bits - 1) if self.in_signed else (1 << self.in_bits) - 1
        weights = np.abs(self.weight.astype(np.int64)).reshape(self.weight.shape[0], -1).sum(axis=1)
        return int((weights * max_x + np.abs(self.bias.astype(np.int64))).max())


@dataclass(frozen=True)
class IntegerLinear:
    """The quantized linear layer over the exact sums of global pooling; int32 logits."""

    weight: NDArray[np.int8]  # (classes, C), one scale for the tensor
    bias: NDArray[np.int32]  # (classes,)
    weight_bits: int = 8


@dataclass(frozen=True)
class IntegerNetwork:
    """The network in integers: everything that golden, RTL and HLS compute is in here.

    The input is int8 with zero point 0: round-half-even((pixel / 255 - mean) / std / input_scale).
    The output is the logits, or without a linear layer the last convolution's map; output_scale times an
    integer of it is the value in the float network's unit.
    """

    name: str
    in_shape: tuple[int, int, int]  # (C, H, W)
    input_scale: float
    mean: tuple[float, ...]
    std: tuple[float, ...]
    convs: tuple[IntegerConv, ...]
    linear: IntegerLinear | None
    output_scale: float
    provenance: dict[str, Any] = field(default_factory=dict)

    @property
    def num_classes(self) -> int:
        """Number of logits; 0 without a linear layer."""
        return 0 if self.linear is None else int(self.linear.weight.shape[0])

    def map_shapes(self) -> Iterator[tuple[IntegerConv, tuple[int, int], tuple[int, int]]]:
        """Each convolution with its input (H, W) and output (H, W)."""
        _, h, w = self.in_shape
        for conv in self.convs:
            ho, wo = out_size(h, conv.stride), out_size(w, conv.stride)
            yield conv, (h, w), (ho, wo)
            h, w = ho, wo


def signed_bits(bound: int) -> int:
    """Width of the two's-complement number that holds every value of magnitude up to bound."""
    return int(bound).bit_length() + 1
