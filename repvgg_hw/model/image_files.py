"""One image file, whatever its mode, as 8-bit grey or RGB in the orientation in which it is viewed.

What has one meaning is converted, what needs a guess is refused:

    8 bits, 1 bit, palette     as they are; grey is repeated for three channels, colour becomes ITU-R 601 luma
    16-bit grey                v // 257: 0..65535 -> 0..255
    16-bit colour              the high byte of each channel, which is all that Pillow reads
    CMYK, YCbCr                Pillow's conversion to RGB, as in torchvision and timm
    alpha                      dropped where every pixel is opaque; else refused: the background is not known
    32-bit, floating point     refused: no white level is stored
"""

from __future__ import annotations

import struct
import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from repvgg_hw.errors import InputError

GREY_16_STEP = 257  # 65535 / 255: white stays white, and an 8-bit image widened to 16 bits comes back
PLAIN_MODES = {"1", "L", "P", "RGB", "RGBX", "CMYK", "YCbCr"}
ALPHA_MODES = {"LA": "LA", "PA": "RGBA", "RGBA": "RGBA", "La": "LA", "RGBa": "RGBA"}  # -> where alpha is last
BITS_PER_SAMPLE, PHOTOMETRIC, BLACK_IS_ZERO = 258, 262, 1  # of TIFF

# What Pillow's parsers raise on damaged files.
DAMAGED = (
    UnidentifiedImageError,
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    KeyError,
    TypeError,
    OverflowError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,  # an error here: see read_image
)


def read_image(file: Path, mode: str) -> Image.Image:
    """The picture in file as mode "L" or "RGB", turned as its EXIF orientation says.

    Raises InputError for a damaged file, for pixels that do not say what 8-bit values they are, and for more
    of them than Pillow takes for honest.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(file) as opened:
                depth_problem = _depth_problem(opened)
                if depth_problem:
                    raise InputError(f"{file}: {depth_problem}: save it as an 8-bit image")
                return _eight_bits(ImageOps.exif_transpose(opened), file, mode)
    except DAMAGED as error:
        raise InputError(f"{file}: not a readable image ({error})") from error
    except MemoryError:
        raise InputError(f"{file}: there is no memory for its pixels") from None


def _depth_problem(opened: Image.Image) -> str | None:
    """Why values of more than 8 bits cannot be scaled to 0..255; None where they can."""
    mode, kind = opened.mode, opened.format
    if mode in PLAIN_MODES or mode in ALPHA_MODES:
        return None
    if mode == "F":
        return "floating-point pixels (mode F), whose white level is not stored"
    if mode == "I" and kind in ("PNG", "PPM"):
        return None  # 16 bits, which Pillow holds in 32; it has scaled PPM's own white level to 65535
    if mode.startswith("I;16") and kind == "PNG":
        return None
    if mode.startswith("I;16") and kind == "TIFF":
        tags: Any = getattr(opened, "tag_v2", {})
        if tags.get(BITS_PER_SAMPLE) == (16,) and tags.get(PHOTOMETRIC) == BLACK_IS_ZERO:
            return None
        return "a TIFF of more than 8 bits that is not 16-bit with black 0"
    if mode == "I":
        return "32-bit pixels (mode I), whose white level is not stored"
    return f"pixels of mode {mode}, which is none of grey, palette, RGB, CMYK and YCbCr"


def _eight_bits(image: Image.Image, file: Path, mode: str) -> Image.Image:
    if image.mode.startswith("I"):
        values = np.asarray(image).astype(np.int64)
        if np.any(values == image.info.get("transparency", -1)):
            raise _transparent(file)
        image = Image.fromarray(scaled_16_bits(values))
    elif image.mode in ALPHA_MODES or "transparency" in image.info:
        image = image.convert(ALPHA_MODES.get(image.mode, "RGBA"))
        if image.getchannel("A").getextrema()[0] != 255:
            raise _transparent(file)
        image = image.convert("L" if image.mode == "LA" else "RGB")
    elif image.mode == "CMYK":
        image = image.convert("RGB")
    return image.convert(mode)


def scaled_16_bits(values: NDArray[np.integer]) -> NDArray[np.uint8]:
    """Grey values 0..65535 -> 0..255, v // 257: 256 steps of equal width, none rounded up."""
    return (values // GREY_16_STEP).astype(np.uint8)


def _transparent(file: Path) -> InputError:
    return InputError(
        f"{file}: has transparent pixels, whose colour depends on a background: "
        "flatten it onto the one that the network was trained with"
    )
