"""What every target's verdict is made of."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from repvgg_hw import golden


def share_correct(logits: NDArray[np.integer] | None, labels: NDArray[np.int64] | None) -> float | None:
    """Top-1 of integer logits (N, classes), the labelled ones first; None where either is missing."""
    if logits is None or labels is None:
        return None
    return float((golden.top1(logits[: len(labels)]) == labels).mean())


def first_difference(expected: str, actual: str) -> int | None:
    """The first line, from 0, in which two texts differ; None where they are equal."""
    if expected == actual:
        return None
    ours, theirs = expected.splitlines(), actual.splitlines()
    both = enumerate(zip(ours, theirs, strict=False))
    return next((i for i, (a, b) in both if a != b), min(len(ours), len(theirs)))
