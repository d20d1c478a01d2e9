"""Options for what a state dict does not say, and what is printed of it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

import click

from repvgg_hw.cli.values import EPS, GROUPS, STRIDES

# of `reading_options`, those that say how to read a file; --head also says what random weights are to have
READING = ("--eps", "--strides", "--groups", "--assume")
Command = TypeVar("Command", bound=Callable[..., None])

# as checkpoint.decisions.CHOICES has them; a test compares the two, since importing it costs seconds
ASSUME_HELP = (
    "What else the file does not say; may be repeated. Names: order=file|A,B,..., weights=KEY, between=relu, "
    "missing=nothing, linear-bias=none, average-branch=yes|no, pair=added|chained, shortcut=none, "
    "input-channels=N."
)
HEAD_HELP = "none: a backbone, its last map is the output; a linear layer is left out [default: linear]."


def reading_options(command: Command) -> Command:
    """--eps, --strides, --groups, --head, --assume: the argument `reading`, for import_network(**reading)."""

    @click.option("--eps", type=EPS, help="Of batch normalization [default: 1e-5]; YOLO families: 1e-3.")
    @click.option("--strides", type=STRIDES, help="One per stage or layer, if the rule does not fit.")
    @click.option("--groups", type=GROUPS, help="One per layer, if shapes do not tell.")
    @click.option("--head", type=click.Choice(["linear", "none"]), help=HEAD_HELP)
    @click.option("--assume", multiple=True, metavar="NAME=VALUE", callback=_pairs, help=ASSUME_HELP)
    @functools.wraps(command)
    def wrapped(*, eps: Any, strides: Any, groups: Any, head: Any, assume: Any, **others: Any) -> None:
        reading = {"eps": eps, "strides": strides, "groups": groups, "head": head, "assume": assume}
        command(reading=reading, **others)

    return cast(Command, wrapped)


def say_head(classes: int) -> str:
    """What the network ends with; classes as in Architecture."""
    return f"{classes} classes" if classes else "no linear layer, its last map is the output"


def say_assumptions(provenance: Mapping[str, Any]) -> list[str]:
    """One line for each decision that the file does not force."""
    return [
        f"assumed: {made['subject']}: {made['value']} ({made['rule']})"
        for made in provenance.get("assumptions", [])
    ]


def _pairs(_: click.Context, parameter: click.Parameter, values: Any) -> dict[str, str]:
    """("order=file",) -> {"order": "file"}; which names there are is the importer's business."""
    pairs: dict[str, str] = {}
    for text in values:
        name, sign, value = text.partition("=")
        if not sign:
            raise click.BadParameter(f"{text!r} is not NAME=VALUE, such as order=file")
        if name in pairs:
            raise click.BadParameter(f"{name} is given twice")
        pairs[name] = value
    return pairs
