"""The proof of a fusion: the trained and the fused network on the same random input, in float64."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from repvgg_hw.errors import CheckFailed
from repvgg_hw.fuse.forward import forward
from repvgg_hw.fuse.graph import Node
from repvgg_hw.network import FusedConv, FusedLinear, FusedNetwork

_TINY = 1e-300
LIMIT = 1e-6  # relative; float64 leaves about 1e-14, a wrong formula far more
_SMALLEST_LAST_MAP = 3  # so that every layer has a pixel that is not at the border


@dataclass(frozen=True)
class LayerDifference:
    """max |trained - fused| of one layer before ReLU, over inner and border pixels, and max |trained|."""

    name: str
    inside: float
    border: float
    magnitude: float

    @property
    def relative(self) -> float:
        """The larger difference over the largest trained value."""
        return max(self.inside, self.border) / max(self.magnitude, _TINY)


@dataclass(frozen=True)
class Proof:
    """The comparison of a whole network."""

    layers: tuple[LayerDifference, ...]
    output: float  # max |difference| of the logits or last maps, each network run on its own activations
    output_relative: float
    input_size: tuple[int, int]

    @property
    def inside(self) -> float:
        """Largest difference at inner pixels."""
        return max(layer.inside for layer in self.layers)

    @property
    def border(self) -> float:
        """Largest difference at border pixels, where zero padding is seen."""
        return max(layer.border for layer in self.layers)

    @property
    def worst(self) -> LayerDifference:
        """The layer with the largest relative difference."""
        return max(self.layers, key=lambda layer: layer.relative)

    @property
    def relative(self) -> float:
        """Largest relative difference over layers and output."""
        return max(self.worst.relative, self.output_relative)

    def require(self, limit: float = LIMIT) -> None:
        """Raise CheckFailed, naming the worst layer, unless every relative difference is at most limit."""
        if self.relative <= limit:
            return
        layer = self.worst
        where = "at the border only" if layer.inside <= limit * layer.magnitude else "inside the map"
        raise CheckFailed(
            f"fused and trained network differ by {self.relative:.2e} relative (limit {limit:.0e}), "
            f"worst in {layer.name} {where}: inside {layer.inside:.2e}, border {layer.border:.2e}"
        )


def prove(
    trained: Sequence[Node], fused: FusedNetwork, *, size: int | None = None, batch: int = 1, seed: int = 0
) -> Proof:
    """Compare trained (one graph per layer) and fused on standard normal input (batch, C, size, size).

    Layer by layer on the trained activations, and end to end on the output. Without size, the smallest at
    which every map has inner pixels. ReLU follows every layer; squeeze-and-excitation is left out of both.
    """
    size = size or proof_size([conv.stride for conv in fused.convs])
    first = fused.convs[0].shape
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(batch, first.c_in, size, size, generator=generator, dtype=torch.float64)
    y, layers = x, []
    with torch.inference_mode():
        for graph, conv in zip(trained, fused.convs, strict=True):
            expected = forward(graph, x)
            layers.append(_compare(conv.name, expected, fused_conv(conv, x)))
            x, y = torch.relu(expected), torch.relu(fused_conv(conv, y))
        output, fused_output = (head(fused.linear, z) for z in (x, y))
    difference = _max_abs(output - fused_output)
    return Proof(tuple(layers), difference, difference / max(_max_abs(output), _TINY), (size, size))


def fused_conv(conv: FusedConv, x: Tensor) -> Tensor:
    """A fused layer without its ReLU, in float64: (N, C_in, H, W) -> (N, C_out, H', W')."""
    weight, bias = torch.from_numpy(conv.weight), torch.from_numpy(conv.bias)
    return F.conv2d(x, weight, bias, conv.stride, 1, groups=conv.groups)


def head(linear: FusedLinear | None, x: Tensor) -> Tensor:
    """From the last map (N, C, H, W) to the output in float64: logits (N, classes), or the map itself."""
    if linear is None:
        return x
    return F.linear(x.mean((2, 3)), torch.from_numpy(linear.weight), torch.from_numpy(linear.bias))


def proof_size(strides: Sequence[int]) -> int:
    """The smallest input whose last map still has an inner pixel."""
    size = _SMALLEST_LAST_MAP
    for stride in reversed(strides):
        size = (size - 1) * stride + 1
    return size


def _compare(name: str, expected: Tensor, got: Tensor) -> LayerDifference:
    if expected.shape != got.shape:
        raise CheckFailed(f"{name}: trained block gives {tuple(expected.shape)}, fused {tuple(got.shape)}")
    difference = (expected - got).abs()
    inside = difference[..., 1:-1, 1:-1]
    border = difference.clone()
    border[..., 1:-1, 1:-1] = 0
    return LayerDifference(name, _max_abs(inside), _max_abs(border), _max_abs(expected))


def _max_abs(x: Tensor) -> float:
    return float(x.abs().max()) if x.numel() else 0.0
