"""A fused integer network whose integers are trained: what its forward pass computes is golden, bit for bit.

Real numbers stand behind the integers and are rounded where they are used; a gradient passes the rounding
unchanged (straight-through estimator, Bengio et al., arXiv 1308.3432). Of each convolution its weights,
biases and requantization multipliers are trained, of the linear layer its weights, biases and scale: that is
everything that the hardware holds but shifts and the input's scale. Activation ranges are among them, since a
layer's range is what its multipliers make of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from repvgg_hw.network import MULTIPLIER_BITS, IntegerConv, IntegerLinear, IntegerNetwork
from repvgg_hw.quantize import grid

EXACT_FLOAT32 = 1 << 24
LARGEST_MULTIPLIER = (1 << MULTIPLIER_BITS) - 1


class _Round(torch.autograd.Function):
    """To the nearest integer; the gradient passes unchanged."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return torch.round(x)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return gradients[0]


class _Requantize(torch.autograd.Function):
    """golden.requantize_relu of sums with their bias, exactly; its gradient is that of factor * sum + bias.

    sums (N, C, H, W), whole numbers; bias, factor (C,) in steps of the output and real; multiplier and
    integer_bias (C,) are their integers. Where the output is clamped, no gradient passes.
    """

    @staticmethod
    def forward(
        ctx: Any,
        sums: Tensor,
        bias: Tensor,
        factor: Tensor,
        integers: tuple[Tensor, Tensor],
        shift: int,
        limit: int,
    ) -> Tensor:
        multiplier, integer_bias = (value[:, None, None] for value in integers)
        # All exact in float64: a sum has 32 bits, a multiplier 17, and 2**shift is a power of two, so both
        # terms and their sum are multiples of 2**-shift with fewer than 53 bits.
        added = (integer_bias * multiplier + 2.0 ** (shift - 1)) / 2.0**shift
        exact = torch.addcmul(added, sums.double(), multiplier / 2.0**shift).floor_().clamp_(0, limit)
        output = exact.to(bias.dtype)
        ctx.save_for_backward(sums, factor, output)
        ctx.limit = limit
        return output

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        sums, factor, output = ctx.saved_tensors
        passed = torch.ops.aten.hardtanh_backward(gradients[0], output, 0.0, float(ctx.limit))
        per_channel = (0, 2, 3)
        return (
            passed * factor[:, None, None].to(passed.dtype),
            passed.sum(per_channel),
            (passed * sums).sum(per_channel).to(factor.dtype),
            *(None, None, None),
        )


class TunedConv(nn.Module):
    """One convolution + requantization + ReLU. Parameters in its own units:

    weight  in integers; bias in steps of the output; log_factor: of multiplier / 2**shift
    """

    def __init__(self, layer: IntegerConv) -> None:
        super().__init__()
        if int(layer.multiplier.max()) > LARGEST_MULTIPLIER // 2 and layer.shift > 1:  # room to grow
            halved = np.maximum((layer.multiplier + 1) // 2, 1).astype(np.int32)
            layer = replace(layer, multiplier=halved, shift=layer.shift - 1)
        self.layer = layer
        factor = torch.from_numpy(layer.multiplier / 2.0**layer.shift)
        self.weight = nn.Parameter(torch.from_numpy(layer.weight.astype(np.float32)))
        self.bias = nn.Parameter((torch.from_numpy(layer.bias).double() * factor).float())
        self.log_factor = nn.Parameter(factor.clamp_min(2.0**-layer.shift).log())

    def constants(self) -> tuple[Tensor, Tensor]:
        """multiplier and bias as integers in float64, (C_out,)."""
        with torch.no_grad():
            step = 2.0**self.layer.shift
            multiplier = torch.round(self.log_factor.exp() * step).clamp(1, LARGEST_MULTIPLIER)
            bias = torch.round(self.bias.double() * step / multiplier).clamp(-grid.MAX_BIAS, grid.MAX_BIAS)
            return multiplier, bias

    def forward(self, x: Tensor) -> Tensor:
        """Whole numbers (N, C_in, H, W) -> whole numbers (N, C_out, H', W'), as golden.conv_layer."""
        layer = self.layer
        weight = _round(self.weight)
        sums = F.conv2d(x, weight, None, layer.stride, 1, 1, layer.groups)
        if self._largest_sum(weight) >= EXACT_FLOAT32:
            with torch.no_grad():  # the value of the exact sum, the gradient of the other
                exact = F.conv2d(x.double(), weight.double(), None, layer.stride, 1, 1, layer.groups)
            sums = _Replaced.apply(sums, exact)  # type: ignore[no-untyped-call]  # torch gives it no types
        y: Tensor = _Requantize.apply(  # type: ignore[no-untyped-call]
            sums,
            self.bias,
            self.log_factor.exp(),
            self.constants(),
            layer.shift,
            grid.activation_limit(layer.out_bits),
        )
        return y

    def _largest_sum(self, weight: Tensor) -> float:
        """No partial sum of products exceeds it in magnitude."""
        anyhow = weight[0].numel() * grid.weight_limit(self.layer.weight_bits) * (1 << self.layer.in_bits)
        if anyhow < EXACT_FLOAT32:  # whatever the weights are: nothing to count
            return float(anyhow)
        rows = weight.detach().flatten(1)
        signs = (rows.abs(),) if self.layer.in_signed else (rows.clamp(min=0), -rows.clamp(max=0))
        return max(float(part.sum(1).max()) for part in signs) * (1 << self.layer.in_bits)

    @torch.no_grad()
    def confine(self) -> None:
        """Keep weights within their bits."""
        limit = grid.weight_limit(self.layer.weight_bits)
        self.weight.clamp_(-limit, limit)

    def integers(self) -> IntegerConv:
        """The layer as the hardware holds it."""
        multiplier, bias = (value.numpy().astype(np.int32) for value in self.constants())
        weight = torch.round(self.weight.detach()).numpy().astype(np.int8)
        return replace(self.layer, weight=weight, bias=bias, multiplier=multiplier)


class TunedLinear(nn.Module):
    """The linear layer over pooled sums. weight in integers, bias in logits, log_scale of a logit's step."""

    def __init__(self, layer: IntegerLinear, scale: float) -> None:
        super().__init__()
        self.layer = layer
        self.weight = nn.Parameter(torch.from_numpy(layer.weight.astype(np.float32)))
        self.bias = nn.Parameter((torch.from_numpy(layer.bias).double() * scale).float())
        self.log_scale = nn.Parameter(torch.tensor(scale, dtype=torch.float64).log())

    @property
    def scale(self) -> float:
        """The value of one integer of a logit."""
        return float(self.log_scale.detach().exp())

    def forward(self, x: Tensor) -> Tensor:
        """The last map in whole numbers (N, C, H, W) -> logits (N, classes) float64, integers times scale."""
        bias = self.bias.double()
        integer_bias = torch.round(bias.detach() / self.scale) - (bias / self.scale).detach()
        sums = x.double().sum((2, 3)) @ _round(self.weight).double().T
        return (sums + bias / self.scale + integer_bias) * self.log_scale.exp()

    @torch.no_grad()
    def confine(self) -> None:
        """Keep weights within their bits."""
        limit = grid.weight_limit(self.layer.weight_bits)
        self.weight.clamp_(-limit, limit)

    def integers(self) -> IntegerLinear:
        """The layer as the hardware holds it."""
        bias = torch.round(self.bias.detach().double() / self.scale)
        bounded = bias.clamp(-grid.MAX_LOGIT, grid.MAX_LOGIT)
        weight = torch.round(self.weight.detach()).numpy().astype(np.int8)
        return replace(self.layer, weight=weight, bias=bounded.numpy().astype(np.int32))


class TunedNetwork(nn.Module):
    """The whole network: from the quantized input to logits, or without a linear layer to the last map."""

    def __init__(self, network: IntegerNetwork) -> None:
        super().__init__()
        self.start = network
        self.convs = nn.ModuleList(TunedConv(conv) for conv in network.convs)
        linear = network.linear
        self.linear = None if linear is None else TunedLinear(linear, network.output_scale)

    def forward(self, x: Tensor) -> Tensor:
        """Whole numbers (N, C, H, W) float32 -> what golden.forward gives, times output_scale."""
        return self.with_maps(x, ())[0]

    def with_maps(self, x: Tensor, wanted: Sequence[int]) -> tuple[Tensor, list[Tensor]]:
        """(the output, the maps of the convolutions with these indices, in whole numbers)."""
        maps = []
        for index, conv in enumerate(self.convs):
            x = conv(x)
            if index in wanted:
                maps.append(x)
        output = x.double() * self.start.output_scale if self.linear is None else self.linear(x)
        return output, maps

    def layers(self) -> list[TunedConv | TunedLinear]:
        """All layers with weights."""
        convs = [conv for conv in self.convs if isinstance(conv, TunedConv)]
        return [*convs, *([self.linear] if self.linear is not None else [])]

    def integers(self) -> IntegerNetwork:
        """The network as the hardware holds it."""
        convs = tuple(conv.integers() for conv in self.convs if isinstance(conv, TunedConv))
        if self.linear is None:
            return replace(self.start, convs=convs)
        linear = self.linear
        return replace(self.start, convs=convs, linear=linear.integers(), output_scale=linear.scale)


class _Replaced(torch.autograd.Function):
    """Another value, the first one's gradient."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, value: Tensor) -> Tensor:
        ctx.dtype = x.dtype
        return value

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return gradients[0].to(ctx.dtype), None


def _round(x: Tensor) -> Tensor:
    y: Tensor = _Round.apply(x)  # type: ignore[no-untyped-call]  # torch gives it no types
    return y
