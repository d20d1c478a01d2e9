"""`repvgg-hw evaluate`: top-1 of the float network and of its integer models."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from repvgg_hw.errors import InputError
from repvgg_hw.network import IMAGENET_MEAN, IMAGENET_STD

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from rich.console import Console

    from repvgg_hw.evaluate import Evaluation
    from repvgg_hw.images import Images
    from repvgg_hw.network import FusedNetwork


def _channels(_: click.Context, parameter: click.Parameter, value: str | None) -> tuple[float, ...] | None:
    """ "0.5,0.5,0.5" -> (0.5, 0.5, 0.5)."""
    if value is None:
        return None
    try:
        return tuple(float(part) for part in value.split(","))
    except ValueError as error:
        raise click.BadParameter(f"{value!r} is no list of numbers such as 0.5,0.5,0.5") from error


@dataclass(frozen=True)
class _Inputs:
    fused: FusedNetwork
    images: Images
    calibration: NDArray[np.uint8]
    mean: tuple[float, ...]
    std: tuple[float, ...]


@click.command()
@click.argument("checkpoint", type=click.Path(path_type=Path))
@click.option("--data", required=True, type=click.Path(path_type=Path), help="Labelled test images.")
@click.option(
    "--calibration", required=True, type=click.Path(path_type=Path), help="Images to quantize on; no labels."
)
@click.option("--method", help="How to quantize [default: the best that takes minutes; --compare names all].")
@click.option("--compare", is_flag=True, help="Quantize by every method and print one table.")
@click.option("--limit", type=click.IntRange(1), help="At most that many test images.")
@click.option("--calibration-limit", type=click.IntRange(1), help="At most that many calibration images.")
@click.option("--resize", type=click.IntRange(1), help="Resize every image to N x N.")
@click.option("--mean", callback=_channels, help="Per channel, in 0..1 [default: ImageNet's].")
@click.option("--std", callback=_channels, help="Per channel, in 0..1 [default: ImageNet's].")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of the table.")
def command(
    checkpoint: Path,
    data: Path,
    calibration: Path,
    method: str | None,
    compare: bool,
    limit: int | None,
    calibration_limit: int | None,
    resize: int | None,
    mean: tuple[float, ...] | None,
    std: tuple[float, ...] | None,
    as_json: bool,
) -> None:
    """Top-1 of the float network CHECKPOINT and of the integer model that hardware runs.

    \b
    Example:
      repvgg-hw evaluate net.pth --data images/val --calibration images/train --compare

    Images are a folder of class folders, or an .npz with images (N, H, W, C) uint8 and labels.
    Exit codes: 0 done, 1 the integer model differs from the golden one, 2 the input or usage is wrong.
    """
    from rich.console import Console

    from repvgg_hw.quantize import DEFAULT_METHOD, METHODS, recipe_named

    if method and compare:
        raise InputError("--method names one method, --compare runs all of them: give one of the two")
    methods = list(METHODS) if compare else [method or DEFAULT_METHOD]
    for name in methods:
        recipe_named(name)
    console = Console(stderr=True)
    inputs = _read(checkpoint, data, calibration, limit, calibration_limit, resize, mean, std, console)
    evaluations = _run(inputs, methods, console)
    if as_json:
        result = {
            "checkpoint": str(checkpoint),
            "test_images": len(inputs.images),
            "calibration_images": len(inputs.calibration),
            "methods": [e.to_json() for e in evaluations],
        }
        json.dump(result, sys.stdout, indent=2)
        click.echo()
    else:
        _print_table(evaluations, inputs)


def _read(
    checkpoint: Path,
    data: Path,
    calibration: Path,
    limit: int | None,
    calibration_limit: int | None,
    resize: int | None,
    mean: tuple[float, ...] | None,
    std: tuple[float, ...] | None,
    console: Console,
) -> _Inputs:
    """Everything from disk, checked before anything slow begins."""
    from repvgg_hw.checkpoint import load_fused
    from repvgg_hw.evaluate import checked_labels, without
    from repvgg_hw.images import load_images

    fused = load_fused(checkpoint)
    channels = fused.convs[0].shape.c_in
    mean, std = _normalisation(mean, IMAGENET_MEAN, channels), _normalisation(std, IMAGENET_STD, channels)
    if min(std) <= 0:
        raise InputError(f"--std must be positive, got {','.join(map(str, std))}")
    images = load_images(data, limit=limit, resize=resize, channels=channels)
    checked_labels(images, len(fused.linear_bias))
    found = load_images(calibration, limit=calibration_limit, resize=resize, channels=channels).pixels
    kept = without(found, images.pixels)
    if len(kept) < len(found):
        console.print(f"{len(found) - len(kept)} calibration images are test images: left out of calibration")
    return _Inputs(fused, images, kept, mean, std)


def _normalisation(
    given: tuple[float, ...] | None, imagenet: tuple[float, ...], channels: int
) -> tuple[float, ...]:
    if given is None:
        if channels != len(imagenet):
            raise InputError(f"the network takes {channels} channels: give --mean and --std")
        return imagenet
    if len(given) != channels:
        raise InputError(f"--mean and --std need {channels} numbers, got {len(given)}")
    return given


def _run(inputs: _Inputs, methods: list[str], console: Console) -> list[Evaluation]:
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from repvgg_hw.evaluate import evaluate
    from repvgg_hw.quantize import quantize
    from repvgg_hw.quantize.forward import float_logits

    columns = (TextColumn("{task.description:<28}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bars:
        bar = bars.add_task("float network", total=len(inputs.images))

        def advance(count: int) -> None:
            bars.advance(bar, count)

        reference = float_logits(inputs.fused, inputs.images.pixels, inputs.mean, inputs.std, advance)
        evaluations = []
        for name in methods:

            def quantizing(done: int, total: int, layer: str, name: str = name) -> None:
                bars.update(bar, description=f"{name}: {layer}", completed=done, total=total)

            bars.update(bar, description=name, completed=0)
            started = time.perf_counter()
            network = quantize(
                inputs.fused,
                inputs.calibration,
                mean=inputs.mean,
                std=inputs.std,
                method=name,
                progress=quantizing,
            )
            seconds = time.perf_counter() - started
            bars.update(bar, description=f"{name}: test", completed=0, total=2 * len(inputs.images))
            evaluations.append(
                evaluate(network, reference, inputs.images, method=name, seconds=seconds, step=advance)
            )
    return evaluations


def _print_table(evaluations: list[Evaluation], inputs: _Inputs) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"Top-1 on {len(inputs.images)} images, {len(inputs.calibration)} for calibration")
    table.add_column("method")
    for heading in ("float", "fake-quantized", "integer", "95 % interval", "drop", "agreement", "seconds"):
        table.add_column(heading, justify="right")
    for e in evaluations:
        low, high = e.integer.interval
        cells: list[Any] = [
            e.method,
            f"{e.float_.percent:.2f}",
            f"{e.fake.percent:.2f}",
            f"{e.integer.percent:.2f}",
            f"{low:.2f} .. {high:.2f}",
            f"{e.drop:+.2f} ± {e.drop_margin:.2f}",
            f"{e.agreement:.2f}",
            f"{e.seconds:.1f}",
        ]
        table.add_row(*cells)
    Console().print(table)
