"""The passes of post-training quantization, in order: FusedNetwork + images -> IntegerNetwork."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from repvgg_hw.errors import InputError
from repvgg_hw.model.images import normalise
from repvgg_hw.network import (
    FusedConv,
    FusedLinear,
    FusedNetwork,
    IntegerConv,
    IntegerLinear,
    IntegerNetwork,
    out_size,
)
from repvgg_hw.quantize import balance, channels, clipping, joint, layers, weight_scales
from repvgg_hw.quantize import grid as g
from repvgg_hw.quantize.fit import Layer, fit
from repvgg_hw.quantize.moments import Taps
from repvgg_hw.quantize.ranges import RULES
from repvgg_hw.quantize.recipe import DEFAULT_METHOD, Recipe, recipe_named
from repvgg_hw.quantize.widths import LINEAR, Widths, layer_names

Float = NDArray[np.float64]
Progress = Callable[[int, int, str], None]  # steps done, steps in all, what was just done

INPUT_LIMIT = 127  # the input is int8; -128 is reached only by clipping


def quantize(
    fused: FusedNetwork,
    calibration_pixels: NDArray[np.uint8],
    *,
    mean: Sequence[float],
    std: Sequence[float],
    method: str | Recipe = DEFAULT_METHOD,
    widths: Widths | None = None,
    progress: Progress | None = None,
) -> IntegerNetwork:
    """Quantize a fused network on calibration images (N, H, W, C) uint8, as the design, section 2, says.

    The result depends on the set of images, not on their order. Layers are quantized from the input on,
    and each sees the integers that the layers before it really give.
    Raises InputError for an unknown method, no images, images that do not fit, weights that are not finite.
    """
    recipe = recipe_named(method) if isinstance(method, str) else method
    widths = widths or Widths()
    widths.check(fused)
    check_input(fused, calibration_pixels)
    pixels = calibration_pixels[canonical_order(calibration_pixels)]
    x = torch.from_numpy(normalise(pixels, mean, std).astype(np.float32))
    prepared = _prepare(fused, x, recipe, widths)
    input_scale = float(x.abs().max()) / INPUT_LIMIT or 1.0
    q = torch.clamp(torch.round(x.double() / input_scale), -128, 127).to(torch.int8)

    names = len(layer_names(fused))  # a search over the whole chain takes about as long as all layers
    report = _Report(progress, total=names * (1 + recipe.clip + recipe.joint))
    clips: list[float] | list[None] = [None] * len(prepared.convs)
    if recipe.clip:
        levels = [g.activation_limit(widths.activation(conv.name)) for conv in prepared.convs]
        clips = clipping.clips(prepared, x, levels, report.within("activation ranges, block", names))
        report.done("activation ranges", names)

    convs: list[IntegerConv] = []
    in_scale, in_bits = input_scale, 8
    for conv, clip in zip(prepared.convs, clips, strict=True):
        layer, x, in_scale = _quantize_conv(conv, x, q, in_scale, in_bits, clip, recipe, widths)
        q = layers.integer_conv(q, layer)
        in_bits = layer.out_bits
        convs.append(layer)
        report.done(conv.name)
    linear, output_scale = None, in_scale
    if prepared.linear is not None:
        bits = widths.weight(LINEAR)
        linear, output_scale = _quantize_linear(prepared.linear, x, q, in_scale, in_bits, recipe, bits)
        report.done(LINEAR)
    network = IntegerNetwork(
        name=fused.name,
        in_shape=(pixels.shape[3], pixels.shape[1], pixels.shape[2]),
        input_scale=input_scale,
        mean=tuple(map(float, mean)),
        std=tuple(map(float, std)),
        convs=tuple(convs),
        linear=linear,
        output_scale=output_scale,
        provenance={
            **fused.provenance,
            "quantization": {
                "method": method if isinstance(method, str) else "custom",
                "calibration_images": len(pixels),
                "calibration_sha256": _digest(pixels),
                "widths": widths.to_json(),
            },
        },
    )
    if not recipe.joint:
        return network
    network = joint.learn(network, fused, pixels, step=report.within("all layers, step", names))
    report.done("all layers", names)
    return network


def _digest(pixels: NDArray[np.uint8]) -> str:
    """SHA-256 of images as they were quantized on: their shape and their pixels, in canonical order."""
    return hashlib.sha256(repr(pixels.shape).encode() + np.ascontiguousarray(pixels).tobytes()).hexdigest()


class _Report:
    """Counts what is done for a progress bar."""

    def __init__(self, progress: Progress | None, total: int) -> None:
        self._progress, self._total, self._done = progress, total, 0

    def done(self, name: str, weight: int = 1) -> None:
        self._done += weight
        self._show(name)

    def within(self, name: str, weight: int) -> Callable[[int, int], None]:
        """Shows "name DONE of ALL" of a part of this weight that is under way."""
        return lambda done, steps: self._show(f"{name} {done} of {steps}", weight * done // steps)

    def _show(self, name: str, ahead: int = 0) -> None:
        if self._progress:
            self._progress(self._done + ahead, self._total, name)


def canonical_order(pixels: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Indices that sort images by the digest of their pixels, so that no sum depends on the given order."""
    digests = [hashlib.sha256(np.ascontiguousarray(p).tobytes()).digest() for p in pixels]
    return np.array(sorted(range(len(digests)), key=digests.__getitem__), dtype=np.int64)


def _prepare(network: FusedNetwork, x: torch.Tensor, recipe: Recipe, widths: Widths) -> FusedNetwork:
    """The passes over the whole chain: the same float network (on these images), easier to quantize."""
    if not (recipe.zero_dead or recipe.equalize):
        return network
    stats = channels.channel_stats(network, x)
    if recipe.zero_dead:
        network = channels.zero_dead_inputs(network, stats)
    if not recipe.equalize:
        return network
    names = layer_names(network)

    def ratio(i: int, weight: Float, before: channels.ChannelStats, groups: int) -> Float:
        if not recipe.balance:
            return channels.by_peaks(weight, before, groups=groups, alpha=recipe.alpha)
        return balance.least_noise(
            weight,
            before,
            groups=groups,
            weight_limit=g.weight_limit(widths.weight(names[i + 1])),
            levels=g.activation_limit(widths.activation(names[i])),
            one_scale=names[i + 1] == LINEAR,
        )

    return channels.equalize(network, stats, ratio)


def _quantize_conv(
    conv: FusedConv,
    x: torch.Tensor,
    q: torch.Tensor,
    in_scale: float,
    in_bits: int,
    clip: float | None,
    recipe: Recipe,
    widths: Widths,
) -> tuple[IntegerConv, torch.Tensor, float]:
    """The integer layer, the float layer's output (N, C_out, H', W') after ReLU, and its scale.

    x is the float layer's input, q the integers of step in_scale that stand for it; clip the value of the
    largest output, where it is chosen already.
    """
    bits, out_bits = widths.weight(conv.name), widths.activation(conv.name)
    output = layers.conv(x, conv.weight, conv.bias, conv)
    levels = g.activation_limit(out_bits)
    if clip is None:
        counts, top = layers.histogram(output)
        clip = RULES[recipe.ranges](counts, top, levels)
    # A layer that is never active has no range: any scale serves, and 1 divides safely.
    out_scale = clip / levels or 1.0
    wanted = weight_scales.RULES[recipe.weight_scales](conv.weight, _mean_square(conv, q, in_scale), bits)
    grid = g.fit_grid(wanted, conv.bias, in_scale, out_scale)

    error = output
    if recipe.needs_data:
        error = output - layers.conv(q, conv.weight * in_scale, conv.bias, conv)
    matrix = conv.weight.reshape(len(conv.weight), -1)
    c_in, c_out = q.shape[1] // conv.groups, len(matrix) // conv.groups
    parts = []
    for i in range(conv.groups):
        outs, ins = slice(i * c_out, (i + 1) * c_out), slice(i * c_in, (i + 1) * c_in)
        group = Layer(
            weight=matrix[outs],
            bias=conv.bias[outs],
            scale=grid.weight_scale[outs],
            bits=bits,
            taps=Taps(q[:, ins], in_scale, conv.stride),
            output=output[:, outs],
            error=error[:, outs],
            relu=True,
        )
        parts.append(fit(group, recipe))
    layer = g.integer_conv(
        conv,
        grid,
        np.concatenate([weight for weight, _ in parts]).reshape(conv.weight.shape),
        np.concatenate([bias for _, bias in parts]),
        weight_bits=bits,
        in_bits=in_bits,
        in_signed=q.dtype == torch.int8,
        out_bits=out_bits,
    )
    return layer, output.clamp_(0, clip), out_scale


def _mean_square(conv: FusedConv, q: torch.Tensor, scale: float) -> Float:
    """E[x^2] of the input channel behind each weight, (C_out, C_in / groups), x = q scale."""
    total = sum(part.float().square().double().sum(dim=(0, 2, 3)) for part in layers.batches(q, 64))
    mean = np.asarray(total) * scale**2 / (len(q) * q.shape[2] * q.shape[3])
    return np.repeat(mean.reshape(conv.groups, -1), len(conv.weight) // conv.groups, axis=0)


def _quantize_linear(
    linear: FusedLinear,
    x: torch.Tensor,
    q: torch.Tensor,
    in_scale: float,
    in_bits: int,
    recipe: Recipe,
    bits: int,
) -> tuple[IntegerLinear, float]:
    """The linear layer over pooled sums and the scale of its logits; 1 / (H * W) goes into that scale."""
    weight, bias = linear.weight, linear.bias
    area = q.shape[2] * q.shape[3]
    sum_scale, max_sum = in_scale / area, g.activation_limit(in_bits) * area
    scale = g.linear_scale(weight, bias, sum_scale, max_sum, bits)
    features, sums = x.mean(dim=(2, 3)), q.sum(dim=(2, 3), dtype=torch.int64)
    w, b = torch.from_numpy(weight).float(), torch.from_numpy(bias).float()
    output = features @ w.T + b
    layer = Layer(
        weight=weight,
        bias=bias,
        scale=np.full(len(weight), scale),
        bits=bits,
        taps=Taps(sums, sum_scale),
        output=output,
        error=output - (sums.float() * sum_scale @ w.T + b),
        relu=False,
    )
    integers, corrected = fit(layer, recipe)
    output_scale = scale * sum_scale
    return g.integer_linear(integers, corrected, output_scale, bits), output_scale


def check_input(fused: FusedNetwork, pixels: NDArray[np.uint8]) -> None:
    """Raise InputError for images that do not fit the network, and for weights that are not finite."""
    if pixels.ndim != 4 or pixels.dtype != np.uint8:
        raise InputError(f"calibration images must be (N, H, W, C) uint8, got {pixels.dtype} {pixels.shape}")
    if 0 in pixels.shape:
        raise InputError("quantization needs at least one calibration image")
    channels = fused.convs[0].shape.c_in
    if pixels.shape[3] != channels:
        raise InputError(f"calibration images have {pixels.shape[3]} channels, the network takes {channels}")
    h, w = pixels.shape[1:3]
    for conv in fused.convs:
        if not (np.isfinite(conv.weight).all() and np.isfinite(conv.bias).all()):
            raise InputError(f"{conv.name}: weights or biases are not finite (NaN or infinity)")
        if conv.stride > 1 and max(h, w) == 1:
            raise InputError(
                f"{conv.name}: images of {pixels.shape[1]}x{pixels.shape[2]} are already 1x1 before this "
                "strided layer: use larger images"
            )
        h, w = out_size(h, conv.stride), out_size(w, conv.stride)
    linear = fused.linear
    if linear is not None and not (np.isfinite(linear.weight).all() and np.isfinite(linear.bias).all()):
        raise InputError("linear: weights or biases are not finite (NaN or infinity)")
