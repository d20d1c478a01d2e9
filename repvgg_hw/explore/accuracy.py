"""Top-1 of the integer networks of a sweep on labelled images."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import numpy as np

from repvgg_hw.design.network_digest import add, network_digest
from repvgg_hw.explore.kept import Kept, accuracy_key
from repvgg_hw.explore.outcome import Top1
from repvgg_hw.model.images import Images, checked_labels
from repvgg_hw.network import IntegerNetwork
from repvgg_hw.progress import Progress, silent


def measure(
    networks: Mapping[str, IntegerNetwork], images: Images, kept: Kept, progress: Progress = silent
) -> dict[str, Top1]:
    """Label -> top-1; those that are kept are not measured again.

    The integers are computed on torch and, on the first images, held against the golden model: raises
    CheckFailed where the two differ, InputError for images without labels or beyond a network's classes.
    """
    from repvgg_hw.measure.accuracy import (
        PROVEN_IMAGES,
        integer_logits,
        require_classes,
        require_golden_logits,
        top1,
    )

    found: dict[str, Top1] = {}
    digest = _digest(images)
    for label, network in networks.items():
        require_classes(network)
        labels = checked_labels(images, network.num_classes)
        key = accuracy_key(network_digest(network), digest)
        if key not in kept.accuracies:
            done = 0

            def step(count: int, label: str = label) -> None:
                nonlocal done
                done += count
                progress(min(0.999, done / len(images)), f"top-1 of {label}")

            progress(0.0, f"top-1 of {label}")
            require_golden_logits(network, images.pixels[:PROVEN_IMAGES])
            predicted = top1(integer_logits(network, images.pixels, step, "cpu"))
            kept.keep(key, Top1(int(np.sum(predicted == labels)), len(labels)))
        found[label] = kept.accuracies[key]
    return found


def _digest(images: Images) -> str:
    """Of pixels and labels."""
    digest = hashlib.sha256()
    add(digest, images.pixels, *(() if images.labels is None else (images.labels,)))
    return digest.hexdigest()
