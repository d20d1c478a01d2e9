"""AdaRound over the whole network: all layers' rounding learnt together, from the float network's output.

Layer by layer, rounding cannot know which of its errors the rest of the chain enlarges or cancels. Here
the integer network itself is differentiated, rounding and clamping included (straight-through estimator,
Bengio et al., arXiv 1308.3432), and each weight may move by one integer from where layer-wise rounding left
it; biases move with them. Images are calibration images, mirrored and shifted; labels are not used.
The draws are seeded and the images come in canonical order: the result does not depend on theirs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from repvgg_hw import golden
from repvgg_hw.network import FusedNetwork, IntegerConv, IntegerNetwork
from repvgg_hw.quantize import forward, grid

CHECKED_IMAGES = 256  # on which start and result are compared, in integers
SPREAD = 0.6  # of the step that rounds to the start, over which weights are spread at first
SHIFT = 16  # images move by up to 1 / SHIFT of their size

Step = Callable[[int, int], None]  # steps done, steps in all


@dataclass(frozen=True)
class JointSchedule:
    """How long and how hard to learn; rates of Adam, falling to 0 along a cosine."""

    steps: int = 1200
    images: int = 16  # per step
    rate: float = 1e-2  # of weights, in integers
    bias_rate: float = 1e-3  # of biases, in steps of the layer's output


class _Round(torch.autograd.Function):
    """Ties go up, as in golden.requantize_relu; the gradient passes unchanged."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
        return torch.floor(x + 0.5)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> torch.Tensor:
        return gradients[0]


class _Layer:
    """A convolution whose integers are learnt: real numbers that are rounded where they are used."""

    def __init__(self, layer: IntegerConv, generator: torch.Generator) -> None:
        self.layer = layer
        self.start = torch.from_numpy(layer.weight.astype(np.float32))
        # Else all weights would cross to the next integer at once, and with all of the step some by chance.
        spread = torch.rand(self.start.shape, generator=generator) - 0.5
        self.weight = (self.start + SPREAD * spread).requires_grad_()
        self.factor = torch.from_numpy(layer.multiplier / 2.0**layer.shift)
        self.bias = (torch.from_numpy(layer.bias) * self.factor).float().requires_grad_()

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        layer = self.layer
        weight = _round(self.weight) * self.factor.float()[:, None, None, None]
        y = F.conv2d(x, weight, self.bias, layer.stride, 1, 1, layer.groups)
        return _round(y).clamp(0, grid.activation_limit(layer.out_bits))

    @torch.no_grad()
    def confine(self) -> None:
        limit = grid.weight_limit(self.layer.weight_bits)
        self.weight.clamp_(self.start - 1, self.start + 1).clamp_(-limit, limit)

    @torch.no_grad()
    def integers(self) -> IntegerConv:
        """Biases that did not move stay as they are, beyond the precision of float32, too."""
        old = torch.from_numpy(self.layer.bias)
        moved = self.bias.double() - (old * self.factor).float().double()
        bias = old.double() + torch.round(moved / self.factor)
        return replace(
            self.layer,
            weight=_round(self.weight).to(torch.int8).numpy(),
            bias=bias.clamp(-grid.MAX_BIAS, grid.MAX_BIAS).to(torch.int32).numpy(),
        )


def learn(
    network: IntegerNetwork,
    fused: FusedNetwork,
    pixels: NDArray[np.uint8],
    *,
    schedule: JointSchedule | None = None,
    step: Step | None = None,
) -> IntegerNetwork:
    """network with weights and biases of its convolutions learnt on pixels (N, H, W, C) uint8.

    fused is the float network whose output is wanted: logits, or last maps without a linear layer. Scales,
    shifts and the linear layer stay. Returns network itself where the result is no better on the pixels.
    """
    schedule = schedule or JointSchedule()
    generator = torch.Generator().manual_seed(0)
    layers = [_Layer(conv, generator) for conv in network.convs]
    optimiser = torch.optim.Adam(
        [{"params": [layer.weight for layer in layers]}, {"params": [layer.bias for layer in layers]}],
        betas=(0.9, 0.99),
    )
    head = _head(network)
    rng = np.random.default_rng(0)
    order = np.empty(0, dtype=np.int64)
    for done in range(schedule.steps):
        falling = 0.5 * (1 + np.cos(np.pi * done / schedule.steps))
        for parameters, rate in zip(optimiser.param_groups, (schedule.rate, schedule.bias_rate), strict=True):
            parameters["lr"] = rate * falling
        if len(order) < schedule.images:
            order = rng.permutation(len(pixels))
        chosen, order = order[: schedule.images], order[schedule.images :]
        images = _moved(pixels[chosen], rng)
        wanted = torch.from_numpy(forward.float_outputs(fused, images, network.mean, network.std)).float()
        x = torch.from_numpy(golden.quantize_input(images, network).astype(np.float32))
        for layer in layers:
            x = layer(x)
        error = (head(x) - wanted).square().flatten(1).mean(dim=1)
        # Relative to itself, so that one image with clipped activations does not outweigh the others.
        size = error.detach()
        loss = (error / (size + size.median()).clamp_min(1e-30)).mean()
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch gives it no types
        optimiser.step()
        for layer in layers:
            layer.confine()
        if step:
            step(done + 1, schedule.steps)
    learnt = replace(network, convs=tuple(layer.integers() for layer in layers))
    return learnt if _error(learnt, fused, pixels) < _error(network, fused, pixels) else network


def _head(network: IntegerNetwork) -> Callable[[torch.Tensor], torch.Tensor]:
    """From the last map (N, C, H, W), in its own steps, to the network's output in real units."""
    scale, layer = network.output_scale, network.linear
    if layer is None:
        return lambda x: x * scale
    weight = torch.from_numpy(layer.weight * scale).float()
    bias = torch.from_numpy(layer.bias * scale).float()
    return lambda x: x.sum(dim=(2, 3)) @ weight.T + bias


def _round(x: torch.Tensor) -> torch.Tensor:
    y: torch.Tensor = _Round.apply(x)  # type: ignore[no-untyped-call]  # torch gives it no types
    return y


def _moved(images: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Images (N, H, W, C) mirrored or not, and shifted by some pixels, all alike; edges are reflected."""
    if rng.random() < 0.5:
        images = images[:, :, ::-1]
    h, w = images.shape[1:3]
    down, right = h // SHIFT, w // SHIFT
    y, x = rng.integers(0, 2 * down + 1), rng.integers(0, 2 * right + 1)
    padded = np.pad(images, ((0, 0), (down, down), (right, right), (0, 0)), mode="reflect")
    return np.ascontiguousarray(padded[:, y : y + h, x : x + w])


def _error(network: IntegerNetwork, fused: FusedNetwork, pixels: NDArray[np.uint8]) -> float:
    """The median over images of the output's mean squared error, in integer arithmetic."""
    checked = pixels[:: max(1, len(pixels) // CHECKED_IMAGES)]
    wanted = forward.float_outputs(fused, checked, network.mean, network.std)
    got = forward.integer_outputs(network, checked)
    return float(np.median(((got - wanted) ** 2).reshape(len(checked), -1).mean(axis=1)))
