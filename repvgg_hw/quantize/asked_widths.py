"""The widths that were asked for: one for all layers, by name, or by search."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from repvgg_hw.errors import InputError
from repvgg_hw.network import FusedNetwork
from repvgg_hw.quantize.sensitivity import search_widths
from repvgg_hw.quantize.widths import Widths, load_widths

SEARCH_IMAGES = 128  # on which the search for widths measures noise


def asked_widths(
    fused: FusedNetwork,
    calibration: NDArray[np.uint8],
    mean: Sequence[float],
    std: Sequence[float],
    *,
    weight_bits: int | None = None,
    activation_bits: int | None = None,
    bits: Path | str | Widths | None = None,
    weight_memory: int | None = None,
) -> Widths:
    """One width for all layers, those of a file, or found by search on calibration images (N, H, W, C).

    weight_memory  bytes for all weights: the width of each layer is searched for
    Raises InputError for widths out of range, layers that do not exist, and two ways at once.
    """
    ways = {"weight_bits": weight_bits, "bits": bits, "weight_memory": weight_memory}
    if len(given := [name for name, value in ways.items() if value is not None]) > 1:
        raise InputError(f"{' and '.join(given)} exclude each other")
    if bits is not None and activation_bits is not None:
        raise InputError("activation_bits means nothing beside bits, which has them")
    activations = 8 if activation_bits is None else activation_bits
    if isinstance(bits, Widths):
        widths = bits
    elif bits is not None:
        widths = load_widths(Path(bits))
    elif weight_memory is not None:
        widths = search_widths(
            fused,
            calibration[:SEARCH_IMAGES],
            mean=mean,
            std=std,
            budget_bytes=weight_memory,
            activations=activations,
        )
    else:
        widths = Widths(8 if weight_bits is None else weight_bits, activations)
    widths.check(fused)
    return widths
