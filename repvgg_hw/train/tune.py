"""Quantization-aware training: the integers of a fused network, taught by the float network."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from repvgg_hw import golden
from repvgg_hw.errors import CheckFailed, InputError
from repvgg_hw.network import FusedNetwork, IntegerNetwork
from repvgg_hw.quantize.forward import float_outputs, integer_outputs
from repvgg_hw.train.augment import augmented
from repvgg_hw.train.data import Data, epoch_batches
from repvgg_hw.train.integers import TunedConv, TunedNetwork
from repvgg_hw.train.loop import step_generator
from repvgg_hw.train.recipe import Recipe

# Rates of Adam for a recipe's rate of 1, in the units of each kind.
WEIGHT_RATE = 0.1  # integers
BIAS_RATE = 0.01  # steps of the layer's output; of the linear layer, logits
SCALE_RATE = 0.005  # natural logarithm of a multiplier or of the logits' scale
TEMPERATURE = 2.0  # that softens the float network's classes
SPREAD = 0.6  # of the step that rounds to the beginning, over which weights are spread at first
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

    recipe  its epochs, batch, rate (of Adam, in units of the constants above), warmup, augment and seed
    Raises InputError where images do not fit, CheckFailed where the loss is no number any more.
    """
    if (data.channels, *data.size) != network.in_shape:
        raise InputError(f"images are {(data.channels, *data.size)}, the network takes {network.in_shape}")
    per_epoch = len(data) // recipe.batch
    if not per_epoch:
        raise InputError(f"{len(data)} images do not fill one batch of {recipe.batch}")
    model = TunedNetwork(network)
    spread_weights(model, recipe.seed)
    optimizer, rates = _optimizer(model)
    loss_sum = 0.0
    with ThreadPoolExecutor(workers) as pool:
        for epoch in range(recipe.epochs):
            for number, indices in enumerate(epoch_batches(len(data), recipe.batch, recipe.seed, epoch)):
                step = epoch * per_epoch + number
                rate = recipe.rate_at(step, per_epoch)
                for group, factor in zip(optimizer.param_groups, rates, strict=True):
                    group["lr"] = rate * factor
                x = data.batch(indices, pool).float() / 255
                x = augmented(x, recipe.augment, step_generator(recipe.seed, step, 0))
                pixels = np.rint(x.permute(0, 2, 3, 1).numpy() * 255).astype(np.uint8)
                wanted = torch.from_numpy(float_outputs(fused, pixels, network.mean, network.std))
                loss = distance(model(as_input(pixels, network)), wanted)
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]  # torch gives it no types
                optimizer.step()
                for layer in model.layers():
                    layer.confine()
                value = float(loss.detach())
                if not np.isfinite(value):
                    raise CheckFailed(f"the loss is {value} after {step} steps: give a smaller --rate")
                loss_sum = value if step == 0 else 0.95 * loss_sum + 0.05 * value
                done = (step + 1) / (recipe.epochs * per_epoch)
                report(done, f"epoch {epoch + 1} of {recipe.epochs}, loss {loss_sum:.4f}")
    return _better(network, model.integers(), fused, data)


@torch.no_grad()
def spread_weights(model: TunedNetwork, seed: int) -> None:
    """Move weights off their integers, not beyond rounding: else all would cross to the next one at once."""
    generator = torch.Generator().manual_seed(seed)
    for layer in model.layers():
        layer.weight.add_(SPREAD * (torch.rand(layer.weight.shape, generator=generator) - 0.5))
        layer.confine()


def distance(got: Tensor, wanted: Tensor) -> Tensor:
    """How far outputs are from the float network's: of logits the Kullback-Leibler divergence of softened
    classes, of maps the squared error relative to the map's own size."""
    if got.ndim > 2:
        return (got - wanted).square().mean() / wanted.square().mean().clamp_min(1e-30)
    ours, theirs = (F.log_softmax(values / TEMPERATURE, 1) for values in (got, wanted))
    return F.kl_div(ours, theirs, reduction="batchmean", log_target=True) * TEMPERATURE**2


def as_input(pixels: NDArray[np.uint8], network: IntegerNetwork) -> Tensor:
    """golden.quantize_input in float32, which holds its integers exactly."""
    return torch.from_numpy(golden.quantize_input(pixels, network).astype(np.float32))


def _optimizer(model: TunedNetwork) -> tuple[torch.optim.Adam, list[float]]:
    """Adam over three groups, and the factor of each one's rate."""
    layers = model.layers()
    scales = [x.log_factor if isinstance(x, TunedConv) else x.log_scale for x in layers]
    groups = [[layer.weight for layer in layers], [layer.bias for layer in layers], scales]
    optimizer = torch.optim.Adam([{"params": group} for group in groups], betas=(0.9, 0.99), fused=True)
    return optimizer, [WEIGHT_RATE, BIAS_RATE, SCALE_RATE]


def _better(start: IntegerNetwork, result: IntegerNetwork, fused: FusedNetwork, data: Data) -> Tuned:
    """Of both networks the one that is nearer to the float network, on unvaried images."""
    indices = np.arange(0, len(data), max(1, len(data) // CHECKED_IMAGES))
    pixels = data.batch(indices).permute(0, 2, 3, 1).contiguous().numpy()
    wanted = torch.from_numpy(float_outputs(fused, pixels, start.mean, start.std))
    before, after = (
        float(distance(torch.from_numpy(integer_outputs(network, pixels)), wanted))
        for network in (start, result)
    )
    kept = not after < before
    quantization = {**start.provenance.get("quantization", {}), "fine_tuned": not kept}
    chosen = replace(start if kept else result, provenance={**start.provenance, "quantization": quantization})
    return Tuned(chosen, before, after, kept)
