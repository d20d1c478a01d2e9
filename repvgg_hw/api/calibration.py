"""The images on which integers' scales are set, and what a design records of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from repvgg_hw.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from repvgg_hw.model.preprocessing import Preprocessing

DEFAULT_SIZE = (224, 224)
RANDOM_IMAGES = 4  # synthetic ones, that set the scales of a random network


def calibration(
    channels: int,
    seed: int | None,
    images: str | Path | NDArray[np.uint8] | None,
    limit: int | None,
    size: tuple[int, int] | None,
    preprocess: str | Preprocessing | None,
) -> tuple[NDArray[np.uint8], dict[str, Any]]:
    """Pixels (N, H, W, C) uint8, and what design.json records of them.

    seed  of the network's random weights, which need no images; None where they are trained
    Raises InputError for no images, and for words that mean nothing beside them.
    """
    from repvgg_hw.model.images import load_images, synthetic
    from repvgg_hw.model.preprocessing import NONE, preprocessing

    if images is None:
        if seed is None:
            raise InputError("trained weights need calibration images, which set the scales of int8")
        given: dict[str, object] = {"limit": limit, "preprocess": preprocess}
        if unused := [name for name, value in given.items() if value is not None]:
            raise InputError(f"{' and '.join(unused)}: there are no images")
        return synthetic(RANDOM_IMAGES, (channels, *(size or DEFAULT_SIZE)), seed), {}
    if not isinstance(images, (str, Path)):
        given = {"limit": limit, "input_size": size, "preprocess": preprocess}
        if unused := [name for name, value in given.items() if value is not None]:
            raise InputError(f"{' and '.join(unused)}: of files alone, an array is used as it is")
        return images, {"calibration": "an array"}
    chosen = preprocessing(preprocess) if isinstance(preprocess, str) else preprocess
    pixels = load_images(images, limit, channels, size, chosen or NONE).pixels
    recorded: dict[str, Any] = {} if chosen is None else {"preprocess": chosen.to_json()}
    # a name only: the same images elsewhere give the same network.npz
    return pixels, recorded | {"calibration": Path(images).resolve().name}
