"""The first stage: a trained network, read from anywhere, or random weights of a variant."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repvgg_hw.api.calibration import calibration
from repvgg_hw.api.quantized import MapQuality, QuantizedNetwork, load_integers
from repvgg_hw.api.quantizer import Quantizer
from repvgg_hw.errors import InputError
from repvgg_hw.names import display_name
from repvgg_hw.network import FusedNetwork
from repvgg_hw.progress import Progress, silent

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import nn

    from repvgg_hw.api.evaluated import EvaluatedNetwork
    from repvgg_hw.api.generated import GeneratedDesign
    from repvgg_hw.api.tuned import FineTunedNetwork
    from repvgg_hw.checkpoint import Expectation, Imported
    from repvgg_hw.model.preprocessing import Preprocessing
    from repvgg_hw.quantize import Widths

DEFAULT_CLASSES = 1000
RANDOM_METHOD = "minmax"
SQNR_IMAGES = 32  # of the calibration images, on which a map is compared with the float network's
CUSTOM = "custom"  # what a network is called that is no published variant


@dataclass(frozen=True, repr=False)
class LoadedNetwork:
    """A trained network: read, fused into a chain of 3x3 convolutions, and proven to be the same.

    source      what it was read from, as it was given: a path, an address, a variant's name
    seed        of its random weights; None where they are trained
    norm_gains  layer -> largest |gamma / sigma| of its batch normalizations; empty where they came in fused
    """

    fused: FusedNetwork
    source: str
    seed: int | None = None
    norm_gains: Mapping[str, float] = field(default_factory=dict)

    def __repr__(self) -> str:
        convs, linear = self.fused.convs, self.fused.linear
        head = "no head" if linear is None else f"{len(linear.weight):,} classes"
        weights = sum(conv.weight.size for conv in convs) + (0 if linear is None else linear.weight.size)
        kind = "" if self.seed is None else f", random with seed {self.seed}"
        size = f"{len(convs)} layers of 3x3, {head}, {weights:,} weights"
        return f"<LoadedNetwork {self.fused.name}: {size}{kind}>"

    def quantize(
        self,
        images: str | Path | NDArray[np.uint8] | None = None,
        *,
        limit: int | None = None,
        input_size: int | tuple[int, int] | None = None,
        preprocess: str | Preprocessing | None = None,
        method: str | None = None,
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
        weight_bits: int | None = None,
        activation_bits: int | None = None,
        bits: Path | str | Widths | None = None,
        weight_memory: int | None = None,
        cache: bool = True,
        progress: Progress = silent,
    ) -> QuantizedNetwork:
        """Integers for this network, their scales set on calibration images.

        images      a folder or an .npz, or an array (N, H, W, C) uint8; only random weights need none
        limit       at most that many of them, spread evenly
        input_size  N or (height, width) [default: the images', of random weights 224]
        preprocess  how images come to that size: "resize", "timm", or a Preprocessing
        mean, std   of pixels in 0..1, one per channel [default: ImageNet's]
        method      a name of repvgg_hw.quantize.METHODS [default: gptq; of random weights minmax]
        weight_bits, activation_bits, bits, weight_memory   as in Quantizer
        cache       whether integers of the same that were found before may serve, and are kept: docs/cli.md
        Raises InputError where images or numbers are none for this network.
        """
        from repvgg_hw.api.cache import find_measured
        from repvgg_hw.measure.accuracy import map_sqnr

        size = (input_size, input_size) if isinstance(input_size, int) else input_size
        if method is None and self.seed is not None:
            # Least-squares rounding is for trained weights and real images: else minutes for nothing.
            method = RANDOM_METHOD
        quantizer = Quantizer(method, mean, std, weight_bits, activation_bits, bits, weight_memory, cache)
        channels = self.fused.convs[0].shape.c_in
        pixels, recorded = calibration(channels, self.seed, images, limit, size, preprocess)
        found = quantizer.quantize(self.fused, pixels, progress, measure=self.seed is None)
        integers = found.network
        quality, shown = None, pixels[:SQNR_IMAGES]
        if self.seed is None and self.fused.linear is None:
            quality = MapQuality(map_sqnr(self.fused, integers, shown), len(shown))
        options = {"random": self.seed is not None, "seed": self.seed} | recorded
        measured = find_measured(integers) if cache else None
        return QuantizedNetwork(
            integers, self.source, options, quality, found.cached, found.seconds, measured
        )

    def evaluate(
        self,
        integers: QuantizedNetwork | GeneratedDesign,
        data: str | Path | NDArray[np.uint8],
        *,
        labels: NDArray[np.int64] | None = None,
        limit: int | None = None,
        preprocess: str | Preprocessing | None = None,
        class_index: str | Path | None = None,
        per_layer: bool = False,
        device: str = "cpu",
        progress: Progress = silent,
    ) -> EvaluatedNetwork:
        """Top-1 of this network and of its integers, on labelled images.

        integers    of this network; of a design what is found is kept in its folder, and its report shows it
        data        a folder or an .npz, or an array (N, H, W, C) uint8 with `labels`
        limit, preprocess, class_index   at most that many; how files come to the input's size, and which
                    folder is which class
        per_layer   look at each layer, too
        device      where the integers are computed: cpu or cuda
        Raises InputError for images without labels, integers of another network, or without classes;
        CheckFailed where torch and golden model differ.
        """
        from repvgg_hw.api.evaluated import Evaluator, check_same, evaluate_design
        from repvgg_hw.api.labelled import Labelled

        how = Labelled(labels, limit, preprocess, class_index)
        if isinstance(integers, QuantizedNetwork):
            design, of = None, integers
        else:
            design = integers.contents
            of = QuantizedNetwork(design.network, "", design.options)
        if self.seed is not None:
            raise InputError(f"{self.source} has random weights: it classifies nothing")
        check_same(self.fused, of.integers)
        images = how.of(data, of.integers, of.options)
        evaluator = Evaluator(self.fused, images, self.norm_gains)
        found = evaluator.compare(
            of.integers, seconds=of.seconds, per_layer=per_layer, device=device, progress=progress
        )
        if design is not None:
            name = Path(data).resolve().name if isinstance(data, (str, Path)) else "an array"
            evaluate_design(evaluator, design, name, found)
        return found

    def fine_tune(
        self,
        integers: QuantizedNetwork,
        images: str | Path | NDArray[np.uint8],
        *,
        preprocess: str | Preprocessing | None = None,
        val: str | Path | NDArray[np.uint8] | None = None,
        val_labels: NDArray[np.int64] | None = None,
        class_index: str | Path | None = None,
        epochs: int = 120,
        batch_size: int = 32,
        rate: float = 0.15,
        warmup: float = 1.0,
        augment: str = "jitter",
        seed: int = 0,
        workers: int = 2,
        progress: Progress = silent,
    ) -> FineTunedNetwork:
        """Train this network's integers through the hardware's own arithmetic; this network is the teacher.

        integers    that `quantize` gave, or those of a file
        images      a folder or an .npz, or an array (N, H, W, C) uint8; labels are not used
        preprocess  how files come to the input's size [default: as those that the scales were set on]
        val         labelled images, of an array with `val_labels`: top-1 before and after
        class_index  of val: a JSON file, which folder is which class
        epochs, batch_size, rate, warmup, augment, seed   the recipe: docs/training.md; warmup in epochs
        workers     threads that make batches
        Where nothing better is found, it gives the integers that it began with. Raises InputError for images
        or integers of another network, CheckFailed where the loss is no number any more.
        """
        from repvgg_hw.api.tuned import FineTuner
        from repvgg_hw.training.recipe import Recipe

        recipe = Recipe(epochs, batch_size, rate, warmup, augment=augment, seed=seed)
        tuner = FineTuner(recipe, preprocess, val, val_labels, class_index, workers)
        return tuner.tune(self, integers, images, progress)


def load(
    checkpoint: str | os.PathLike[str] | Imported | nn.Module,
    *,
    eps: float | None = None,
    strides: Sequence[int] | None = None,
    groups: Sequence[int] | None = None,
    head: str | None = None,
    assume: Mapping[str, str] | None = None,
    expect: str | os.PathLike[str] | Expectation | None = None,
    tolerance: float | None = None,
    name: str | None = None,
) -> LoadedNetwork:
    """Read a trained network, fuse it and prove that fusing changed nothing.

    checkpoint  a path (.pth, .safetensors, .onnx), an address hf://..., a live torch module, or what
                `from_torch` or `import_network` gave
    eps, strides, groups, head, assume   what a file does not say: docs/import.md
    expect      an .npz of your own framework, images x and its outputs y: the network read must give y within
                `tolerance`, relative to the largest |y| [default: 1e-4]
    name        of the network [default: the variant's, else the file's]
    Raises InputError for what cannot be read or leaves room for two networks, CheckFailed where trained and
    fused network differ or expect does not hold.
    """
    from torch import nn

    from repvgg_hw.checkpoint import Imported, from_torch, import_network, load_expectation

    told: dict[str, Any] = {"eps": eps, "strides": strides, "groups": groups, "assume": assume}
    wanted = load_expectation(Path(expect), tolerance) if isinstance(expect, (str, os.PathLike)) else expect
    if isinstance(checkpoint, (str, os.PathLike)):
        source = os.fspath(checkpoint)
        imported = import_network(source, head=head, expect=wanted, **told)
        own = Path(source).stem
    else:
        if foreign := [key for key, value in {**told, "expect": wanted}.items() if value is not None]:
            raise InputError(f"{', '.join(foreign)}: of files alone, a module says it itself")
        if isinstance(checkpoint, Imported) and head is not None:
            raise InputError("head: what was imported has its own")
        imported = from_torch(checkpoint, head=head) if isinstance(checkpoint, nn.Module) else checkpoint
        source = own = imported.source
    fused = imported.fused
    if name is not None or fused.name == CUSTOM:  # no published variant: named after its file
        fused = replace(fused, name=display_name(name or own))
    gains = {
        conv.name: max(float(abs(norm.scale).max()) for norm in block.norms)
        for conv, block in zip(imported.convs, imported.blocks, strict=True)
        if block.norms
    }
    return LoadedNetwork(fused, source, norm_gains=gains)


def random_network(variant: str, *, classes: int = DEFAULT_CLASSES, seed: int = 0) -> LoadedNetwork:
    """A published variant by its name, "A0" to "B3g4", with random weights: for structure and proof only.

    classes  0: without a linear layer, its last map is the output
    Raises InputError for an unknown name.
    """
    from repvgg_hw.checkpoint import random_network as made
    from repvgg_hw.model.variants import get_variant

    architecture = replace(get_variant(variant), num_classes=classes)
    fused = made(architecture, seed).fused
    return LoadedNetwork(replace(fused, name=architecture.name), variant, seed)


def beside(network: QuantizedNetwork, name: str, progress: Progress = silent) -> QuantizedNetwork:
    """Another network for the same hardware: integers of a file, or a variant at this one's input size.

    The variant has random weights, and as many classes as this network, or 1000.
    """
    if name.endswith(".npz"):
        return load_integers(name)
    of = network.integers
    classes = DEFAULT_CLASSES if of.linear is None else of.num_classes
    size = (of.in_shape[1], of.in_shape[2])
    return random_network(name, classes=classes).quantize(input_size=size, progress=progress)
