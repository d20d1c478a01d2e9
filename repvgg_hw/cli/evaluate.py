"""`repvgg-hw evaluate`: top-1 of the float network and of its integer models."""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from repvgg_hw import GENERATOR
from repvgg_hw.cli.accuracy_tables import show_evaluations, show_layers
from repvgg_hw.cli.command import Command
from repvgg_hw.cli.expectations import EXPECT_RULES, RECORDS, expect_options, expectation, said
from repvgg_hw.cli.options import (
    IMAGE_RULES,
    METHOD,
    METHOD_HELP,
    WIDTH_RULES,
    image_options,
    no_cache_option,
    quantized_how,
    width_options,
)
from repvgg_hw.cli.progress import bar, on_demand
from repvgg_hw.cli.reading import reading_options
from repvgg_hw.cli.rules import excludes, void
from repvgg_hw.cli.talk import note, say
from repvgg_hw.cli.values import COUNT, INPUT_SIZE, NUMBERS, PLACE, SOURCE, OutputFile
from repvgg_hw.errors import InputError
from repvgg_hw.model.normalisation import check_units, normalisation

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from repvgg_hw.api.evaluated import EvaluatedNetwork
    from repvgg_hw.model.images import Images
    from repvgg_hw.model.preprocessing import Preprocessing


OF_QUANTIZATION = (
    *("--calibration", "--calibration-limit", "--method", "--compare", "--weight-bits", "--activation-bits"),
    *("--bits", "--weight-memory", "--no-cache", "--input-size", "--mean", "--std"),
)
RULES = (
    *EXPECT_RULES,
    *IMAGE_RULES,
    *WIDTH_RULES,
    void("--no-cache", "--compare", why="it quantizes anew anyway"),
    excludes("--method", "--compare", why="it runs every method"),
    *(void(option, "--design", why="it has its integers") for option in OF_QUANTIZATION),
)


@click.command(cls=Command, rules=RULES)
@click.argument("checkpoint", type=SOURCE)
@click.option("--data", required=True, type=PLACE, help="Labelled test images.")
@click.option("--calibration", type=PLACE, help="Images to quantize on; no labels.")
@click.option("--design", type=PLACE,
              help="Instead of quantizing: this design's integers; its report shows the result.")  # fmt: skip
@click.option(
    "--method",
    "methods",
    multiple=True,
    type=METHOD,
    metavar="NAME",
    help=f"How to quantize: {METHOD_HELP}; may be repeated.",
)
@click.option("--compare", is_flag=True, help="Quantize by every method and print one table.")
@click.option("--per-layer", is_flag=True, help="Where each method loses: a table of layers.")
@width_options
@no_cache_option
@click.option("--limit", type=COUNT, help="At most that many test images.")
@click.option("--calibration-limit", type=COUNT, help="At most that many calibration images.")
@click.option("--input-size", type=INPUT_SIZE, help="Height and width [default: the images'].")
@image_options
@click.option("--class-index", type=PLACE, help="JSON: which class folder is which class.")
@click.option("--mean", type=NUMBERS, help="Per channel, in 0..1 [default: ImageNet's].")
@click.option("--std", type=NUMBERS, help="Per channel, in 0..1 [default: ImageNet's].")
@reading_options
@expect_options
@click.option("--device", default="cpu", show_default=True, help="Where the integer model runs: cpu or cuda.")
@click.option("--plot", "plot_path", type=OutputFile(".svg"), help="Write a figure (SVG) here.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of the table.")
def command(
    checkpoint: str,
    data: Path,
    calibration: Path | None,
    design: Path | None,
    methods: tuple[str, ...],
    compare: bool,
    per_layer: bool,
    weight_bits: int | None,
    activation_bits: int | None,
    bits_file: Path | None,
    weight_memory: int | None,
    limit: int | None,
    calibration_limit: int | None,
    input_size: tuple[int, int] | None,
    preprocessing: Preprocessing | None,
    class_index: Path | None,
    mean: tuple[float, ...] | None,
    std: tuple[float, ...] | None,
    reading: dict[str, Any],
    expect: Path | None,
    tolerance: float | None,
    no_cache: bool,
    device: str,
    plot_path: Path | None,
    as_json: bool,
) -> None:
    """Top-1 of the float network CHECKPOINT and of the integer model that hardware runs.

    \b
    Examples:
      repvgg-hw evaluate net.pth --data images/val --calibration images/train --compare
      repvgg-hw evaluate net.pth --data images/val --design build/net

    Images are a folder of class folders, or an .npz with images (N, H, W, C) uint8 and labels.
    Exit codes: 0 done, 1 the integer model differs from the golden one, or the network read from --expect,
    2 the input or usage is wrong.
    """
    from repvgg_hw import api
    from repvgg_hw.api.cache import keep_measured
    from repvgg_hw.api.evaluated import Evaluator, measured
    from repvgg_hw.measure.accuracy import require_classes
    from repvgg_hw.model.images import load_images
    from repvgg_hw.model.preprocessing import NONE
    from repvgg_hw.quantize import DEFAULT_METHOD, METHODS
    from repvgg_hw.quantize.asked_widths import asked_widths

    if design is None and calibration is None:
        raise click.UsageError(
            "give --calibration IMAGES to quantize on, or --design DIRECTORY, which has integers"
        )
    check_units(mean, std)
    if device != "cpu":
        from repvgg_hw import gpu

        gpu.require(device)
    network = api.load(checkpoint, **reading, expect=expectation(expect, tolerance))
    require_classes(network.fused)
    for line in said(network.fused.provenance):
        note(line)
    outcomes: list[EvaluatedNetwork] = []
    told: dict[str, Any] = {
        "checkpoint": checkpoint,
        "sha256": network.fused.provenance["sha256"],
        "generator": GENERATOR,
    }
    if calibration is None:
        with bar("evaluate") as update:
            kept = api.open_design(design, images=True)
            done = network.evaluate(
                kept,
                data,
                limit=limit,
                preprocess=preprocessing,
                class_index=class_index,
                per_layer=per_layer,
                device=device,
                progress=update,
            )
        outcomes.append(done)
        told |= {"design": str(design), "test_images": done.evaluation.integer.total}
        calibrated = kept.contents.network.provenance.get("quantization", {}).get("calibration_images")
    else:
        load = functools.partial(
            load_images,
            channels=network.fused.convs[0].shape.c_in,
            size=input_size,
            preprocessing=preprocessing or NONE,
        )
        evaluator = Evaluator(
            network.fused, load(data, limit=limit, class_index=class_index), network.norm_gains
        )
        mean, std = normalisation(mean, std, evaluator.images.pixels.shape[3])
        pixels = _apart(load(calibration, limit=calibration_limit).pixels, evaluator.images)
        bits = asked_widths(
            network.fused,
            pixels,
            mean,
            std,
            weight_bits=weight_bits,
            activation_bits=activation_bits,
            bits=bits_file,
            weight_memory=weight_memory,
        )
        cache = not (no_cache or compare)  # whoever compares methods wants their seconds, too
        for method in METHODS if compare else methods or (DEFAULT_METHOD,):
            with on_demand(f"{method}: quantize") as update:
                integers = network.quantize(
                    pixels, method=method, mean=mean, std=std, bits=bits, cache=cache, progress=update
                )
            for line in quantized_how(integers):
                note(line)
            with bar(f"{method}: test") as update:
                done = evaluator.compare(
                    integers.integers,
                    seconds=integers.seconds,
                    per_layer=per_layer,
                    device=device,
                    progress=update,
                )
            outcomes.append(done)
            if cache:  # for the report of a design of the same integers
                found = measured(evaluator.images, integers.integers, data.resolve().name, done)
                keep_measured(found, integers.integers)
        calibrated = len(pixels)
        told |= {
            "test_images": len(evaluator.images),
            "calibration_images": len(pixels),
            "widths": bits.to_json(),
        }
    if plot_path is not None:
        _plot(plot_path, outcomes)
    if as_json:
        told |= {key: network.fused.provenance.get(key) for key in RECORDS}
        say(json.dumps({**told, "methods": [outcome.to_json() for outcome in outcomes]}, indent=2))
        return
    show_evaluations([outcome.evaluation for outcome in outcomes], calibrated)
    for outcome in outcomes:
        if outcome.layers:
            show_layers(outcome.evaluation.method, outcome.layers)


def _apart(calibration: NDArray[np.uint8], images: Images) -> NDArray[np.uint8]:
    """Those calibration images (N, H, W, C) that are no test images, before anything slow begins."""
    from repvgg_hw.measure.accuracy import without

    if calibration.shape[1:] != images.pixels.shape[1:]:
        sizes = " and ".join(f"{p.shape[1]}x{p.shape[2]}" for p in (calibration, images.pixels))
        raise InputError(f"calibration and test images differ in size, {sizes}: give --input-size")
    kept = without(calibration, images.pixels)
    if len(kept) < len(calibration):
        note(f"{len(calibration) - len(kept)} calibration images are test images: left out of calibration")
    return kept


def _plot(path: Path, outcomes: Sequence[EvaluatedNetwork]) -> None:
    from repvgg_hw.files import write_if_changed
    from repvgg_hw.quantize.plot import bars

    evaluations = [outcome.evaluation for outcome in outcomes]
    rows = [(e.method, e.integer.percent, *e.integer.interval) for e in evaluations]
    title = f"Top-1 of integer models, {evaluations[0].integer.total} images"
    write_if_changed(path, bars(title, rows, evaluations[0].float_.percent))
