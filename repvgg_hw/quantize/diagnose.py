"""Where accuracy is lost, layer by layer: what the integers of each layer are, against the float layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from repvgg_hw import golden
from repvgg_hw.model.images import normalise
from repvgg_hw.network import FusedConv, FusedNetwork, IntegerConv, IntegerNetwork
from repvgg_hw.quantize import layers
from repvgg_hw.quantize.widths import LINEAR


@dataclass(frozen=True)
class LayerReport:
    """One convolution of an integer network, on some images.

    sqnr_db         signal to quantization noise ratio of the output, all error before it included
    added_noise     noise power over signal power at its output less the same at its input, in percent:
                    what this layer adds; the largest is the layer that loses most
    peak            largest activation of the float layer
    clipped         share of the output values that the integer layer holds at its largest integer, in percent
    dead_channels   output channels that the float layer never fires on these images
    norm_gain       largest |gamma / sigma| of the block's batch norms; None where weights came in fused
    weight_spread   largest weight of the layer over the median channel's largest weight
    """

    name: str
    weight_bits: int
    activation_bits: int
    sqnr_db: float
    added_noise: float
    peak: float
    clipped: float
    dead_channels: int
    weight_spread: float
    norm_gain: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def diagnose(
    fused: FusedNetwork,
    network: IntegerNetwork,
    pixels: NDArray[np.uint8],
    norm_gains: Mapping[str, float] | None = None,
) -> list[LayerReport]:
    """A report per convolution on pixels (N, H, W, C) uint8; norm_gains by layer name, where known.

    An equalized layer's channels have scales of their own, which IntegerNetwork does not store: each
    channel is compared after the least-squares factor between its integers and its float values.
    """
    x, q = _inputs(network, pixels)
    before = _noise(x, q)
    reports = []
    for conv, layer in zip(fused.convs, network.convs, strict=True):
        x, q = _outputs(conv, layer, x, q)
        after = _noise(x, q)
        report = _report(conv, layer, x, q, after, after - before)
        reports.append(replace(report, norm_gain=(norm_gains or {}).get(conv.name)))
        before = after
    return reports


def layer_sqnr(
    fused: FusedNetwork, network: IntegerNetwork, pixels: NDArray[np.uint8]
) -> dict[str, float | None]:
    """Layer -> signal to quantization noise of its output in dB; of the logits, too.

    All error before it is included. On pixels (N, H, W, C) uint8. Of convolutions as `LayerReport.sqnr_db`,
    of logits as `Evaluation.sqnr`; None where nothing differs, or the float layer gives nothing.
    """
    x, q = _inputs(network, pixels)
    found = {}
    for conv, layer in zip(fused.convs, network.convs, strict=True):
        x, q = _outputs(conv, layer, x, q)
        found[conv.name] = _decibels(_noise(x, q))
    if fused.linear is not None:
        wanted = layers.float_head(x, fused.linear)
        got = layers.integer_head(q, network.linear).numpy() * network.output_scale
        signal = float(wanted.var())
        found[LINEAR] = _decibels(float(np.square(got - wanted).mean()) / signal if signal > 0 else 0.0)
    return found


def _decibels(noise: float) -> float | None:
    """Noise power over signal power, as a ratio of signal to noise."""
    return round(-10 * float(np.log10(noise)), 2) if noise > 0 else None


def _inputs(network: IntegerNetwork, pixels: NDArray[np.uint8]) -> tuple[torch.Tensor, torch.Tensor]:
    """What enters the float network and the integer one."""
    x = torch.from_numpy(normalise(pixels, network.mean, network.std).astype(np.float32))
    return x, torch.from_numpy(golden.quantize_input(pixels, network).copy())


def _outputs(
    conv: FusedConv, layer: IntegerConv, x: torch.Tensor, q: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """One layer of each, on its own input."""
    return torch.relu_(layers.conv(x, conv.weight, conv.bias, conv)), layers.integer_conv(q, layer)


def _report(
    conv: FusedConv, layer: IntegerConv, x: torch.Tensor, q: torch.Tensor, noise: float, added: float
) -> LayerReport:
    largest = np.abs(conv.weight).reshape(len(conv.weight), -1).max(axis=1)
    median = float(np.median(largest))
    return LayerReport(
        name=conv.name,
        weight_bits=layer.weight_bits,
        activation_bits=layer.out_bits,
        sqnr_db=-10 * float(np.log10(noise)) if noise > 0 else float("inf"),
        added_noise=100 * added,
        peak=float(x.max()),
        clipped=100.0 * float((q == (1 << layer.out_bits) - 1).double().mean()),
        dead_channels=int((x.amax(dim=(0, 2, 3)) <= 0).sum()),
        weight_spread=float(largest.max()) / median if median > 0 else float("inf"),
    )


def _noise(x: torch.Tensor, q: torch.Tensor) -> float:
    """E (x - a q)^2 over E x^2, over all channels, each with its best factor a."""
    signal = noise = 0.0
    for channel in range(x.shape[1]):
        a, b = x[:, channel].double().flatten(), q[:, channel].double().flatten()
        square = float(b @ b)
        factor = float(a @ b) / square if square > 0 else 0.0
        power = float(a @ a)
        signal += power
        noise += float((a - factor * b).square().sum())
    return noise / signal if signal > 0 else 0.0
