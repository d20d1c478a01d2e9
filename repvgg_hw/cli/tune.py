"""`repvgg-hw train --qat`: fine-tune a checkpoint's integers through the hardware's own arithmetic."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from repvgg_hw import GENERATOR
from repvgg_hw.api.quantizer import Quantizer
from repvgg_hw.cli.progress import on_demand
from repvgg_hw.cli.rules import Rule, excludes, needs, void
from repvgg_hw.cli.talk import note, say
from repvgg_hw.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from repvgg_hw.network import FusedNetwork

QAT_ONLY = ("--integers", "--eps", "--groups", "--assume", "--head", "--method")
WIDTHS = ("--weight-bits", "--activation-bits", "--bits", "--weight-memory")
DECIDED = (*WIDTHS, "--method", "--mean", "--std")  # by the integers that it begins with
# What only the training of a float network uses.
FLOAT_ONLY = (
    *("--block", "--scales", "--momentum", "--weight-decay", "--label-smoothing", "--ema", "--amp"),
    *("--channels", "--device", "--resume", "--save-every", "--no-save", "--log", "--tensorboard"),
)
QAT_RULES: tuple[Rule, ...] = (
    *excludes("--model", "--widths", "--qat"),
    *(needs(option, "--qat") for option in (*QAT_ONLY, *WIDTHS)),
    *(void(option, "--qat") for option in FLOAT_ONLY),
    *(void(option, "--integers", why="the file holds the result") for option in DECIDED),
    void("--class-index", "--qat", unless=("--val",), why="labels are used by --val alone"),
    void("--val", "--head none", why="it measures classes"),
)
FINE_TUNING = ("epochs", "batch", "rate", "warmup", "augment", "seed")  # of a recipe, what it takes


def fine_tuning(recipe: dict[str, Any], context: click.Context) -> dict[str, Any]:
    """What was typed of the recipe: fine-tuning has defaults of its own."""
    typed = {
        name: recipe[name]
        for name in FINE_TUNING
        if context.get_parameter_source(name) is not ParameterSource.DEFAULT
    }
    return {"batch_size" if name == "batch" else name: value for name, value in typed.items()}


@dataclass(frozen=True)
class Tuning:
    """What was typed, as far as fine-tuning uses it.

    start  how to quantize first, or the file of integers that stands in its place
    """

    data: Path
    checkpoint: str
    reading: dict[str, Any]
    start: Quantizer | Path
    recipe: dict[str, Any]
    val: Path | None
    class_index: Path | None
    input_size: tuple[int, int] | None
    workers: int
    output: Path
    as_json: bool


def run(tuning: Tuning) -> None:
    """Quantize the checkpoint or read its integers, fine-tune them on the images, write and report them."""
    from repvgg_hw import api
    from repvgg_hw.training.data import load_unlabelled
    from repvgg_hw.training.distributed import require_alone

    if tuning.output.suffix.lower() != ".npz":
        raise InputError(f"{tuning.output}: --qat writes integers, in a file that ends in .npz")
    require_alone("--qat")
    network = api.load(tuning.checkpoint, **tuning.reading)
    start, size = None, tuning.input_size
    if isinstance(tuning.start, Path):
        start = api.load_integers(tuning.start)
        taken = start.integers.in_shape[1:]
        if size not in (None, taken):
            raise InputError(
                f"--input-size {'x'.join(map(str, size))}: {tuning.start} takes {'x'.join(map(str, taken))}"
            )
        size = taken
    images = load_unlabelled(tuning.data, network.fused.convs[0].shape.c_in, size)
    val, val_labels = _validation(tuning, network.fused, images.size)
    if isinstance(tuning.start, Quantizer):
        with on_demand("quantize") as update:
            start = network.quantize(images.all_pixels(), **vars(tuning.start), progress=update)
    assert start is not None
    with on_demand("fine-tune") as update:
        tuned = network.fine_tune(
            start,
            images.all_pixels(),
            val=val,
            val_labels=val_labels,
            **tuning.recipe,
            workers=tuning.workers,
            progress=update,
        )
    tuned.network.save(tuning.output)
    if tuned.kept:
        note("nothing better was found: the network is the one that it began with")
    result = {
        "output": str(tuning.output),
        "checkpoint": tuning.checkpoint,
        "integers": str(tuning.start) if isinstance(tuning.start, Path) else None,
        "generator": GENERATOR,
        "images": tuned.images,
        "recipe": asdict(tuned.recipe),
        "loss_before": tuned.loss_before,
        "loss_after": tuned.loss_after,
        "kept": tuned.kept,
        "val": tuned.top1,
        "next": f"repvgg-hw generate --integers {tuning.output}",
    }
    _print(result, tuning.as_json)


def _validation(
    tuning: Tuning, fused: FusedNetwork, size: tuple[int, int]
) -> tuple[NDArray[np.uint8], NDArray[np.int64]] | tuple[None, None]:
    """Pixels and labels of --val, read before the work begins."""
    if tuning.val is None:
        return None, None
    from repvgg_hw.api.tuned import classes_of
    from repvgg_hw.training.data import load_data

    data = load_data(
        tuning.val,
        size=size,
        channels=fused.convs[0].shape.c_in,
        class_index=tuning.class_index,
        classes=classes_of(fused),
    )
    return data.all_pixels(), data.labels


def _print(result: dict[str, Any], as_json: bool) -> None:
    if as_json:
        say(json.dumps(result, indent=2))
        return
    say(f"distance from the float network: {result['loss_before']:.4g}, now {result['loss_after']:.4g}")
    if result["val"] is not None:
        top1 = result["val"]
        say(
            f"top-1 on --val: float {top1['float']:.2%}, integers {top1['before']:.2%} before and "
            f"{top1['after']:.2%} after"
        )
    say(f"wrote {result['output']}")
    say(f"next: {result['next']}")
