"""The passes of post-training quantization, in order: FusedNetwork + images -> IntegerNetwork."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from repvgg_hw.errors import InputError
from repvgg_hw.images import normalise
from repvgg_hw.network import FusedConv, FusedNetwork, IntegerConv, IntegerNetwork, out_size
from repvgg_hw.quantize import grid as g
from repvgg_hw.quantize import layers
from repvgg_hw.quantize.ranges import RULES
from repvgg_hw.quantize.recipe import DEFAULT_METHOD, Recipe, recipe_named

Progress = Callable[[int, int, str], None]  # steps done, steps in all, what was just done

INPUT_LIMIT = 127  # the input is int8; -128 is reached only by clipping


def quantize(
    fused: FusedNetwork,
    calibration_pixels: NDArray[np.uint8],
    *,
    mean: Sequence[float],
    std: Sequence[float],
    method: str = DEFAULT_METHOD,
    weight_bits: int = 8,
    activation_bits: int = 8,
    progress: Progress | None = None,
) -> IntegerNetwork:
    """Quantize a fused network on calibration images (N, H, W, C) uint8, as the design, section 2, says.

    The result depends on the set of images, not on their order. Layers are quantized from the input on,
    and each sees the integers that the layers before it really give.
    Raises InputError for an unknown method, no images, images that do not fit, weights that are not finite.
    """
    recipe = recipe_named(method)
    _check_input(fused, calibration_pixels, weight_bits, activation_bits)
    pixels = calibration_pixels[canonical_order(calibration_pixels)]
    x_float = torch.from_numpy(normalise(pixels, mean, std).astype(np.float32))
    input_scale = float(x_float.abs().max()) / INPUT_LIMIT or 1.0
    x_int = torch.clamp(torch.round(x_float.double() / input_scale), -128, 127).to(torch.int8)

    convs: list[IntegerConv] = []
    in_scale, in_bits, total = input_scale, 8, len(fused.convs) + 1
    for index, conv in enumerate(fused.convs):
        x_float = torch.relu_(layers.conv(x_float, conv.weight, conv.bias, conv))
        out_scale = _out_scale(x_float, recipe, activation_bits)
        layer = _quantize_conv(
            conv, in_scale, out_scale, recipe, weight_bits, in_bits, index == 0, activation_bits
        )
        x_int = layers.integer_conv(x_int, layer)
        convs.append(layer)
        in_scale, in_bits = out_scale, activation_bits
        if progress:
            progress(index + 1, total, conv.name)

    linear_weight, linear_bias = fused.linear_weight, fused.linear_bias
    area = x_int.shape[2] * x_int.shape[3]
    sum_scale, max_sum = in_scale / area, g.activation_limit(in_bits) * area
    linear_scale = g.linear_scale(linear_weight, linear_bias, sum_scale, max_sum, 8)
    integers = g.to_integers(linear_weight, np.full(len(linear_weight), linear_scale), 8)
    logit_scale = linear_scale * sum_scale
    if progress:
        progress(total, total, "linear")
    return IntegerNetwork(
        name=fused.name,
        in_shape=(pixels.shape[3], pixels.shape[1], pixels.shape[2]),
        input_scale=input_scale,
        mean=tuple(map(float, mean)),
        std=tuple(map(float, std)),
        convs=tuple(convs),
        linear=g.integer_linear(integers, linear_bias, logit_scale, 8),
        logit_scale=logit_scale,
        provenance={
            **fused.provenance,
            "quantization": {"method": method, "calibration_images": len(pixels)},
        },
    )


def canonical_order(pixels: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Indices that sort images by the digest of their pixels, so that no sum depends on the given order."""
    digests = [hashlib.sha256(np.ascontiguousarray(p).tobytes()).digest() for p in pixels]
    return np.array(sorted(range(len(digests)), key=digests.__getitem__), dtype=np.int64)


def _out_scale(y: torch.Tensor, recipe: Recipe, bits: int) -> float:
    counts, top = layers.histogram(y)
    levels = g.activation_limit(bits)
    # A layer that is never active has no range: any scale serves, and 1 divides safely.
    return RULES[recipe.ranges](counts, top, levels) / levels or 1.0


def _quantize_conv(
    conv: FusedConv,
    in_scale: float,
    out_scale: float,
    recipe: Recipe,
    weight_bits: int,
    in_bits: int,
    in_signed: bool,
    out_bits: int,
) -> IntegerConv:
    scale = g.max_scale(conv.weight, weight_bits, recipe.per_tensor)
    grid = g.fit_grid(scale, conv.bias, in_scale, out_scale)
    weight = g.to_integers(conv.weight, grid.weight_scale, weight_bits)
    return g.integer_conv(
        conv,
        grid,
        weight,
        conv.bias,
        weight_bits=weight_bits,
        in_bits=in_bits,
        in_signed=in_signed,
        out_bits=out_bits,
    )


def _check_input(
    fused: FusedNetwork, pixels: NDArray[np.uint8], weight_bits: int, activation_bits: int
) -> None:
    for what, bits in (("weight", weight_bits), ("activation", activation_bits)):
        if not 4 <= bits <= 8:
            raise InputError(f"{what} bits must be 4 to 8, got {bits}")
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
    if not (np.isfinite(fused.linear_weight).all() and np.isfinite(fused.linear_bias).all()):
        raise InputError("linear: weights or biases are not finite (NaN or infinity)")
