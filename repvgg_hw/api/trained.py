"""Before the stages: from labelled images to a checkpoint, `train`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repvgg_hw.api.loaded import LoadedNetwork, load
from repvgg_hw.api.training_images import TrainingImages
from repvgg_hw.errors import InputError
from repvgg_hw.files import check_output
from repvgg_hw.model.normalisation import check_units, normalisation
from repvgg_hw.progress import Progress, silent

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from repvgg_hw.model.preprocessing import Preprocessing
    from repvgg_hw.training.recipe import Recipe

CHECKPOINTS = (".pth", ".safetensors")


@dataclass(frozen=True, repr=False)
class TrainedCheckpoint:
    """A checkpoint in training form, written and proven: read again it gives the trained network's logits.

    output         its file
    shape, block, classes   variant, or widths, depths and strides; kind of block
    images, size, channels  that it was trained on: how many, (H, W), 1 or 3
    preprocessing  how files came to that size; none of an .npz and of an array
    mean, std      of pixels in 0..1, one per channel, as `quantize` takes them
    recipe         every number that decides about the result
    reading        what `load` must be told to read it so: strides, assume
    top1           share of `val` that is classified rightly, 0..1; None without it
    difference     of logits in float64, as trained against as read, relative to the largest; None in those
                   processes of torchrun that write nothing
    """

    output: Path
    shape: str
    block: str
    classes: int
    images: int
    size: tuple[int, int]
    channels: int
    preprocessing: Preprocessing
    mean: tuple[float, ...]
    std: tuple[float, ...]
    recipe: Recipe
    reading: Mapping[str, Any]
    top1: float | None = None
    difference: float | None = None

    def __repr__(self) -> str:
        top1 = "" if self.top1 is None else f", top-1 {self.top1:.2%}"
        return (
            f"<TrainedCheckpoint {self.output}: {self.shape} of {self.block}, {self.classes:,} classes, "
            f"{self.recipe.epochs:,} epochs of {self.images:,} images{top1}>"
        )

    def load(self) -> LoadedNetwork:
        """The network of its file, fused: the next stage."""
        return load(self.output, **self.reading)


def train(
    data: str | Path | NDArray[np.uint8],
    output: str | Path,
    *,
    model: str | None = None,
    widths: Sequence[int] | None = None,
    depths: Sequence[int] | None = None,
    strides: Sequence[int] | None = None,
    block: str = "repvgg",
    scales: str | Path | None = None,
    labels: NDArray[np.int64] | None = None,
    val: str | Path | NDArray[np.uint8] | None = None,
    val_labels: NDArray[np.int64] | None = None,
    input_size: int | tuple[int, int] | None = None,
    channels: int | None = None,
    class_index: str | Path | None = None,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    epochs: int = 120,
    batch_size: int = 256,
    rate: float = 0.1,
    warmup: float = 5.0,
    momentum: float = 0.9,
    weight_decay: float = 1e-4,
    label_smoothing: float = 0.1,
    ema: float = 0.0,
    augment: str = "crop",
    amp: bool = False,
    seed: int = 0,
    device: str | None = None,
    workers: int = 2,
    resume: bool = False,
    save_every: int | None = None,
    no_save: bool = False,
    log: str | Path | None = None,
    tensorboard: str | Path | None = None,
    progress: Progress = silent,
) -> TrainedCheckpoint:
    """Train a network of re-parameterised blocks on labelled images, and write it in training form.

    data        a folder with a folder for each class, an .npz, or an array (N, H, W, C) uint8 with `labels`
    output      .pth or .safetensors; beside it, until it is done, lies the unfinished training
    model       a variant, "A0"; or widths of stem and stages, with depths [default: 1], strides [default: 2]
    block       a name of repvgg_hw.training.blocks.BLOCKS; scales: of repopt, a checkpoint of repopt-search
    val         as data, with `val_labels`: top-1 after each epoch
    input_size  N or (height, width), to which files of folders are brought; channels: 3, or 1 for grey
    class_index  a JSON file, which folder is which class
    mean, std   of pixels in 0..1, one per channel [default: ImageNet's]
    epochs, batch_size, rate, warmup, momentum, weight_decay, label_smoothing, ema, augment, amp, seed
                the recipe: docs/training.md; warmup in epochs, batch_size in images over all processes
    device      "cpu", "cuda" or "cuda:N" [default: a GPU where there is one]; workers: threads decoding files
    resume      go on with the unfinished training, as if it had never stopped
    save_every  steps between saves [default: an epoch, or 5 minutes]; no_save: keep none
    log         a .csv with a row for each epoch; tensorboard: a folder for its events
    progress    is told the share of all steps, and epoch, loss and time that is left
    Processes that torchrun has started train together, and the first one writes. Raises InputError for what
    is wrong or void, CheckFailed where the loss is no number any more or the file would be read as another
    network: then nothing is written.
    """
    _check_words(model, widths, depths, strides, block, scales, save_every, resume=resume, no_save=no_save)
    check_units(mean, std)
    from repvgg_hw.training.distributed import device_named, joined
    from repvgg_hw.training.finish import finish, reading_of
    from repvgg_hw.training.log import Log
    from repvgg_hw.training.loop import Surroundings
    from repvgg_hw.training.loop import train as run
    from repvgg_hw.training.recipe import Recipe, check_whole
    from repvgg_hw.training.start import architecture_of, new_network
    from repvgg_hw.training.state import state_path

    recipe = Recipe(
        epochs, batch_size, rate, warmup, momentum, weight_decay, label_smoothing, ema, augment, amp, seed
    )
    check_whole("workers", workers, 1, 256)
    if save_every is not None:
        check_whole("save_every", save_every, 1, 10**9)
    place, rows = Path(output), None if log is None else Path(log)
    check_output(place, CHECKPOINTS)
    if rows is not None:
        check_output(rows, (".csv",))
    state = None if no_save else state_path(place)
    if state is not None:
        check_output(state)
    wanted = TrainingImages(data, labels, val, val_labels, input_size, channels, class_index)
    with joined(device_named(device)) as (processes, own):
        images, validation = wanted.read()
        mean, std = normalisation(mean, std, images.channels)
        sizes = (None if given is None else tuple(given) for given in (widths, depths, strides))
        architecture = architecture_of(model, *sizes, classes=images.classes, channels=images.channels)
        network = new_network(architecture, block, seed, None if scales is None else Path(scales))
        events = None if tensorboard is None else Path(tensorboard)
        records = Log(rows, events) if processes.first else None
        around = Surroundings(
            own, processes, mean, std, state, save_every=save_every, resume=resume, workers=workers
        )
        shape = model or f"{architecture.widths} {architecture.depths} {architecture.strides}"
        made_of = {
            "network": shape,
            "block": block,
            "classes": images.classes,
            "mean": list(mean),
            "std": list(std),
            "processes": processes.world,
        }
        told = progress if processes.first else silent
        told(0.0, "")
        trained = run(
            network, images, recipe, around,
            validation=validation, log=records, made_of=made_of, report=told,
        )  # fmt: skip
        difference = None
        if processes.first:
            difference = finish(trained, architecture, block, place).difference
            if state is not None:
                state.unlink(missing_ok=True)
    return TrainedCheckpoint(
        place,
        shape,
        block,
        images.classes,
        len(images),
        images.size,
        images.channels,
        images.preprocessing,
        mean,
        std,
        recipe,
        reading_of(architecture, block),
        None if records is None else records.last_top1,
        difference,
    )


def _check_words(
    model: str | None,
    widths: Sequence[int] | None,
    depths: Sequence[int] | None,
    strides: Sequence[int] | None,
    block: str,
    scales: str | Path | None,
    save_every: int | None,
    *,
    resume: bool,
    no_save: bool,
) -> None:
    """Refuse words that exclude each other, or mean nothing; the command has rules for its own options."""
    void = {
        "model and widths exclude each other": model is not None and widths is not None,
        "depths belongs to widths": depths is not None and widths is None,
        "strides belongs to widths: a variant has its own": strides is not None and widths is None,
        "scales belongs to block repopt": scales is not None and block != "repopt",
        "save_every means nothing beside no_save": save_every is not None and no_save,
        "resume means nothing beside no_save": resume and no_save,
    }
    for problem, holds in void.items():
        if holds:
            raise InputError(problem)
