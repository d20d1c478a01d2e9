"""`repvgg-hw train`: from labelled images to a checkpoint, where `generate` begins."""

from __future__ import annotations

import json
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
    from repvgg_hw.training.data import Data
    from repvgg_hw.training.finish import Finished
    from repvgg_hw.training.recipe import Recipe

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
      torchrun --nproc-per-node 4 -m repvgg_hw train photos/train --model A0 --input-size 224 -o net.pth

    With --qat the fused integer network is trained through the hardware's own arithmetic: labels are those of
    the float network, and what is written is what `generate --integers` takes.

    An unfinished training lies beside the output, as OUTPUT.unfinished, and --resume goes on with it as if it
    had never stopped. Exit codes: 0 written and proven, 1 the loss is no number any more or the checkpoint is
    read as another network (nothing is written), 2 the input is wrong, 130 interrupted.
    """
    check_units(mean, std)
    from repvgg_hw.training.recipe import Recipe

    if qat is not None:
        chosen = Recipe(**fine_tuning(recipe, click.get_current_context()))
        quantizer = Quantizer(
            method, mean, std, weight_bits, activation_bits, bits_file, weight_memory, cache=False
        )
        tune(
            Tuning(
                data, qat, reading, quantizer, chosen, val, class_index, input_size, workers, output, as_json
            )
        )
        return
    chosen = Recipe(**recipe)
    if output.suffix.lower() == ".npz":
        raise InputError(
            f"{output}: integers are what --qat writes; a checkpoint ends in .pth or .safetensors"
        )
    from repvgg_hw.cli.progress import bar
    from repvgg_hw.files import check_output
    from repvgg_hw.training.data import load_data
    from repvgg_hw.training.distributed import device_named, joined
    from repvgg_hw.training.finish import finish
    from repvgg_hw.training.log import Log
    from repvgg_hw.training.loop import Surroundings, train
    from repvgg_hw.training.start import architecture_of, new_network
    from repvgg_hw.training.state import state_path

    state = None if no_save else state_path(output)
    if state is not None:
        check_output(state)
    with joined(device_named(device)) as (processes, place):
        if not processes.first:
            click.get_current_context().meta["repvgg_hw.level"] = QUIET
        images = load_data(data, size=input_size, channels=channels, class_index=class_index)
        validation = None
        if val is not None:
            validation = load_data(
                val,
                size=images.size,
                channels=images.channels,
                class_index=class_index,
                classes=images.classes,
            )
        mean, std = normalisation(mean, std, images.channels)
        architecture = architecture_of(
            model, widths, depths, reading["strides"], classes=images.classes, channels=images.channels
        )
        network = new_network(architecture, block, chosen.seed, scales)
        records = Log(log, tensorboard) if processes.first else None
        around = Surroundings(
            place, processes, mean, std, state, save_every=save_every, resume=resume, workers=workers
        )
        made_of = {
            "network": model or f"{architecture.widths} {architecture.depths} {architecture.strides}",
            "block": block,
            "classes": images.classes,
            "mean": list(mean),
            "std": list(std),
            "processes": processes.world,
        }
        with bar("train") as update:
            trained = train(
                network, images, chosen, around,
                validation=validation, log=records, made_of=made_of, report=update,
            )  # fmt: skip
        if not processes.first:
            return
        finished = finish(trained, architecture, block, output)
        if state is not None:
            state.unlink(missing_ok=True)
        top1 = records.last_top1 if records is not None else None
        _print(_result(finished, chosen, images, block, output, top1, mean, std, made_of), as_json)


def _result(
    finished: Finished,
    recipe: Recipe,
    images: Data,
    block: str,
    output: Path,
    top1: float | None,
    mean: Numbers,
    std: Numbers,
    made_of: dict[str, Any],
) -> dict[str, Any]:
    """What --json prints."""
    from repvgg_hw.files import sha256

    options = [*finished.reading]
    if images.channels != 3 or (mean, std) != normalisation(None, None, 3):
        options += ["--mean", ",".join(map(str, mean)), "--std", ",".join(map(str, std))]
    if images.files:  # calibration images must come to the input as these did
        height, width = images.size
        options += ["--input-size", f"{height}x{width}", "--preprocess", images.preprocessing.kind]
        options += ["--crop-pct", f"{images.preprocessing.crop_pct:g}"]
    return {
        "output": str(output),
        "sha256": sha256(output),
        "generator": GENERATOR,
        "network": made_of["network"],
        "block": block,
        "images": len(images),
        "classes": images.classes,
        "recipe": asdict(recipe),
        "val_top1": top1,
        "fused_difference": finished.difference,
        "next": f"repvgg-hw generate --weights {output} --calibration IMAGES {' '.join(options)}".strip(),
    }


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
