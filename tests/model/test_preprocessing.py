"""How pictures become the network's input, against a definition from timm's and torchvision's behaviour.

timm.data.transforms_factory.transforms_imagenet_eval: Resize(floor(size / crop_pct)), CenterCrop(size); for a
target that is not square ResizeKeepRatio in place of Resize. The definition below computes sizes in exact
fractions, but for ResizeKeepRatio's ties, which timm leaves to floating point, and cuts the crop out of a
NumPy array; only the resampling is Pillow's in both.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from repvgg_hw.errors import InputError
from repvgg_hw.model.images import load_images
from repvgg_hw.model.preprocessing import NONE, from_json, pixels_of, preprocessing

SOURCES = [(300, 400), (400, 300), (33, 20), (20, 33), (257, 255), (256, 256), (501, 333), (9, 200), (31, 31)]
SIZES = [(224, 224), (32, 32), (33, 33), (17, 17), (33, 20), (20, 33), (40, 64)]


def half_even(value: Fraction) -> int:
    """To the nearest integer, ties to the even one, as Python's round and torchvision's crop."""
    below = value.numerator // value.denominator
    rest = value - below
    return below + (rest > Fraction(1, 2) or (rest == Fraction(1, 2) and below % 2 == 1))


def expected_sizes(source: tuple[int, int], size: tuple[int, int], crop_pct: Fraction) -> tuple[int, int]:
    """(H, W) after resizing."""
    scaled = [side / crop_pct // 1 for side in size]
    if scaled[0] == scaled[1]:
        short = min(source)
        height, width = (
            int(scaled[0]) if side == short else int(scaled[0] * side / short) for side in source
        )
        return height, width
    ratio = min(side / int(s) for side, s in zip(source, scaled, strict=True))
    return round(source[0] / ratio), round(source[1] / ratio)


def reference(
    picture: np.ndarray, size: tuple[int, int], crop_pct: Fraction, interpolation: str
) -> np.ndarray:
    height, width = expected_sizes(picture.shape[:2], size, crop_pct)
    kernel = Image.Resampling.BICUBIC if interpolation == "bicubic" else Image.Resampling.BILINEAR
    if size[0] != size[1]:
        kernel = Image.Resampling.BILINEAR  # ResizeKeepRatio's, whatever is configured
    resized = np.asarray(Image.fromarray(picture).resize((width, height), kernel))
    top, left = (half_even(Fraction(a - b, 2)) for a, b in zip((height, width), size, strict=True))
    return resized[top : top + size[0], left : left + size[1]]


@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear"])
@pytest.mark.parametrize("crop_pct", ["0.875", "0.95", "1", "0.8"])
def test_timm_is_what_timm_does(crop_pct: str, interpolation: str) -> None:
    rng = np.random.default_rng(0)
    chosen = preprocessing("timm", float(crop_pct), interpolation)
    for source in SOURCES:
        for size in SIZES:
            picture = rng.integers(0, 256, (*source, 3), dtype=np.uint8)
            got = pixels_of(chosen.apply(Image.fromarray(picture), size))
            assert got.shape == (*size, 3)
            expected = reference(picture, size, Fraction(crop_pct), interpolation)
            assert np.array_equal(got, expected), (source, size)


def test_the_numbers_that_everybody_knows() -> None:
    """224 of 256: 500 x 375 becomes 341 x 256 and loses 58 columns on the left (58.5, to even)."""
    assert expected_sizes((375, 500), (224, 224), Fraction(7, 8)) == (256, 341)
    columns = np.broadcast_to(np.arange(341, dtype=np.uint8)[None, :, None], (256, 341, 1))[..., 0]
    got = np.asarray(preprocessing("timm").apply(Image.fromarray(np.ascontiguousarray(columns)), (224, 224)))
    assert got[0, 0] == 58  # of 256 x 341 nothing is resized


def test_bilinear_is_the_default_as_in_timm_s_repvgg_and_differs_from_bicubic() -> None:
    picture = Image.fromarray(np.random.default_rng(1).integers(0, 256, (90, 70, 3), dtype=np.uint8))
    default, bicubic, bilinear = (
        pixels_of(preprocessing("timm", None, kernel).apply(picture, (32, 32)))
        for kernel in (None, "bicubic", "bilinear")
    )
    assert np.array_equal(default, bilinear)
    assert not np.array_equal(default, bicubic)


def test_resize_is_bilinear_to_height_by_width() -> None:
    picture = np.random.default_rng(2).integers(0, 256, (9, 12), dtype=np.uint8)
    got = pixels_of(preprocessing("resize").apply(Image.fromarray(picture), (5, 7)))
    assert got.shape == (5, 7, 1)
    kernel = Image.Resampling.BILINEAR
    assert np.array_equal(got[..., 0], np.asarray(Image.fromarray(picture).resize((7, 5), kernel)))


def test_files_and_arrays_give_the_same(tmp_path: Path) -> None:
    pictures = np.random.default_rng(3).integers(0, 256, (3, 40, 50, 3), dtype=np.uint8)
    np.savez(tmp_path / "set.npz", images=pictures)
    (tmp_path / "set").mkdir()
    for i, picture in enumerate(pictures):
        Image.fromarray(picture).save(tmp_path / "set" / f"{i}.png")
    files, arrays = (
        load_images(tmp_path / name, size=(33, 20), preprocessing=preprocessing("timm")).pixels
        for name in ("set", "set.npz")
    )
    assert files.shape == (3, 33, 20, 3)
    assert np.array_equal(files, arrays)


@pytest.mark.parametrize(
    "words",
    [(None,), ("none",), ("resize",), ("timm",), ("timm", 0.9, "bilinear"), ("resize", None, "bicubic")],
)
def test_it_is_recorded_and_read_back(words: tuple[Any, ...]) -> None:
    chosen = preprocessing(*words)
    assert from_json(chosen.to_json()) == chosen


def test_nothing_recorded_is_none() -> None:
    assert from_json(None) == NONE
    with pytest.raises(InputError, match="damaged"):
        from_json({"kind": "timm", "crop": 3})


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("squash",), "one of none, resize, timm"),
        (("none", 0.9), "--crop-pct belongs to --preprocess timm"),
        (("resize", 0.9), "--crop-pct belongs to --preprocess timm"),
        ((None, None, "bicubic"), "--interpolation belongs to"),
        (("timm", None, "lanczos"), "bilinear or bicubic"),
        (("timm", 0.0), "above 0 and up to 1"),
        (("timm", 1.01), "above 0 and up to 1"),
        (("timm", float("nan")), "above 0 and up to 1"),
    ],
)
def test_wrong_words(words: tuple[Any, ...], message: str) -> None:
    with pytest.raises(InputError, match=message):
        preprocessing(*words)
