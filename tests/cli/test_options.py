"""Options that several commands share: sizes, and mean and std in the right units."""

from __future__ import annotations

import math
import re

import click
import pytest

from repvgg_hw.cli.options import METHOD_HELP, METHOD_NAMES
from repvgg_hw.cli.values import INPUT_SIZE
from repvgg_hw.errors import InputError
from repvgg_hw.model.normalisation import normalisation
from repvgg_hw.network import IMAGENET_MEAN, IMAGENET_STD

COMMON = [  # (mean, std) of well-known preprocessings
    (IMAGENET_MEAN, IMAGENET_STD),
    ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),  # 0..1
    ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),  # -1..1
    ((0.0, 0.0, 0.0), (1 / 255, 1 / 255, 1 / 255)),  # raw pixels
    ((0.5, 0.5, 0.5), (1 / 255, 1 / 255, 1 / 255)),  # raw pixels, centred
    ((1.0, 0.0, 0.5), (1.0, 1 / 65535, 0.25)),
    ((123.675 / 255, 116.28 / 255, 103.53 / 255), (1 / 255, 1 / 255, 1 / 255)),  # Caffe's
]


@pytest.mark.parametrize(("mean", "std"), COMMON)
def test_customary_values_pass(mean: tuple[float, ...], std: tuple[float, ...]) -> None:
    assert normalisation(mean, std, 3) == (mean, std)


@pytest.mark.parametrize(
    ("mean", "std", "message"),
    [
        (
            (123.675, 116.28, 103.53),
            (58.395, 57.12, 57.375),
            "--mean and --std look like units of 0..255, here pixels are in 0..1: divide by 255, "
            "--mean 0.485,0.456,0.406 --std 0.229,0.224,0.225",
        ),
        ((123.675, 116.28, 103.53), (0.229, 0.224, 0.225), "divide by 255, --mean 0.485,0.456,0.406"),
        ((123.675, 116.28, 103.53), None, "divide by 255, --mean 0.485,0.456,0.406"),
        (None, (58.395, 57.12, 57.375), "divide by 255, --std 0.229,0.224,0.225"),
        ((127.5, 127.5, 127.5), (1.0, 1.0, 1.0), "--mean 0.5,0.5,0.5 --std 0.00392157,0.00392157,0.00392157"),
        ((0.0, 0.0, 0.0), (255.0, 255.0, 255.0), "divide by 255, --std 1,1,1"),
        ((0.485, 0.456, 103.53), IMAGENET_STD, "--mean look like units of 0..255"),
        ((-0.485, -0.456, -0.406), IMAGENET_STD, "cannot be negative"),
        (IMAGENET_MEAN, (0.2, 0.0, 0.2), "must be positive"),
        (IMAGENET_MEAN, (0.2, -0.2, 0.2), "must be positive"),
        (IMAGENET_MEAN, (0.2, 1e-9, 0.2), "below 1e-06"),
        ((math.nan, 0.5, 0.5), IMAGENET_STD, "--mean must be finite"),
        (IMAGENET_MEAN, (math.inf, 0.5, 0.5), "--std must be finite"),
        ((0.5,), IMAGENET_STD, "--mean needs 3 numbers"),
    ],
)
def test_wrong_units_and_wrong_numbers_are_refused(
    mean: tuple[float, ...] | None, std: tuple[float, ...] | None, message: str
) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        normalisation(mean, std, 3)


def test_one_channel_has_no_default() -> None:
    with pytest.raises(InputError, match="the network takes 1 channels: give --mean and --std"):
        normalisation((0.5,), None, 1)


@pytest.mark.parametrize(
    ("text", "size"), [("224", (224, 224)), ("33x20", (33, 20)), ("33X20", (33, 20)), (" 7 ", (7, 7))]
)
def test_sizes(text: str, size: tuple[int, int]) -> None:
    assert INPUT_SIZE.convert(text, None, None) == size


@pytest.mark.parametrize("text", ["0", "x20", "33x", "33x0", "3x3x3", "3.5", "", "33,20", "100000", "²"])
def test_wrong_sizes(text: str) -> None:
    with pytest.raises(click.BadParameter, match="not a size in pixels"):
        INPUT_SIZE.convert(text, None, None)


def test_methods_in_help_are_those_that_exist() -> None:
    from repvgg_hw.quantize import DEFAULT_METHOD, METHODS

    assert tuple(METHODS) == METHOD_NAMES
    assert f"[default: {DEFAULT_METHOD}," in METHOD_HELP
