"""Options and checks that several commands share."""

from __future__ import annotations

from typing import Any

import click

from repvgg_hw.errors import InputError
from repvgg_hw.network import IMAGENET_MEAN, IMAGENET_STD

Numbers = tuple[float, ...]


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
