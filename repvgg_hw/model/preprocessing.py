"""How a picture of any size becomes the network's input: by name, and recorded with the design.

none     not at all: it must have the size
resize   to height x width, bilinear; the aspect ratio is not kept
timm     as timm evaluates (timm.data.transforms_factory.transforms_imagenet_eval): the short side to
         floor(size / crop_pct), then the centre
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from repvgg_hw.errors import InputError

KINDS = ("none", "resize", "timm")
INTERPOLATIONS = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}
DEFAULT_INTERPOLATION = "bilinear"  # of timm's own configurations of RepVGG, too
DEFAULT_CROP_PCT = 0.875  # timm's: 224 of 256


@dataclass(frozen=True)
class Preprocessing:
    """One of KINDS, with what it needs; None where the kind does not use it."""

    kind: str = "none"
    crop_pct: float | None = None  # share of the resized short side that the crop keeps
    interpolation: str | None = None

    def apply(self, image: Image.Image, size: tuple[int, int] | None) -> Image.Image:
        """The picture, mode "L" or "RGB", at size (H, W); unchanged where the kind is none."""
        if self.kind == "none" or size is None:
            return image
        assert self.interpolation is not None
        method = INTERPOLATIONS[self.interpolation]
        if self.kind == "resize":
            return image.resize((size[1], size[0]), method)
        assert self.crop_pct is not None
        return _centre(_short_side(image, size, self.crop_pct, method), size)

    def to_json(self) -> dict[str, Any]:
        """As `design.json` holds it: only what the kind uses."""
        return {key: value for key, value in asdict(self).items() if value is not None}


NONE = Preprocessing()


def preprocessing(
    kind: str | None, crop_pct: float | None = None, interpolation: str | None = None
) -> Preprocessing:
    """From the words of the command line or of `design.json`.

    Raises InputError for an unknown kind or interpolation, and for a setting that the kind does not use.
    """
    kind = kind or "none"
    if kind not in KINDS:
        raise InputError(f"--preprocess is one of {', '.join(KINDS)}, not {kind!r}")
    if crop_pct is not None and kind != "timm":
        raise InputError(f"--crop-pct belongs to --preprocess timm, not to {kind}")
    if kind == "none":
        if interpolation is not None:
            raise InputError("--interpolation belongs to --preprocess timm or resize")
        return NONE
    interpolation = interpolation or DEFAULT_INTERPOLATION
    if interpolation not in INTERPOLATIONS:
        raise InputError(f"--interpolation is {' or '.join(INTERPOLATIONS)}, not {interpolation!r}")
    if kind == "resize":
        return Preprocessing(kind, None, interpolation)
    crop_pct = DEFAULT_CROP_PCT if crop_pct is None else crop_pct
    if not 0 < crop_pct <= 1:
        raise InputError(f"--crop-pct is a share of the short side, above 0 and up to 1, not {crop_pct:g}")
    return Preprocessing(kind, crop_pct, interpolation)


def from_json(recorded: Mapping[str, Any] | None) -> Preprocessing:
    """The inverse of `to_json`; none where nothing is recorded. Raises InputError for anything else."""
    if not recorded:
        return NONE
    try:
        return preprocessing(**recorded)
    except TypeError:
        raise InputError(f"the design's preprocessing {recorded} is damaged: generate it again") from None


def _short_side(
    image: Image.Image, size: tuple[int, int], crop_pct: float, method: Image.Resampling
) -> Image.Image:
    """Resize, keeping the aspect ratio, so that floor(size / crop_pct) just fits into the picture.

    timm has two rules. A square target goes through torchvision's Resize, which rounds the long side down;
    any other through its own ResizeKeepRatio, which rounds to nearest and is always bilinear.
    """
    height, width = (math.floor(side / crop_pct) for side in size)
    w, h = image.size
    if height == width:
        new = (width, int(width * h / w)) if w <= h else (int(height * w / h), height)
        return image.resize(new, method)
    ratio = min(h / height, w / width)
    return image.resize((round(w / ratio), round(h / ratio)), Image.Resampling.BILINEAR)


def _centre(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """torchvision's CenterCrop: an odd margin is halved to the nearest even number, as round() does."""
    height, width = size
    top, left = round((image.height - height) / 2), round((image.width - width) / 2)
    return image.crop((left, top, left + width, top + height))


def pixels_of(image: Image.Image) -> NDArray[np.uint8]:
    """A picture of mode "L" or "RGB" as (H, W, C)."""
    pixels = np.asarray(image, dtype=np.uint8)
    return pixels if pixels.ndim == 3 else pixels[..., None]
