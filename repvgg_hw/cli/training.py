"""The options of a training recipe, and what stands behind them; collected as one argument `recipe`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar, cast

import click

from repvgg_hw.cli.values import SEED, Listed, Real, Whole

Command = TypeVar("Command", bound=Callable[..., None])

STAGE_WIDTHS = Listed(Whole(1, 65_536), "16,32,64")
STAGE_DEPTHS = Listed(Whole(1, 1_000), "1,2,1")
CHANNELS = Whole(1, 3)
# as repvgg_hw.training.augment.AUGMENTATIONS has them: a test compares the two
AUGMENTATION_NAMES = ("none", "crop", "resized-crop", "jitter", "affine")

# name of a field of train.recipe.Recipe -> its option; defaults are compared by a test
_ROWS: tuple[tuple[str, click.ParamType[Any], Any, str], ...] = (
    ("epochs", Whole(1, 100_000), 120, "Passes over DATA."),
    ("batch", Whole(2, 1 << 20), 256, "Images per step, over all processes; of --qat 32 unless given."),
    ("rate", Real(over=0), 0.1, "Largest learning rate; of --qat 0.15 unless given."),
    ("warmup", Real(0), 5.0, "Epochs in which the rate rises, of --qat 1; then it falls along a cosine."),
    ("momentum", Real(0, under=1), 0.9, "Nesterov's."),
    ("weight_decay", Real(0), 1e-4, "Of kernels only; BN, biases and scales have none."),
    ("label_smoothing", Real(0, under=1), 0.1, "Share of the target spread over all classes."),
    ("ema", Real(0, under=1), 0.0, "Decay of the weights' average, which is then the result."),
    ("augment", click.Choice(AUGMENTATION_NAMES), "crop", "How images are varied; of --qat jitter."),
    ("seed", SEED, 0, "Of everything that is drawn."),
)
OPTION = {"batch": "--batch-size"}  # where it is not the field's name
RECIPE: dict[str, Any] = {
    name: click.option(
        OPTION.get(name, f"--{name.replace('_', '-')}"),
        name,
        type=kind,
        default=default,
        show_default=True,
        help=words,
    )
    for name, kind, default, words in _ROWS
}
RECIPE["amp"] = click.option("--amp", is_flag=True, help="Forward passes in bfloat16.")
RECIPE_NAMES = tuple(OPTION.get(name, f"--{name.replace('_', '-')}") for name in RECIPE)


def recipe_options(command: Command) -> Command:
    """The options of RECIPE, as one argument `recipe`: field -> value."""

    @functools.wraps(command)
    def wrapped(**others: Any) -> None:
        command(recipe={name: others.pop(name) for name in RECIPE}, **others)

    for option in reversed(RECIPE.values()):
        wrapped = option(wrapped)
    return cast(Command, wrapped)
