"""Options and checks that several commands share."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from repvgg_hw.cli.rules import excludes, needs, void
from repvgg_hw.cli.values import BITS, COUNT, PLACE, SHARE

if TYPE_CHECKING:
    from repvgg_hw.api import QuantizedNetwork
    from repvgg_hw.model.preprocessing import Preprocessing

FEW = 16  # calibration images, below which their number is mentioned
Numbers = tuple[float, ...]
Command = TypeVar("Command", bound=Callable[..., None])


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
    """Options for the bits of weights and activations; `asked_widths` makes a Widths of their values."""
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


no_cache_option = click.option("--no-cache", is_flag=True, help="Quantize anew, whatever was found before.")


def quantized_how(network: QuantizedNetwork) -> Iterator[str]:
    """What a user may not expect of integers: that they were found earlier, or set on hardly any image."""
    if network.cached:
        yield "quantized earlier, from the same: --no-cache does it anew"
    images = network.integers.provenance["quantization"]["calibration_images"]
    if images < FEW and not network.options["random"]:
        yield f"calibrated on {images} image{'s' * (images > 1)}: take a hundred or more"
