"""Quantization-aware training: the integers of a fused network, taught by the float network."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from repvgg_hw.errors import CheckFailed, InputError
from repvgg_hw.network import FusedNetwork, IntegerNetwork
from repvgg_hw.quantize.forward import float_outputs, integer_outputs
from repvgg_hw.training.augment import augmented, mixed
from repvgg_hw.training.data import Data, epoch_batches
from repvgg_hw.training.integers import TunedConv, TunedNetwork
from repvgg_hw.training.loop import step_generator
from repvgg_hw.training.recipe import Recipe
from repvgg_hw.training.teacher import Teacher, distance

# Rates of Adam for a recipe's rate of 1, in the units of each kind.
WEIGHT_RATE = 0.05  # integers
BIAS_RATE = 6.0  # steps of the layer's output
LOGIT_RATE = 0.005  # logits, of the linear layer's biases
SCALE_RATE = 0.1  # natural logarithm of a multiplier or of the logits' scale
SPREAD = 0.6  # of the step that rounds to the beginning, over which weights are spread at first
FIRST_IMAGES = 128  # on which the steps of maps are found
CHECKED_IMAGES = 256

Report = Callable[[float, str], None]


@dataclass(frozen=True)
class Tuned:
    """The integer network, and how far it and the one that it began with are from the float network.

    Losses are means over unvaried images, in integer arithmetic. kept: the beginning was no worse, and it is
    the network.
    """

    network: IntegerNetwork
    loss_before: float
    loss_after: float
    kept: bool


def tune(
    network: IntegerNetwork,
    fused: FusedNetwork,
    data: Data,
    recipe: Recipe,
    *,
    workers: int = 2,
    report: Report = lambda share, what: None,
) -> Tuned:
    """Fine-tune network until it answers as fused does, on images whose labels are not used.

    recipe  its epochs, batch, rate (of Adam, in units of the constants above), warmup, augment and seed;
            behind the warm-up the rate falls with the square of the steps that are left
    Raises InputError where images do not fit, CheckFailed where the loss is no number any more.
    """
    if (data.channels, *data.size) != network.in_shape:
        raise InputError(f"images are {(data.channels, *data.size)}, the network takes {network.in_shape}")
    per_epoch = len(data) // recipe.batch
    if not per_epoch:
        raise InputError(f"{len(data)} images do not fill one batch of {recipe.batch}")
    model = TunedNetwork(network)
    teacher = Teacher(fused, model, _pixels_of(data, FIRST_IMAGES))
    spread_weights(model, recipe.seed)
    optimizer, rates = _optimizer(model)
    loss_sum = 0.0
    with ThreadPoolExecutor(workers) as pool:
        for epoch in range(recipe.epochs):
            for number, indices in enumerate(epoch_batches(len(data), recipe.batch, recipe.seed, epoch)):
                step = epoch * per_epoch + number
                rate = recipe.rate_at(step, per_epoch, lambda way: (1 - way) ** 2)
                for group, factor in zip(optimizer.param_groups, rates, strict=True):
                    group["lr"] = rate * factor
                pixels = _varied(data.batch(indices, pool), recipe, step)
                loss, apart = teacher.loss(model, pixels)
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]  # torch gives it no types
                optimizer.step()
                for layer in model.layers():
                    layer.confine()
                value = float(apart)
                if not np.isfinite(value):
                    raise CheckFailed(f"the loss is {value} after {step} steps: give a smaller --rate")
                loss_sum = value if step == 0 else 0.95 * loss_sum + 0.05 * value
                done = (step + 1) / (recipe.epochs * per_epoch)
                report(done, f"epoch {epoch + 1} of {recipe.epochs}, loss {loss_sum:.4f}")
    return _better(network, model.integers(), fused, data)


def _varied(images: Tensor, recipe: Recipe, step: int) -> NDArray[np.uint8]:
    """Images (N, C, H, W) uint8 as this step takes them: (N, H, W, C)."""
    generator = step_generator(recipe.seed, step, 0)
    x = augmented(images.float() / 255, recipe.augment, generator)
    if recipe.augment != "none":
        x = mixed(x, 1.0, generator)
    pixels: NDArray[np.uint8] = (x * 255).round_().to(torch.uint8).permute(0, 2, 3, 1).contiguous().numpy()
    return pixels


@torch.no_grad()
def spread_weights(model: TunedNetwork, seed: int) -> None:
    """Move weights off their integers, not beyond rounding: else all would cross to the next one at once."""
    generator = torch.Generator().manual_seed(seed)
    for layer in model.layers():
        layer.weight.add_(SPREAD * (torch.rand(layer.weight.shape, generator=generator) - 0.5))
        layer.confine()


def _optimizer(model: TunedNetwork) -> tuple[torch.optim.Adam, list[float]]:
    """Adam over groups of one kind, and the factor of each one's rate."""
    convs = [conv for conv in model.convs if isinstance(conv, TunedConv)]
    linear = [] if model.linear is None else [model.linear]
    groups = [
        ([layer.weight for layer in (*convs, *linear)], WEIGHT_RATE),
        ([conv.bias for conv in convs], BIAS_RATE),
        ([conv.log_factor for conv in convs] + [layer.log_scale for layer in linear], SCALE_RATE),
        ([layer.bias for layer in linear], LOGIT_RATE),
    ]
    used = [(parameters, rate) for parameters, rate in groups if parameters]
    optimizer = torch.optim.Adam(
        [{"params": parameters} for parameters, _ in used], betas=(0.9, 0.99), fused=True
    )
    return optimizer, [rate for _, rate in used]


def _pixels_of(data: Data, count: int) -> NDArray[np.uint8]:
    """About so many images, from all over the data: (N, H, W, C)."""
    indices = np.arange(0, len(data), max(1, len(data) // count))
    pixels: NDArray[np.uint8] = data.batch(indices).permute(0, 2, 3, 1).contiguous().numpy()
    return pixels


def _better(start: IntegerNetwork, result: IntegerNetwork, fused: FusedNetwork, data: Data) -> Tuned:
    """Of both networks the one that is nearer to the float network, on unvaried images."""
    pixels = _pixels_of(data, CHECKED_IMAGES)
    wanted = torch.from_numpy(float_outputs(fused, pixels, start.mean, start.std))
    before, after = (
        float(distance(torch.from_numpy(integer_outputs(network, pixels)), wanted))
        for network in (start, result)
    )
    kept = not after < before
    earlier = start.provenance.get("quantization", {})
    quantization = {**earlier, "fine_tuned": earlier.get("fine_tuned", False) or not kept}
    chosen = replace(start if kept else result, provenance={**start.provenance, "quantization": quantization})
    return Tuned(chosen, before, after, kept)
