"""How training images are varied, on tensors: every draw from a generator that is given, so that it repeats.

Written here, not taken from torchvision: few kinds are needed, each one affine map of the image, one with
colours changed behind it, and a dependency of torchvision's size would serve nothing else.

    none          as they are
    crop          moved by up to 1/8 of the side, mirrored or not: the customary choice for small images
    resized-crop  8 to 100 % of the area at an aspect of 3/4 to 4/3, mirrored or not: that for photographs
    jitter        30 to 100 % of the area, mirrored or not; saturation, contrast and brightness changed: for
                  fine-tuning on few photographs
    affine        turned by up to 12 degrees, scaled, sheared, moved, never mirrored: for digits and letters

`mixed` makes one image of two, for which only a teacher has a label.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

LARGEST_SHIFT = 1 / 8  # of the side
SMALLEST_AREA, WIDEST_ASPECT = 0.08, 4 / 3
JITTER_AREA, COLOURS, BRIGHTNESS = 0.3, 0.4, 0.2
DEGREES, SCALING, SHEAR, MOVE = 12.0, 0.12, 0.15, 0.07


def augmented(x: Tensor, kind: str, generator: torch.Generator) -> Tensor:
    """Images (N, C, H, W), 0..1, each varied on its own; what comes in from outside is black."""
    maps = AUGMENTATIONS[kind](len(x), generator)
    if maps is None:
        return x
    grid = F.affine_grid(maps.to(x.device), list(x.shape), align_corners=False)
    y = F.grid_sample(x, grid, align_corners=False)
    return _recoloured(y, generator) if kind == "jitter" else y


def mixed(x: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """Images (N, C, H, W), of which this share is mixed with its neighbour in the batch: a half blended at a
    random ratio (mixup, arXiv 1710.09412), a half with a square of the other in it (CutMix, 1905.04899)."""
    n, _, height, width = x.shape
    other = x.roll(1, 0)
    blended = torch.lerp(x, other, torch.rand(n, 1, 1, 1, generator=generator))
    y, z = torch.linspace(-1, 1, height)[:, None], torch.linspace(-1, 1, width)
    up, left = (_uniform(n, -1, 1, generator)[:, None, None] for _ in range(2))
    half = torch.rand(n, 1, 1, generator=generator).sqrt()  # of the square's side: its area is uniform
    inside = ((y - up).abs() < half) & ((z - left).abs() < half)
    pasted = torch.where(inside[:, None], other, x)
    draw = torch.rand(n, 1, 1, 1, generator=generator)
    return torch.where(draw < share / 2, blended, torch.where(draw < share, pasted, x))


def _recoloured(x: Tensor, generator: torch.Generator) -> Tensor:
    """Saturation, contrast and brightness of each image changed, in this order; kept within 0..1."""
    saturation, contrast, brightness = (
        _uniform(len(x), 1 - change, 1 + change, generator)[:, None, None, None].to(x.device)
        for change in (COLOURS, COLOURS, BRIGHTNESS)
    )
    x = torch.lerp(x.mean(1, keepdim=True), x, saturation)
    x = torch.lerp(x.mean((1, 2, 3), keepdim=True), x, contrast)
    return (x * brightness).clamp_(0, 1)


def _uniform(n: int, low: float, high: float, generator: torch.Generator) -> Tensor:
    return low + (high - low) * torch.rand(n, generator=generator)


def _mirror(n: int, generator: torch.Generator) -> Tensor:
    """1 or -1."""
    return torch.where(torch.rand(n, generator=generator) < 0.5, -1.0, 1.0)


def _maps(xx: Tensor, xy: Tensor, x: Tensor, yx: Tensor, yy: Tensor, y: Tensor) -> Tensor:
    """Affine maps (N, 2, 3) from output to input coordinates, both -1..1."""
    return torch.stack((torch.stack((xx, xy, x), 1), torch.stack((yx, yy, y), 1)), 1)


def _none(n: int, generator: torch.Generator) -> None:
    return None


def _crop(n: int, generator: torch.Generator) -> Tensor:
    zero, one = torch.zeros(n), torch.ones(n)
    x, y = (_uniform(n, -2 * LARGEST_SHIFT, 2 * LARGEST_SHIFT, generator) for _ in range(2))
    return _maps(_mirror(n, generator), zero, x, zero, one, y)


def _resized_crop(n: int, generator: torch.Generator, smallest: float = SMALLEST_AREA) -> Tensor:
    area = _uniform(n, smallest, 1.0, generator)
    aspect = torch.exp(_uniform(n, -math.log(WIDEST_ASPECT), math.log(WIDEST_ASPECT), generator))
    width, height = (area * aspect).sqrt().clamp_max(1), (area / aspect).sqrt().clamp_max(1)
    x, y = (_uniform(n, -1.0, 1.0, generator) * (1 - side) for side in (width, height))
    zero = torch.zeros(n)
    return _maps(width * _mirror(n, generator), zero, x, zero, height, y)


def _affine(n: int, generator: torch.Generator) -> Tensor:
    angle = _uniform(n, -math.radians(DEGREES), math.radians(DEGREES), generator)
    scale = _uniform(n, 1 - SCALING, 1 + SCALING, generator)
    shear = _uniform(n, -SHEAR, SHEAR, generator)
    x, y = (_uniform(n, -2 * MOVE, 2 * MOVE, generator) for _ in range(2))
    cos, sin = angle.cos() * scale, angle.sin() * scale
    return _maps(cos, shear - sin, x, sin, cos, y)


AUGMENTATIONS: dict[str, Callable[[int, torch.Generator], Tensor | None]] = {
    "none": _none,
    "crop": _crop,
    "resized-crop": _resized_crop,
    "jitter": partial(_resized_crop, smallest=JITTER_AREA),
    "affine": _affine,
}
