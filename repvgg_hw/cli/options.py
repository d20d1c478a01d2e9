"""Options and checks that several commands share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from repvgg_hw.errors import InputError
from repvgg_hw.network import IMAGENET_MEAN, IMAGENET_STD

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from repvgg_hw.network import FusedNetwork
    from repvgg_hw.quantize import Widths

Numbers = tuple[float, ...]
Command = TypeVar("Command", bound=Callable[..., None])

SEARCH_IMAGES = 128  # on which the search for widths measures noise


def width_options(command: Command) -> Command:
    """Options for the bits of weights and activations; `widths` makes a Widths of their values."""
    options = (
        click.option("--weight-bits", type=int, help="Bits of all weights, 4 to 8 [default: 8]."),
        click.option("--activation-bits", type=int, help="Bits of all activations, 4 to 8 [default: 8]."),
        click.option(
            "--bits",
            "bits_file",
            type=click.Path(path_type=Path),
            help="JSON file of widths per layer.",
        ),
        click.option(
            "--weight-memory",
            type=click.IntRange(1),
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

    Raises InputError for options that exclude each other, widths out of range and layers that do not exist.
    """
    from repvgg_hw.quantize import Widths, load_widths
    from repvgg_hw.quantize.sensitivity import search_widths

    if sum(given is not None for given in (weight_bits, bits_file, weight_memory)) > 1:
        raise InputError("--weight-bits, --bits and --weight-memory exclude each other")
    if bits_file is not None:
        if activation_bits is not None:
            raise InputError("--bits holds the widths of activations, too: drop --activation-bits")
        found = load_widths(bits_file)
    elif weight_memory is not None:
        found = search_widths(
            fused,
            calibration[:SEARCH_IMAGES],
            mean=mean,
            std=std,
            budget_bytes=weight_memory,
            activations=8 if activation_bits is None else activation_bits,
        )
    else:
        found = Widths(
            weights=8 if weight_bits is None else weight_bits,
            activations=8 if activation_bits is None else activation_bits,
        )
    found.check(conv.name for conv in fused.convs)
    return found


def numbers(_: click.Context, parameter: click.Parameter, value: Any) -> Numbers | None:
    """A callback: "0.5,0.5,0.5" -> (0.5, 0.5, 0.5)."""
    if value is None:
        return None
    try:
        return tuple(float(part) for part in value.split(","))
    except ValueError:
        raise click.BadParameter(f"{value!r} is no list of numbers such as 0.5,0.5,0.5") from None


def parse_strides(_: click.Context, parameter: click.Parameter, value: Any) -> tuple[int, ...] | None:
    """ "2,2,1" -> (2, 2, 1)."""
    if value is None:
        return None
    try:
        return tuple(int(part) for part in value.split(","))
    except ValueError as error:
        raise click.BadParameter(f"{value!r} is no list of strides such as 2,2,2,2,2") from error


def normalisation(mean: Numbers | None, std: Numbers | None, channels: int) -> tuple[Numbers, Numbers]:
    """Mean and std per channel: as given, else ImageNet's, which fits three channels only."""
    if (mean is None or std is None) and channels != len(IMAGENET_MEAN):
        raise InputError(f"the network takes {channels} channels: give --mean and --std")
    mean, std = mean or IMAGENET_MEAN, std or IMAGENET_STD
    for name, values in (("--mean", mean), ("--std", std)):
        if len(values) != channels:
            raise InputError(f"{name} needs {channels} numbers, one per channel, got {len(values)}")
    if min(std) <= 0:
        raise InputError(f"--std must be positive, got {','.join(map(str, std))}")
    return mean, std
