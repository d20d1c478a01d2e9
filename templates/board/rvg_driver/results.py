"""What a batch of images gave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Results:
    """Of N images.

    classes  (N, K) int64, the likeliest first; (N, 0) of a network that ends with a map
    logits   (N, classes) int32, None where the hardware gives none
    maps     (N, C, H, W) uint8, the last map of a network that ends with one; None elsewhere
    cycles   of the accelerator, from the start to the last result; of all runs together
    """

    classes: NDArray[np.int64]
    logits: NDArray[np.int32] | None
    cycles: int
    maps: NDArray[np.uint8] | None = None


def joined(parts: Sequence[Results]) -> Results:
    """Of several runs, one after another."""
    logits = [part.logits for part in parts if part.logits is not None]
    maps = [part.maps for part in parts if part.maps is not None]
    return Results(
        classes=np.concatenate([part.classes for part in parts]),
        logits=np.concatenate(logits) if logits else None,
        cycles=sum(part.cycles for part in parts),
        maps=np.concatenate(maps) if maps else None,
    )
