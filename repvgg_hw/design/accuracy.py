"""How good a design's network is beside the float one: what `evaluate` finds and `report` reads.

It is of the network, not of the files: another plan of the same integers keeps it, other integers void it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from repvgg_hw import schema
from repvgg_hw.design.network_digest import network_digest
from repvgg_hw.errors import InputError, context
from repvgg_hw.files import write_if_changed
from repvgg_hw.network import IntegerNetwork

FILE = "accuracy.json"


@dataclass(frozen=True)
class LayerNoise:
    """Signal to quantization noise of each layer's output in dB, float against dequantized integers.

    on      which images; images: how many
    layers  layer -> dB, all error before it included; None where nothing differs
    """

    on: str
    images: int
    layers: dict[str, float | None]


@dataclass(frozen=True)
class Measured:
    """One evaluation on labelled images.

    network          digest of the integers that it is of
    data, images     the name of the images' file or folder, and how many they are
    float_correct, integer_correct   on how many of these the network is right
    agreement        share of images on which both say the same class, in percent
    noise            of each layer on some of these images, where it was looked at
    sha256           of the images' pixels and labels
    """

    network: str
    data: str
    images: int
    float_correct: int
    integer_correct: int
    agreement: float
    noise: LayerNoise | None = None
    sha256: str = ""


def save(measured: Measured, path: Path) -> None:
    """Write it as a file: in a design's folder FILE."""
    write_if_changed(path, json.dumps(dataclasses.asdict(measured), indent=2) + "\n")


def put(measured: Measured, directory: Path) -> None:
    """Write it into a design's folder, where that can be: the design itself is written."""
    with contextlib.suppress(OSError, InputError):
        save(measured, directory / FILE)


def load(directory: Path, network: IntegerNetwork) -> Measured | None:
    """Read accuracy.json; None where nothing was measured, or it was another network.

    Raises InputError where the file is none of ours.
    """
    path = directory / FILE
    return read(path, network) if path.exists() else None


def read(path: Path, network: IntegerNetwork) -> Measured | None:
    """Read such a file; None where it is of another network. Raises InputError where it is none of ours."""
    with context(f"evaluate again: {path}"):
        found = schema.exactly(schema.read_json(path), Measured)
        looked_at = 1 if found.noise is None else found.noise.images
        counts = (found.float_correct, found.integer_correct, looked_at - 1)
        if min(counts) < 0 or max(counts[:2]) > found.images or not 0 <= found.agreement <= 100:
            raise InputError("a count is none of its images")
    return found if found.network == network_digest(network) else None


def of_calibration(network: IntegerNetwork) -> LayerNoise | None:
    """Each layer's noise on calibration images, as `generate` recorded it; None where it is not known."""
    quantization: Any = network.provenance.get("quantization")
    recorded = quantization.get("sqnr_db") if isinstance(quantization, dict) else None
    if not isinstance(recorded, dict):
        return None
    try:
        found = schema.exactly({"on": "calibration", **recorded}, LayerNoise)
    except InputError:
        return None  # provenance is shown and never relied on
    place = {conv.name: number for number, conv in enumerate(network.convs)}  # its keys are sorted: by layers
    last = len(place)
    layers = dict(sorted(found.layers.items(), key=lambda item: place.get(item[0], last)))
    return dataclasses.replace(found, layers=layers)
