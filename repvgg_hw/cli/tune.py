"""`repvgg-hw train --qat`: fine-tune a checkpoint's integers through the hardware's own arithmetic."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from repvgg_hw import GENERATOR
from repvgg_hw.api.quantizer import Quantizer
from repvgg_hw.cli.progress import bar, on_demand
from repvgg_hw.cli.rules import Rule, excludes, needs, void
from repvgg_hw.cli.talk import note, say
from repvgg_hw.errors import InputError
from repvgg_hw.names import display_name

if TYPE_CHECKING:
    from repvgg_hw.network import FusedNetwork, IntegerNetwork
    from repvgg_hw.training.data import Data
    from repvgg_hw.training.recipe import Recipe

QAT_ONLY = ("--eps", "--groups", "--assume", "--head", "--method")
WIDTHS = ("--weight-bits", "--activation-bits", "--bits", "--weight-memory")
# What only the training of a float network uses.
FLOAT_ONLY = (
    *("--block", "--scales", "--momentum", "--weight-decay", "--label-smoothing", "--ema", "--amp"),
    *("--channels", "--device", "--resume", "--save-every", "--no-save", "--log", "--tensorboard"),
)
QAT_RULES: tuple[Rule, ...] = (
    *excludes("--model", "--widths", "--qat"),
    *(needs(option, "--qat") for option in (*QAT_ONLY, *WIDTHS)),
    *(void(option, "--qat") for option in FLOAT_ONLY),
    void("--class-index", "--qat", unless=("--val",), why="labels are used by --val alone"),
    void("--val", "--head none", why="it measures classes"),
)
# Where fine-tuning's defaults are not those of training.
FINE_TUNING = {"batch": 32, "warmup": 1.0}


def fine_tuning(recipe: dict[str, Any], context: click.Context) -> dict[str, Any]:
    """The recipe that was typed, with fine-tuning's own defaults where nothing was."""
    own = {
        name: value
        for name, value in FINE_TUNING.items()
        if context.get_parameter_source(name) is ParameterSource.DEFAULT
    }
    return {**recipe, **own}


@dataclass(frozen=True)
class Tuning:
    """What was typed, as far as fine-tuning uses it."""

    data: Path
    checkpoint: str
    reading: dict[str, Any]
    quantizer: Quantizer
    recipe: Recipe
    val: Path | None
    class_index: Path | None
    input_size: tuple[int, int] | None
    workers: int
    output: Path
    as_json: bool


def run(tuning: Tuning) -> None:
    """Quantize the checkpoint, fine-tune its integers on the images, write and report them."""
    from repvgg_hw.checkpoint import load_fused
    from repvgg_hw.design import network_rules
    from repvgg_hw.design.network_file import save_network
    from repvgg_hw.training.data import load_unlabelled
    from repvgg_hw.training.distributed import world_size
    from repvgg_hw.training.tune import tune

    if tuning.output.suffix.lower() != ".npz":
        raise InputError(f"{tuning.output}: --qat writes integers, in a file that ends in .npz")
    if world_size() > 1:
        raise InputError("--qat runs in one process: start it without torchrun")
    fused = load_fused(tuning.checkpoint, **tuning.reading)
    images = load_unlabelled(tuning.data, fused.convs[0].shape.c_in, tuning.input_size)
    validation = _validation(tuning, fused, images.size)
    with on_demand("quantize") as shown:
        start = tuning.quantizer.quantize(fused, images.all_pixels(), shown).network
    if start.name == "custom":  # no published variant: named after its file
        start = replace(start, name=display_name(Path(tuning.checkpoint).stem))
    with bar("fine-tune") as update:
        tuned = tune(start, fused, images, tuning.recipe, workers=tuning.workers, report=update)
    network_rules.check(tuned.network)  # as `generate` will
    save_network(tuned.network, tuning.output)
    if tuned.kept:
        note("nothing better was found: the network is the one that post-training quantization gave")
    result = {
        "output": str(tuning.output),
        "checkpoint": tuning.checkpoint,
        "generator": GENERATOR,
        "images": len(images),
        "recipe": asdict(tuning.recipe),
        "loss_before": tuned.loss_before,
        "loss_after": tuned.loss_after,
        "kept": tuned.kept,
        "val": None if validation is None else _top1(validation, fused, start, tuned.network),
        "next": f"repvgg-hw generate --integers {tuning.output}",
    }
    _print(result, tuning.as_json)


def _validation(tuning: Tuning, fused: FusedNetwork, size: tuple[int, int]) -> Data | None:
    """The labelled images of --val, read before the work begins."""
    if tuning.val is None:
        return None
    if fused.linear is None:
        raise InputError("--val measures classes, and this network has no linear layer")
    from repvgg_hw.training.data import load_data

    return load_data(
        tuning.val,
        size=size,
        channels=fused.convs[0].shape.c_in,
        class_index=tuning.class_index,
        classes=len(fused.linear.weight),
    )


def _top1(
    data: Data, fused: FusedNetwork, start: IntegerNetwork, network: IntegerNetwork
) -> dict[str, float]:
    """Of the float network, and of the integers before and after."""
    from repvgg_hw.quantize.forward import float_outputs, integer_outputs

    pixels = data.all_pixels()
    outputs = {
        "float": float_outputs(fused, pixels, network.mean, network.std),
        "before": integer_outputs(start, pixels),
        "after": integer_outputs(network, pixels),
    }
    return {name: float((logits.argmax(1) == data.labels).mean()) for name, logits in outputs.items()}


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
