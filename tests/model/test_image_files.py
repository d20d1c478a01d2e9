"""Image files of every mode: what 8-bit values they become, or why they are refused.

Expected values are computed here from the pixels that were written, never read back through Pillow.
"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from repvgg_hw.errors import InputError
from repvgg_hw.model.image_files import read_image

ORIENTATION = 0x0112  # EXIF tag
RNG = np.random.default_rng(0)
COLOUR = RNG.integers(0, 256, (5, 7, 3), dtype=np.uint8)
GREY = COLOUR[..., 0]
WIDE = RNG.integers(0, 65536, (5, 7), dtype=np.uint16)
WIDE[0, :7] = (0, 256, 257, 513, 514, 65534, 65535)  # at the edges of steps


def pixels(file: Path, mode: str) -> np.ndarray:
    image = read_image(file, mode)
    assert image.mode == mode
    return np.asarray(image)


def saved(image: Image.Image, path: Path, **options: Any) -> Path:
    image.save(path, **options)
    return path


def png(path: Path, depth: int, colour: int, rows: np.ndarray, *chunks: tuple[bytes, bytes]) -> Path:
    """A PNG written byte by byte: rows (H, bytes per row), for depths that Pillow does not write."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    width = rows.shape[1] * 8 // (depth * {0: 1, 2: 3, 4: 2, 6: 4}[colour])
    header = struct.pack(">IIBBBBB", width, len(rows), depth, colour, 0, 0, 0)
    body = b"".join(b"\0" + row.tobytes() for row in rows)
    parts = [(b"IHDR", header), *chunks, (b"IDAT", zlib.compress(body)), (b"IEND", b"")]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts))
    return path


def big_endian(values: np.ndarray) -> np.ndarray:
    return values.astype(">u2").reshape(len(values), -1).view(np.uint8)


def test_grey_and_colour_are_as_they_are(tmp_path: Path) -> None:
    grey, colour = Image.fromarray(GREY), Image.fromarray(COLOUR)
    for suffix in ("png", "bmp", "tif", "ppm"):
        assert np.array_equal(pixels(saved(grey, tmp_path / f"grey.{suffix}"), "L"), GREY)
        assert np.array_equal(pixels(saved(colour, tmp_path / f"colour.{suffix}"), "RGB"), COLOUR)


def test_grey_for_three_channels_is_repeated_and_colour_for_one_is_luma(tmp_path: Path) -> None:
    repeated = pixels(saved(Image.fromarray(GREY), tmp_path / "grey.png"), "RGB")
    assert np.array_equal(repeated, np.stack([GREY] * 3, axis=2))
    luma = COLOUR.astype(np.float64) @ (0.299, 0.587, 0.114)  # ITU-R 601
    got = pixels(saved(Image.fromarray(COLOUR), tmp_path / "colour.png"), "L")
    assert abs(got - luma).max() <= 0.51


@pytest.mark.parametrize("suffix", ["png", "tif", "pgm"])
def test_16_bit_grey_is_scaled(tmp_path: Path, suffix: str) -> None:
    file = saved(Image.fromarray(WIDE), tmp_path / f"wide.{suffix}")
    assert np.array_equal(pixels(file, "L"), WIDE // 257)
    assert np.array_equal(pixels(file, "RGB"), np.stack([WIDE // 257] * 3, axis=2))


def test_an_8_bit_image_widened_to_16_bits_comes_back(tmp_path: Path) -> None:
    file = saved(Image.fromarray(GREY.astype(np.uint16) * 257), tmp_path / "wide.png")
    assert np.array_equal(pixels(file, "L"), GREY)


def test_big_endian_tiff(tmp_path: Path) -> None:
    image = Image.frombytes("I;16B", (7, 5), WIDE.astype(">u2").tobytes())
    assert np.array_equal(pixels(saved(image, tmp_path / "wide.tif"), "L"), WIDE // 257)


def test_pgm_scales_its_own_white_level(tmp_path: Path) -> None:
    """10 bits: white is 1023."""
    (tmp_path / "ten.pgm").write_bytes(b"P5 4 1 1023\n" + np.array([0, 512, 1022, 1023], ">u2").tobytes())
    assert pixels(tmp_path / "ten.pgm", "L").tolist() == [[0, 127, 254, 255]]


def test_16_bit_colour_is_its_high_bytes(tmp_path: Path) -> None:
    wide = RNG.integers(0, 65536, (5, 7, 3), dtype=np.uint16)
    assert np.array_equal(pixels(png(tmp_path / "wide.png", 16, 2, big_endian(wide)), "RGB"), wide >> 8)


def test_one_bit_and_palettes(tmp_path: Path) -> None:
    bits = GREY > 100
    assert np.array_equal(pixels(saved(Image.fromarray(bits), tmp_path / "bits.png"), "L"), 255 * bits)
    indices = GREY % 3
    palette = Image.fromarray(indices)
    palette.putpalette([10, 20, 30, 200, 100, 0, 7, 7, 7])
    colours = np.array([(10, 20, 30), (200, 100, 0), (7, 7, 7)], np.uint8)
    file = saved(palette, tmp_path / "palette.png")
    assert Image.open(file).mode == "P"
    assert np.array_equal(pixels(file, "RGB"), colours[indices])


def test_four_bit_grey_uses_the_whole_range(tmp_path: Path) -> None:
    file = png(tmp_path / "four.png", 4, 0, np.array([[0x0F, 0x18]], np.uint8))
    assert pixels(file, "L").tolist() == [[0, 255, 17, 136]]


def test_cmyk_and_ycbcr(tmp_path: Path) -> None:
    """Pillow's rule, as in torchvision: (255 - C)(255 - K) / 255; JFIF's for YCbCr."""
    inks = np.zeros((1, 3, 4), np.uint8)
    inks[0, 0, 0], inks[0, 1, 3], inks[0, 2] = 255, 128, (51, 0, 0, 51)
    file = saved(Image.fromarray(inks, "CMYK"), tmp_path / "inks.tif")
    assert abs(pixels(file, "RGB").astype(int) - [[(0, 255, 255), (127,) * 3, (163, 204, 204)]]).max() <= 1
    assert pixels(file, "L").shape == (1, 3)
    red = saved(Image.fromarray(np.full((1, 1, 3), (76, 85, 255), np.uint8), "YCbCr"), tmp_path / "red.tif")
    assert abs(pixels(red, "RGB").astype(int) - [[(254, 0, 0)]]).max() <= 2


@pytest.mark.parametrize("mode", ["LA", "RGBA", "P", "L", "RGB", "16"])
@pytest.mark.parametrize("opaque", [True, False])
def test_transparent_pixels_are_refused_and_opaque_alpha_is_dropped(
    tmp_path: Path, mode: str, opaque: bool
) -> None:
    file = tmp_path / "alpha.png"
    alpha = np.full(GREY.shape, 255, np.uint8)
    grey, colour = GREY | 1, COLOUR | 1  # no pixel is 0, which a tRNS chunk names below
    if not opaque:
        alpha[2, 3] = 254
        grey[2, 3], colour[2, 3] = 0, 0
    if mode == "LA":
        saved(Image.fromarray(np.dstack([grey, alpha]), "LA"), file)
    elif mode == "RGBA":
        saved(Image.fromarray(np.dstack([colour, alpha]), "RGBA"), file)
    elif mode == "P":
        palette = Image.fromarray(grey)
        palette.putpalette(np.repeat(np.arange(256, dtype=np.uint8), 3).tobytes())
        saved(palette, file, transparency=0)
    elif mode == "L":
        saved(Image.fromarray(grey), file, transparency=0)
    elif mode == "RGB":
        saved(Image.fromarray(colour), file, transparency=(0, 0, 0))
    else:
        png(file, 16, 0, big_endian(grey.astype(np.uint16) * 257), (b"tRNS", b"\0\0"))
    if not opaque:
        with pytest.raises(InputError, match=r"alpha\.png: has transparent pixels.*flatten"):
            read_image(file, "RGB")
        return
    expected = colour if mode.startswith("RGB") else np.stack([grey] * 3, axis=2)
    assert np.array_equal(pixels(file, "RGB"), expected)


def test_values_without_a_white_level_are_refused(tmp_path: Path) -> None:
    cases = {
        "float.tif": (Image.fromarray(np.zeros((2, 2), np.float32)), "floating-point pixels"),
        "wide.tif": (Image.fromarray(np.zeros((2, 2), np.int32)), "32-bit pixels"),
        "lab.tif": (Image.fromarray(np.zeros((2, 2, 3), np.uint8), "LAB"), "pixels of mode LAB"),
    }
    for name, (image, message) in cases.items():
        with pytest.raises(InputError, match=f"{name}: {message}.*save it as an 8-bit image"):
            read_image(saved(image, tmp_path / name), "L")
    white_is_zero = saved(Image.fromarray(WIDE), tmp_path / "inverse.tif", tiffinfo={262: 0})
    with pytest.raises(InputError, match="not 16-bit with black 0"):
        read_image(white_is_zero, "L")


# Where the picture's rows and columns begin, for each EXIF orientation: how to turn it back.
TURNED = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: np.rot90(a, 1),
}


@pytest.mark.parametrize("orientation", TURNED)
@pytest.mark.parametrize("wide", [False, True])
def test_exif_orientation_is_respected(tmp_path: Path, orientation: int, wide: bool) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    stored = WIDE if wide else COLOUR
    file = saved(Image.fromarray(stored), tmp_path / "turned.png", exif=exif)
    shown = pixels(file, "L" if wide else "RGB")
    assert np.array_equal(shown, TURNED[orientation](WIDE // 257 if wide else COLOUR))


def test_damaged_files_are_named(tmp_path: Path) -> None:
    whole = saved(Image.fromarray(COLOUR), tmp_path / "whole.png").read_bytes()
    for end in (0, 10, 40, len(whole) - 30):
        (tmp_path / "cut.png").write_bytes(whole[:end])
        with pytest.raises(InputError, match=r"cut\.png: not a readable image"):
            read_image(tmp_path / "cut.png", "RGB")


def test_of_several_frames_the_first_is_read(tmp_path: Path) -> None:
    frames = [Image.fromarray(COLOUR), Image.fromarray(255 - COLOUR)]
    for suffix in ("png", "tif"):
        file = saved(frames[0], tmp_path / f"frames.{suffix}", save_all=True, append_images=frames[1:])
        assert np.array_equal(pixels(file, "RGB"), COLOUR)
