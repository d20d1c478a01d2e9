"""From what was typed to integers: a quantizer of its options, images to calibrate on, random networks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from repvgg_hw.cli.options import Numbers, normalisation, widths

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from repvgg_hw.model.preprocessing import Preprocessing
    from repvgg_hw.network import FusedNetwork, IntegerNetwork

RANDOM_CALIBRATION = 4  # synthetic images that set the scales of a random network
RANDOM_METHOD = "minmax"


@dataclass(frozen=True)
class Quantizer:
    """How to quantize: the options as given, None where they were not."""

    method: str | None
    mean: Numbers | None
    std: Numbers | None
    weight_bits: int | None
    activation_bits: int | None
    bits_file: Path | None
    weight_memory: int | None

    def quantize(self, fused: FusedNetwork, pixels: NDArray[np.uint8]) -> IntegerNetwork:
        """Integers for fused, calibrated on pixels (N, H, W, C) uint8."""
        from repvgg_hw.cli.progress import bar
        from repvgg_hw.quantize import DEFAULT_METHOD, quantize

        mean, std = normalisation(self.mean, self.std, fused.convs[0].shape.c_in)
        bits = widths(
            fused,
            pixels,
            mean,
            std,
            weight_bits=self.weight_bits,
            activation_bits=self.activation_bits,
            bits_file=self.bits_file,
            weight_memory=self.weight_memory,
        )
        with bar("quantize") as update:
            return quantize(
                fused,
                pixels,
                mean=mean,
                std=std,
                method=self.method or DEFAULT_METHOD,
                widths=bits,
                progress=lambda done, total, layer: update(done / total, layer),
            )


def random_integers(
    model: str, size: tuple[int, int], classes: int, seed: int, quantizer: Quantizer
) -> IntegerNetwork:
    """A variant with random weights, quantized on synthetic images; with 0 classes without a head."""
    from repvgg_hw.checkpoint import random_network
    from repvgg_hw.model.images import synthetic
    from repvgg_hw.model.variants import get_variant

    architecture = replace(get_variant(model), num_classes=classes)
    fused = random_network(architecture, seed).fused
    pixels = synthetic(RANDOM_CALIBRATION, (architecture.in_channels, *size), seed)
    # Least-squares rounding is for trained weights and real images: here it would cost minutes for nothing.
    quantizer = replace(quantizer, method=quantizer.method or RANDOM_METHOD)
    return replace(quantizer.quantize(fused, pixels), name=architecture.name)


def calibration_pixels(
    path: Path,
    limit: int | None,
    size: tuple[int, int] | None,
    preprocessing: Preprocessing | None,
    fused: FusedNetwork,
) -> NDArray[np.uint8]:
    from repvgg_hw.model.images import load_images
    from repvgg_hw.model.preprocessing import NONE

    channels = fused.convs[0].shape.c_in
    return load_images(path, limit, channels, size, preprocessing or NONE).pixels
