"""Mean and std per channel: as given, in the right units, else ImageNet's. No torch."""

from __future__ import annotations

import math
from collections.abc import Sequence

from repvgg_hw.errors import InputError
from repvgg_hw.network import IMAGENET_MEAN, IMAGENET_STD

Numbers = Sequence[float]

SMALLEST_STD = 1e-6  # a network trained on raw 16-bit values has 1 / 65535


def normalisation(
    mean: Numbers | None, std: Numbers | None, channels: int
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and std per channel, of pixels in 0..1: as given, else ImageNet's, which fits three channels only.

    Raises InputError for a wrong number of them, and for values that no pixels in 0..1 have.
    """
    check_units(mean, std)
    if (mean is None or std is None) and channels != len(IMAGENET_MEAN):
        raise InputError(f"the network takes {channels} channels: give --mean and --std")
    mean = IMAGENET_MEAN if mean is None else tuple(mean)
    std = IMAGENET_STD if std is None else tuple(std)
    for name, values in (("--mean", mean), ("--std", std)):
        if len(values) != channels:
            raise InputError(f"{name} needs {channels} numbers, one per channel, got {len(values)}")
    return mean, std


def check_units(mean: Numbers | None, std: Numbers | None) -> None:
    """Refuse a mean outside 0..1 and a std outside 0..1, 0 excluded: mostly these are units of 0..255.

    The input is (pixel / 255 - mean) / std. A mean in 0..1 and a std up to 1 cover every customary input
    range: -1..1 is 0.5 and 0.5, 0..1 is 0 and 1, and raw pixels of 0..255 are 0 and 1 / 255.
    """
    for name, values in (("--mean", mean), ("--std", std)):
        if not all(map(math.isfinite, values or ())):
            raise InputError(f"{name} must be finite numbers, got {_joined(values or ())}")
    if std and min(std) <= 0:
        raise InputError(f"--std must be positive, got {_joined(std)}")
    wide = [name for name, values in (("--mean", mean), ("--std", std)) if values and max(values) > 1]
    if wide:
        # A std of exactly 1 beside a mean of 0..255 is in that mean's units: Caffe's "mean subtraction".
        both = [
            f"{name} {_joined([value / 255 for value in values])}"
            for name, values in (("--mean", mean), ("--std", std))
            if values and (name in wide or min(values) >= 1)
        ]
        raise InputError(
            f"{' and '.join(wide)} look like units of 0..255, here pixels are in 0..1: "
            f"divide by 255, {' '.join(both)}"
        )
    if mean and min(mean) < 0:
        raise InputError(f"--mean is that of pixels in 0..1 and cannot be negative, got {_joined(mean)}")
    if std and min(std) < SMALLEST_STD:
        raise InputError(f"--std is that of pixels in 0..1; {_joined(std)} is below {SMALLEST_STD:g}")


def _joined(values: Sequence[float]) -> str:
    return ",".join(f"{value:.6g}" for value in values)
