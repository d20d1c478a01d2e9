"""Options and checks that several commands share."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from repvgg_hw.cli.rules import excludes, needs, void
from repvgg_hw.cli.values import BITS, COUNT, PLACE, SHARE
from repvgg_hw.errors import InputError
from repvgg_hw.network import IMAGENET_MEAN, IMAGENET_STD

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from repvgg_hw.model.preprocessing import Preprocessing
    from repvgg_hw.network import FusedNetwork
    from repvgg_hw.quantize import Widths

Numbers = tuple[float, ...]
Command = TypeVar("Command", bound=Callable[..., None])

SEARCH_IMAGES = 128  # on which the search for widths measures noise


SMALLEST_STD = 1e-6  # a network trained on raw 16-bit values has 1 / 65535


# as repvgg_hw.quantize.METHODS has them: a test compares the two, since importing it costs seconds
METHOD_NAMES = (
    *("naive", "minmax", "percentile", "mse", "entropy", "weighted", "equalized"),
    *("gptq", "adaround-layerwise", "adaround"),
)
METHOD = click.Choice(METHOD_NAMES)
METHOD_HELP = f"{', '.join(METHOD_NAMES)} [default: gptq, the best that takes minutes]"

IMAGE_RULES = (
    needs("--crop-pct", "--preprocess timm"),
    needs("--interpolation", "--preprocess timm", "--preprocess resize"),
)
WIDTH_RULES = (
    *excludes("--bits", "--weight-bits", "--weight-memory"),
    void("--activation-bits", "--bits", why="the file holds them"),
)


def image_options(command: Command) -> Command:
    """Options for bringing images to the input's size, as one argument `preprocessing`.

    It is None where none of them is given.
    """

    @click.option(
        "--preprocess",
        type=click.Choice(["none", "resize", "timm"]),
        help="Bring images to the input's size: not at all, by resizing, or as timm evaluates.",
    )
    @click.option("--crop-pct", type=SHARE, help="Share of the side that timm's crop keeps [default: 0.875].")
    @click.option(
        "--interpolation",
        type=click.Choice(["bilinear", "bicubic"]),
        help="Of resizing [default: bilinear].",
    )
    @functools.wraps(command)
    def wrapped(
        *, preprocess: str | None, crop_pct: float | None, interpolation: str | None, **others: Any
    ) -> None:
        given = (preprocess, crop_pct, interpolation)
        command(preprocessing=None if given == (None, None, None) else preprocessing(*given), **others)

    return cast(Command, wrapped)


def preprocessing(
    kind: str | None, crop_pct: float | None = None, interpolation: str | None = None
) -> Preprocessing:
    """See repvgg_hw.model.preprocessing: imported late, because it needs Pillow."""
    from repvgg_hw.model import preprocessing as module

    return module.preprocessing(kind, crop_pct, interpolation)


def width_options(command: Command) -> Command:
    """Options for the bits of weights and activations; `widths` makes a Widths of their values."""
    options = (
        click.option("--weight-bits", type=BITS, help="Bits of all weights, 4 to 8 [default: 8]."),
        click.option("--activation-bits", type=BITS, help="Bits of all activations, 4 to 8 [default: 8]."),
        click.option(
            "--bits",
            "bits_file",
            type=PLACE,
            help="JSON file of widths per layer.",
        ),
        click.option(
            "--weight-memory",
            type=COUNT,
            help="Bytes for all weights: search the width of each layer.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def widths(
    fused: FusedNetwork,
    calibration: NDArray[np.uint8],
    mean: Sequence[float],
    std: Sequence[float],
    *,
    weight_bits: int | None,
    activation_bits: int | None,
    bits_file: Path | None,
    weight_memory: int | None,
) -> Widths:
    """The widths that were asked for: one for all, a file, or found by search on calibration images.

    Raises InputError for widths out of range and layers that do not exist.
    """
    from repvgg_hw.quantize import Widths, load_widths
    from repvgg_hw.quantize.sensitivity import search_widths

    if bits_file is not None:
        bits = load_widths(bits_file)
    elif weight_memory is not None:
        bits = search_widths(
            fused,
            calibration[:SEARCH_IMAGES],
            mean=mean,
            std=std,
            budget_bytes=weight_memory,
            activations=8 if activation_bits is None else activation_bits,
        )
    else:
        bits = Widths(
            weights=8 if weight_bits is None else weight_bits,
            activations=8 if activation_bits is None else activation_bits,
        )
    bits.check(fused)
    return bits


def normalisation(mean: Numbers | None, std: Numbers | None, channels: int) -> tuple[Numbers, Numbers]:
    """Mean and std per channel, of pixels in 0..1: as given, else ImageNet's, which fits three channels only.

    Raises InputError for a wrong number of them, and for values that no pixels in 0..1 have.
    """
    check_units(mean, std)
    if (mean is None or std is None) and channels != len(IMAGENET_MEAN):
        raise InputError(f"the network takes {channels} channels: give --mean and --std")
    mean, std = mean or IMAGENET_MEAN, std or IMAGENET_STD
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
