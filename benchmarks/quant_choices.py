"""Judge choices of quantization without a test image: one half of the calibration images judges the other.

    python benchmarks/quant_choices.py CHECKPOINT --calibration PATH [--variant NAME ...]

Against the float network's logits, without labels. Prints for each variant the SQNR of the logits in dB,
without the noisiest 1 % of the images and with them, and how often both networks predict the same class.
"""

from __future__ import annotations

import argparse
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from repvgg_hw.checkpoint import load_fused
from repvgg_hw.model.images import load_images
from repvgg_hw.network import IMAGENET_MEAN, IMAGENET_STD
from repvgg_hw.quantize import DEFAULT_METHOD, METHODS, quantize
from repvgg_hw.quantize.forward import float_outputs, integer_outputs
from repvgg_hw.quantize.pipeline import canonical_order

DEFAULT = METHODS[DEFAULT_METHOD]
VARIANTS = {
    "default": DEFAULT,
    "min-max ranges": replace(DEFAULT, clip=False),
    "ranges by percentile": replace(DEFAULT, clip=False, ranges="percentile"),
    "alpha 0.75": replace(DEFAULT, balance=False, alpha=0.75),
    "not equalized": replace(DEFAULT, equalize=False),
    "weighted weight scales": replace(DEFAULT, weight_scales="weighted"),
    "nearest rounding": replace(DEFAULT, rounding="nearest", bias_correction=True),
    "adaround": METHODS["adaround"],
}
KEPT = 0.99  # of the images, those with the least noise


def decibels(power: float, noise: float) -> float:
    """Signal to noise ratio in dB."""
    return float(10 * np.log10(power / noise))


def scores(wanted: NDArray[np.float64], got: NDArray[np.float64]) -> tuple[float, float, float]:
    """(trimmed SQNR, SQNR, agreement in percent) of logits (N, classes)."""
    noise = np.sort(((got - wanted) ** 2).mean(axis=1))
    power = float(((wanted - wanted.mean(axis=1, keepdims=True)) ** 2).mean())
    same = float((got.argmax(axis=1) == wanted.argmax(axis=1)).mean())
    kept = noise[: int(len(noise) * KEPT)]
    return decibels(power, float(kept.mean())), decibels(power, float(noise.mean())), 100 * same


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("checkpoint")
    parser.add_argument("--calibration", required=True)
    parser.add_argument("--variant", action="append", choices=VARIANTS)
    args = parser.parse_args()
    fused = load_fused(args.checkpoint)
    pixels = load_images(args.calibration).pixels
    pixels = pixels[canonical_order(pixels)]
    quantized_on, judged_on = pixels[::2], pixels[1::2]
    wanted = float_outputs(fused, judged_on, IMAGENET_MEAN, IMAGENET_STD)
    for name in args.variant or VARIANTS:
        network = quantize(fused, quantized_on, mean=IMAGENET_MEAN, std=IMAGENET_STD, method=VARIANTS[name])
        trimmed, whole, same = scores(wanted, integer_outputs(network, judged_on))
        print(f"{name:22}  SQNR {trimmed:.1f} dB, of all {whole:.1f}  agreement {same:.1f}", flush=True)


if __name__ == "__main__":
    main()
