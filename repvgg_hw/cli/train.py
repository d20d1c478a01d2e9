"""`repvgg-hw train`: from labelled images to a checkpoint, where `generate` begins."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from repvgg_hw import GENERATOR
from repvgg_hw.api.quantizer import Quantizer
from repvgg_hw.cli.command import Command
from repvgg_hw.cli.options import (
    METHOD,
    METHOD_HELP,
    WIDTH_RULES,
    Numbers,
    width_options,
)
from repvgg_hw.cli.progress import on_demand
from repvgg_hw.cli.reading import reading_options
from repvgg_hw.cli.rules import needs, void
from repvgg_hw.cli.talk import QUIET, level, note, say
from repvgg_hw.cli.training import (
    CHANNELS,
    RECIPE_NAMES,
    STAGE_DEPTHS,
    STAGE_WIDTHS,
    recipe_options,
)
from repvgg_hw.cli.tune import QAT_ONLY, QAT_RULES, WIDTHS, Tuning, fine_tuning
from repvgg_hw.cli.tune import run as tune
from repvgg_hw.cli.values import COUNT, INPUT_SIZE, NUMBERS, PLACE, SOURCE, OutputFile, Whole
from repvgg_hw.errors import InputError
from repvgg_hw.model.normalisation import check_units, normalisation

if TYPE_CHECKING:
    from repvgg_hw.api import TrainedCheckpoint

# as repvgg_hw.training.blocks.BLOCKS has them: a test compares the two, since importing it costs seconds
BLOCK_NAMES = (
    *("plain", "repvgg", "acb", "dbb", "orepa", "orepa-repvgg", "qarepvgg", "mobileone", "doconv"),
    *("expandnet", "repopt", "repopt-search"),
)
RULES = (
    *QAT_RULES,
    *WIDTH_RULES,
    needs("--depths", "--widths"),
    needs("--strides", "--widths", "--qat", why="a variant has its own"),
    needs("--scales", "--block repopt"),
    void("--save-every", "--no-save"),
    void("--resume", "--no-save"),
)
GROUPS = {
    "Network": ("--model", "--widths", "--depths", "--strides", "--block", "--scales"),
    "Images": ("--val", "--input-size", "--channels", "--class-index", "--mean", "--std"),
    "Recipe": RECIPE_NAMES,
    "Quantization-aware training": ("--qat", *WIDTHS, *QAT_ONLY),
    "Running": ("--device", "--workers", "--resume", "--save-every", "--no-save"),
    "Output": ("--output", "--log", "--tensorboard", "--json", "--quiet", "--verbose"),
}


@click.command(cls=Command, rules=RULES, groups=GROUPS)
@click.argument("data", type=PLACE)
@click.option("--model", help="A variant by name: A0, B1g4, ...")
@click.option("--widths", type=STAGE_WIDTHS, help="In its place: widths of the stem and of each stage.")
@click.option("--depths", type=STAGE_DEPTHS, help="Blocks of the stem (1) and of each stage [default: 1].")
@click.option("--block", type=click.Choice(BLOCK_NAMES), default="repvgg", show_default=True, metavar="NAME",
              help=f"{', '.join(BLOCK_NAMES)}.")  # fmt: skip
@click.option("--scales", type=PLACE, help="Checkpoint of --block repopt-search: the scales of repopt.")
@click.option("--val", type=PLACE, help="Labelled images on which each epoch is measured.")
@click.option("--input-size", type=INPUT_SIZE, help="To which images of folders are brought.")
@click.option("--channels", type=CHANNELS, help="Of images in folders: 3, or 1 for grey [default: 3].")
@click.option("--class-index", type=PLACE, help="JSON file that gives each folder its class.")
@click.option("--mean", type=NUMBERS, help="Per channel, in 0..1 [default: ImageNet's].")
@click.option("--std", type=NUMBERS, help="Per channel, in 0..1 [default: ImageNet's].")
@recipe_options
@click.option("--qat", type=SOURCE, help="A trained checkpoint, whose integers are fine-tuned on DATA.")
@click.option("--integers", type=PLACE, help="An .npz that --qat begins with, in place of quantizing.")
@width_options
@click.option("--method", type=METHOD, metavar="NAME", help=f"How to quantize first: {METHOD_HELP}.")
@reading_options
@click.option("--device", help="cpu, cuda or cuda:N [default: a GPU where there is one].")
@click.option("--workers", type=Whole(1, 256), default=2, show_default=True, help="Threads decoding files.")
@click.option("--resume", is_flag=True, help="Go on with the unfinished training beside --output.")
@click.option("--save-every", type=COUNT, help="Steps between saves [default: an epoch, or 5 minutes].")
@click.option("--no-save", is_flag=True, help="Keep no unfinished training on disk.")
@click.option("-o", "--output", required=True, type=OutputFile(".pth", ".safetensors", ".npz"),
              help="The checkpoint, .pth or .safetensors; of --qat integers, .npz.")  # fmt: skip
@click.option("--log", type=OutputFile(".csv"), help="A .csv with a row for each epoch.")
@click.option("--tensorboard", type=PLACE, help="Folder for TensorBoard's events (needs tensorboard).")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def command(
    data: Path,
    model: str | None,
    widths: tuple[int, ...] | None,
    depths: tuple[int, ...] | None,
    block: str,
    scales: Path | None,
    val: Path | None,
    input_size: tuple[int, int] | None,
    channels: int | None,
    class_index: Path | None,
    mean: Numbers | None,
    std: Numbers | None,
    recipe: dict[str, Any],
    qat: str | None,
    integers: Path | None,
    weight_bits: int | None,
    activation_bits: int | None,
    bits_file: Path | None,
    weight_memory: int | None,
    method: str | None,
    reading: dict[str, Any],
    device: str | None,
    workers: int,
    resume: bool,
    save_every: int | None,
    no_save: bool,
    output: Path,
    log: Path | None,
    tensorboard: Path | None,
    as_json: bool,
) -> None:
    """Train a network of re-parameterised blocks on the labelled images of DATA.

    DATA is a folder with a folder for each class, or an .npz with `images` (N, H, W, C) uint8 and `labels`.
    What is written is the training form, of which `generate` fuses each block into one 3x3. Before the
    command ends it is read as `generate` will, and held against the trained network.

    \b
    Examples:
      repvgg-hw train photos/train --val photos/val --model A0 --input-size 224 -o net.pth
      repvgg-hw train digits.npz --widths 16,32,64 --block orepa --mean 0.3 --std 0.3 -o net.pth
      repvgg-hw train photos/some --qat net.pth --weight-bits 4 -o tuned.npz
      repvgg-hw train photos/some --qat net.pth --integers tuned.npz --rate 0.05 --epochs 80 -o finer.npz
      torchrun --nproc-per-node 4 -m repvgg_hw train photos/train --model A0 --input-size 224 -o net.pth

    With --qat the fused integer network is trained through the hardware's own arithmetic: labels are those of
    the float network, and what is written is what `generate --integers` takes.

    An unfinished training lies beside the output, as OUTPUT.unfinished, and --resume goes on with it as if it
    had never stopped. Exit codes: 0 written and proven, 1 the loss is no number any more or the checkpoint is
    read as another network (nothing is written), 2 the input is wrong, 130 interrupted.
    """
    check_units(mean, std)
    if qat is not None:
        quantizer = Quantizer(
            method, mean, std, weight_bits, activation_bits, bits_file, weight_memory, cache=False
        )
        typed = fine_tuning(recipe, click.get_current_context())
        tune(
            Tuning(
                data,
                qat,
                reading,
                integers or quantizer,
                typed,
                val,
                class_index,
                input_size,
                workers,
                output,
                as_json,
            )
        )
        return
    if output.suffix.lower() == ".npz":
        raise InputError(
            f"{output}: integers are what --qat writes; a checkpoint ends in .pth or .safetensors"
        )
    from repvgg_hw import api

    with on_demand("train") as update:
        trained = api.train(
            data,
            output,
            model=model,
            widths=widths,
            depths=depths,
            strides=reading["strides"],
            block=block,
            scales=scales,
            val=val,
            input_size=input_size,
            channels=channels,
            class_index=class_index,
            mean=mean,
            std=std,
            batch_size=recipe.pop("batch"),
            **recipe,
            device=device,
            workers=workers,
            resume=resume,
            save_every=save_every,
            no_save=no_save,
            log=log,
            tensorboard=tensorboard,
            progress=update,
        )
    if trained.difference is not None:  # else another process of torchrun speaks
        _print(_result(trained), as_json)


def _result(trained: TrainedCheckpoint) -> dict[str, Any]:
    """What --json prints."""
    from repvgg_hw.files import sha256

    options = [*_typed(trained.reading)]
    if trained.channels != 3 or (trained.mean, trained.std) != normalisation(None, None, 3):
        options += ["--mean", ",".join(map(str, trained.mean)), "--std", ",".join(map(str, trained.std))]
    if trained.preprocessing.kind != "none":  # calibration images must come to the input as these did
        height, width = trained.size
        options += ["--input-size", f"{height}x{width}", "--preprocess", trained.preprocessing.kind]
        options += ["--crop-pct", f"{trained.preprocessing.crop_pct:g}"]
    return {
        "output": str(trained.output),
        "sha256": sha256(trained.output),
        "generator": GENERATOR,
        "network": trained.shape,
        "block": trained.block,
        "images": trained.images,
        "classes": trained.classes,
        "recipe": asdict(trained.recipe),
        "val_top1": trained.top1,
        "fused_difference": trained.difference,
        "next": f"repvgg-hw generate --weights {trained.output} --calibration IMAGES "
        f"{' '.join(options)}".strip(),
    }


def _typed(reading: Mapping[str, Any]) -> Iterator[str]:
    """What `load` must be told, as options."""
    for name, value in reading.get("assume", {}).items():
        yield from ("--assume", f"{name}={value}")
    if "strides" in reading:
        yield from ("--strides", ",".join(map(str, reading["strides"])))


def _print(result: dict[str, Any], as_json: bool) -> None:
    if as_json:
        say(json.dumps(result, indent=2))
        return
    if level() != QUIET and result["val_top1"] is None:
        note("no --val: nobody has measured what this network has learnt")
    if result["val_top1"] is not None:
        say(f"top-1 on --val: {result['val_top1']:.2%}")
    say(f"trained = fused in float64: relative difference of logits {result['fused_difference']:.1e}")
    say(f"wrote {result['output']}")
    say(f"next: {result['next']}")
