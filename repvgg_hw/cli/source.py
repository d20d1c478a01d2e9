"""The options that say which network, as one argument `source`, which makes its integers."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from repvgg_hw.api.quantizer import Quantizer
from repvgg_hw.cli.backbone import say_map
from repvgg_hw.cli.expectations import EXPECT_RULES, expect_options, expectation, said
from repvgg_hw.cli.options import (
    IMAGE_RULES,
    METHOD,
    METHOD_HELP,
    WIDTH_RULES,
    Numbers,
    image_options,
    no_cache_option,
    quantized_how,
    width_options,
)
from repvgg_hw.cli.progress import on_demand
from repvgg_hw.cli.reading import READING, reading_options
from repvgg_hw.cli.rules import excludes, needs, void
from repvgg_hw.cli.talk import note
from repvgg_hw.cli.values import CLASSES, COUNT, INPUT_SIZE, NUMBERS, PLACE, SEED, SOURCE
from repvgg_hw.errors import InputError
from repvgg_hw.model.normalisation import check_units
from repvgg_hw.names import folder_name

if TYPE_CHECKING:
    from repvgg_hw.api import LoadedNetwork, QuantizedNetwork
    from repvgg_hw.model.preprocessing import Preprocessing

Command = TypeVar("Command", bound=Callable[..., None])

# What a file of integers has decided already.
DECIDED = (
    *("--input-size", "--mean", "--std", "--head", "--method"),
    *("--weight-bits", "--activation-bits", "--bits", "--weight-memory", "--no-cache"),
)
SOURCE_RULES = (
    *EXPECT_RULES,
    *IMAGE_RULES,
    *WIDTH_RULES,
    *excludes("--model", "--weights", "--integers"),
    *(void(option, "--integers", why="the file holds the result") for option in DECIDED),
    *(
        needs(option, "--weights", why="random weights have nothing to read or to compare with")
        for option in (*READING, "--expect", "--calibration")
    ),
    needs("--classes", "--model", why="a checkpoint has its own"),
    void("--classes", "--head none", why="it is the linear layer that gives them"),
    needs("--seed", "--model", why="it is of random weights"),
    *(needs(option, "--calibration") for option in ("--calibration-limit", "--preprocess")),
)
SOURCE_GROUPS = {
    "Network": (
        *("--model", "--classes", "--seed", "--integers", "--weights", *READING),
        *("--head", "--expect", "--tolerance"),
    ),
    "Images": (
        *("--input-size", "--calibration", "--calibration-limit", "--mean", "--std"),
        *("--preprocess", "--crop-pct", "--interpolation"),
    ),
    "Quantization": (
        "--method",
        "--weight-bits",
        "--activation-bits",
        "--bits",
        "--weight-memory",
        "--no-cache",
    ),
}


@dataclass(frozen=True)
class NetworkSource:
    """Which network, as it was typed: a variant by name, a checkpoint, or integers; one of the three."""

    model: str | None
    weights: str | None
    integers: Path | None
    reading: dict[str, Any]
    expect: Path | None
    tolerance: float | None
    input_size: tuple[int, int] | None
    classes: int | None
    calibration: Path | None
    calibration_limit: int | None
    preprocessing: Preprocessing | None
    quantizer: Quantizer
    seed: int

    def check(self) -> None:
        """Before any work is done. Raises InputError where no network is named, or in foreign units."""
        if self.model is None and self.weights is None and self.integers is None:
            raise InputError("give either --model NAME for random weights or --weights CHECKPOINT")
        check_units(self.quantizer.mean, self.quantizer.std)

    @property
    def folder(self) -> str:
        """A name for what is made of it."""
        return folder_name(self.model or self.weights or str(self.integers))

    @property
    def random(self) -> bool:
        return self.model is not None

    def network(self) -> QuantizedNetwork:
        """Its integers: read, or quantized."""
        return self.networks({"": self.quantizer})[""]

    def networks(self, quantizers: Mapping[str, Quantizer]) -> dict[str, QuantizedNetwork]:
        """Its integers, by label, as each of these makes them; a file of integers is what it is."""
        from repvgg_hw import api

        wanted = expectation(self.expect, self.tolerance)
        if self.integers is not None:
            return dict.fromkeys(quantizers, api.load_integers(self.integers))
        if self.model is not None:
            headless = self.reading["head"] == "none"
            classes = 0 if headless else self.classes or api.DEFAULT_CLASSES
            loaded = api.random_network(self.model, classes=classes, seed=self.seed)
        else:
            assert self.weights is not None
            if self.calibration is None:
                raise InputError("--weights needs --calibration: images that set the scales of int8")
            loaded = api.load(self.weights, **self.reading, expect=wanted)
            for line in said(loaded.fused.provenance):
                note(line)
        return {label: self._quantized(loaded, one, label) for label, one in quantizers.items()}

    def _quantized(self, loaded: LoadedNetwork, quantizer: Quantizer, label: str) -> QuantizedNetwork:
        with on_demand(f"quantize {label}".strip()) as update:
            network = loaded.quantize(
                self.calibration,
                limit=self.calibration_limit,
                input_size=self.input_size,
                preprocess=self.preprocessing,
                **vars(quantizer),
                progress=update,
            )
        of = f"{label}: " if label else ""
        for line in (*(of + line for line in quantized_how(network)), *say_map(loaded, network)):
            note(line)
        return network

    def beside(self, network: QuantizedNetwork, name: str) -> QuantizedNetwork:
        """Another one for the same hardware, as `--for` names it."""
        from repvgg_hw.api.loaded import beside

        with on_demand("quantize") as update:
            return beside(network, name, update)


def source_options(command: Command) -> Command:
    """The options of SOURCE_GROUPS, as one argument `source`, a NetworkSource."""

    @click.option(
        "--model", help="A variant by name, with seeded random weights: for structure and proof only."
    )
    @click.option("--weights", type=SOURCE, help="A checkpoint: .pth, .safetensors, .onnx or hf://...")
    @click.option("--integers", type=PLACE, help="An integer network, .npz, as train --qat writes it.")
    @reading_options
    @expect_options
    @click.option("--input-size", type=INPUT_SIZE, help="Height and width [default: 224, or the images'].")
    @click.option("--classes", type=CLASSES, help="Classes of --model [default: 1000].")
    @click.option("--calibration", type=PLACE, help="Images to quantize on.")
    @click.option("--calibration-limit", type=COUNT, help="At most that many of them.")
    @image_options
    @click.option("--method", type=METHOD, metavar="NAME", help=f"How to quantize: {METHOD_HELP}.")
    @width_options
    @no_cache_option
    @click.option("--mean", type=NUMBERS, help="Per channel, in 0..1 [default: ImageNet's].")
    @click.option("--std", type=NUMBERS, help="Per channel, in 0..1 [default: ImageNet's].")
    @click.option("--seed", type=SEED, default=0, show_default=True, help="Of random weights.")
    @functools.wraps(command)
    def wrapped(
        *,
        model: str | None,
        weights: str | None,
        integers: Path | None,
        reading: dict[str, Any],
        expect: Path | None,
        tolerance: float | None,
        input_size: tuple[int, int] | None,
        classes: int | None,
        calibration: Path | None,
        calibration_limit: int | None,
        preprocessing: Preprocessing | None,
        method: str | None,
        weight_bits: int | None,
        activation_bits: int | None,
        bits_file: Path | None,
        weight_memory: int | None,
        no_cache: bool,
        mean: Numbers | None,
        std: Numbers | None,
        seed: int,
        **others: Any,
    ) -> None:
        quantizer = Quantizer(
            method, mean, std, weight_bits, activation_bits, bits_file, weight_memory, not no_cache
        )
        source = NetworkSource(
            model, weights, integers, reading, expect, tolerance, input_size, classes, calibration,
            calibration_limit, preprocessing, quantizer, seed,
        )  # fmt: skip
        command(source=source, **others)

    return cast(Command, wrapped)
