"""`repvgg-hw evaluate`: top-1 of the float network and of its integer models."""

from __future__ import annotations

import functools
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
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
    width_options,
)
from repvgg_hw.cli.progress import Update, bar
from repvgg_hw.cli.reading import reading_options
from repvgg_hw.cli.rules import excludes
from repvgg_hw.cli.talk import note, say
from repvgg_hw.cli.values import COUNT, INPUT_SIZE, NUMBERS, PLACE, SOURCE, OutputFile
from repvgg_hw.errors import InputError
from repvgg_hw.model.normalisation import check_units, normalisation

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from repvgg_hw.checkpoint import Imported
    from repvgg_hw.measure.accuracy import Evaluation
    from repvgg_hw.model.images import Images
    from repvgg_hw.model.preprocessing import Preprocessing
    from repvgg_hw.network import FusedNetwork
    from repvgg_hw.quantize import Widths
    from repvgg_hw.quantize.diagnose import LayerReport

LAYER_IMAGES = 100  # on which --per-layer looks


@dataclass(frozen=True)
class _Inputs:
    fused: FusedNetwork
    images: Images
    calibration: NDArray[np.uint8]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    norm_gains: dict[str, float]  # layer -> largest |gamma / sigma|; empty for fused weights


@dataclass(frozen=True)
class _Outcome:
    evaluation: Evaluation
    layers: list[LayerReport]

    def to_json(self) -> dict[str, Any]:
        """Plain values for JSON; `layers` only where they were asked for."""
        layers = {"layers": [layer.to_json() for layer in self.layers]} if self.layers else {}
        return self.evaluation.to_json() | layers


RULES = (
    *EXPECT_RULES,
    *IMAGE_RULES,
    *WIDTH_RULES,
    excludes("--method", "--compare", why="it runs every method"),
)


@click.command(cls=Command, rules=RULES)
@click.argument("checkpoint", type=SOURCE)
@click.option("--data", required=True, type=PLACE, help="Labelled test images.")
@click.option("--calibration", required=True, type=PLACE, help="Images to quantize on; no labels.")
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
    calibration: Path,
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
    device: str,
    plot_path: Path | None,
    as_json: bool,
) -> None:
    """Top-1 of the float network CHECKPOINT and of the integer model that hardware runs.

    \b
    Example:
      repvgg-hw evaluate net.pth --data images/val --calibration images/train --compare

    Images are a folder of class folders, or an .npz with images (N, H, W, C) uint8 and labels.
    Exit codes: 0 done, 1 the integer model differs from the golden one, or the network read from --expect,
    2 the input or usage is wrong.
    """
    from repvgg_hw.checkpoint import import_network
    from repvgg_hw.measure.accuracy import require_classes
    from repvgg_hw.model.images import checked_labels, load_images
    from repvgg_hw.model.preprocessing import NONE
    from repvgg_hw.quantize import DEFAULT_METHOD, METHODS
    from repvgg_hw.quantize.asked_widths import asked_widths

    check_units(mean, std)
    chosen = list(METHODS) if compare else list(methods or [DEFAULT_METHOD])
    if device != "cpu":
        from repvgg_hw import gpu

        gpu.require(device)
    imported = import_network(checkpoint, **reading, expect=expectation(expect, tolerance))
    require_classes(imported.fused)
    for line in said(imported.provenance):
        note(line)
    load = functools.partial(
        load_images,
        channels=imported.fused.convs[0].shape.c_in,
        size=input_size,
        preprocessing=preprocessing or NONE,
    )
    images = load(data, limit=limit, class_index=class_index)
    checked_labels(images, imported.architecture.num_classes)
    inputs = _inputs(imported, images, load(calibration, limit=calibration_limit).pixels, mean, std)
    bits = asked_widths(
        inputs.fused,
        inputs.calibration,
        inputs.mean,
        inputs.std,
        weight_bits=weight_bits,
        activation_bits=activation_bits,
        bits=bits_file,
        weight_memory=weight_memory,
    )
    outcomes = _run(inputs, chosen, bits, per_layer, device)
    evaluations = [outcome.evaluation for outcome in outcomes]
    if plot_path is not None:
        _plot(plot_path, evaluations, inputs)
    if as_json:
        result = {
            "checkpoint": checkpoint,
            "sha256": imported.provenance["sha256"],
            "generator": GENERATOR,
            "test_images": len(inputs.images),
            "calibration_images": len(inputs.calibration),
            "widths": bits.to_json(),
            **{key: imported.provenance.get(key) for key in RECORDS},
            "methods": [outcome.to_json() for outcome in outcomes],
        }
        say(json.dumps(result, indent=2))
    else:
        show_evaluations(evaluations, len(inputs.calibration))
        for outcome in outcomes:
            if outcome.layers:
                show_layers(outcome.evaluation.method, outcome.layers)


def _inputs(
    imported: Imported,
    images: Images,
    calibration: NDArray[np.uint8],
    mean: tuple[float, ...] | None,
    std: tuple[float, ...] | None,
) -> _Inputs:
    """Everything that was read, checked before anything slow begins."""
    from repvgg_hw.measure.accuracy import without

    gains = {
        conv.name: max(float(abs(norm.scale).max()) for norm in block.norms)
        for conv, block in zip(imported.convs, imported.blocks, strict=True)
        if block.norms
    }
    mean, std = normalisation(mean, std, images.pixels.shape[3])
    if calibration.shape[1:] != images.pixels.shape[1:]:
        sizes = " and ".join(f"{p.shape[1]}x{p.shape[2]}" for p in (calibration, images.pixels))
        raise InputError(f"calibration and test images differ in size, {sizes}: give --input-size")
    kept = without(calibration, images.pixels)
    if len(kept) < len(calibration):
        left_out = len(calibration) - len(kept)
        note(f"{left_out} calibration images are test images: left out of calibration")
    return _Inputs(imported.fused, images, kept, mean, std, gains)


def _run(inputs: _Inputs, methods: list[str], bits: Widths, per_layer: bool, device: str) -> list[_Outcome]:
    from repvgg_hw.measure.accuracy import evaluate
    from repvgg_hw.quantize import quantize
    from repvgg_hw.quantize.diagnose import diagnose
    from repvgg_hw.quantize.forward import float_outputs

    count = len(inputs.images)
    with bar("float network") as update:
        advance = _counter(update, count)
        reference = float_outputs(inputs.fused, inputs.images.pixels, inputs.mean, inputs.std, advance)
    outcomes = []
    for name in methods:
        started = time.perf_counter()
        with bar(f"{name}: quantize") as update:
            network = quantize(
                inputs.fused,
                inputs.calibration,
                mean=inputs.mean,
                std=inputs.std,
                method=name,
                widths=bits,
                progress=functools.partial(_layer_done, update),
            )
        seconds = time.perf_counter() - started
        with bar(f"{name}: test") as update:
            evaluation = evaluate(
                network,
                reference,
                inputs.images,
                method=name,
                seconds=seconds,
                step=_counter(update, 2 * count),
                device=device,
            )
        looked_at = inputs.images.pixels[:: max(1, count // LAYER_IMAGES)]
        reports = diagnose(inputs.fused, network, looked_at, inputs.norm_gains) if per_layer else []
        outcomes.append(_Outcome(evaluation, reports))
    return outcomes


def _layer_done(update: Update, done: int, total: int, layer: str) -> None:
    update(done / total, layer)


def _counter(update: Update, total: int) -> Callable[[int], None]:
    """Adds up how many of total are done, and reports their share."""
    done = 0

    def advance(count: int) -> None:
        nonlocal done
        done += count
        update(done / total)

    return advance


def _plot(path: Path, evaluations: list[Evaluation], inputs: _Inputs) -> None:
    from repvgg_hw.files import write_if_changed
    from repvgg_hw.quantize.plot import bars

    rows = [(e.method, e.integer.percent, *e.integer.interval) for e in evaluations]
    title = f"Top-1 of integer models, {len(inputs.images)} images"
    write_if_changed(path, bars(title, rows, evaluations[0].float_.percent))
