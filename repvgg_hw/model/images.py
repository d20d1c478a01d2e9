"""Images from disk, exactly as the user gave them: uint8 pixels, labels, names. No torch.

PATH is a folder of class folders, a flat folder of images (no labels), or an `.npz` with `images`
(N, H, W, C) uint8 and, optionally, `labels` (N,).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from repvgg_hw.errors import InputError
from repvgg_hw.model.class_folders import class_folders, labels_by_index, read_index
from repvgg_hw.model.image_files import read_image
from repvgg_hw.model.preprocessing import NONE, Preprocessing, pixels_of
from repvgg_hw.npz import read_npz

SUFFIXES = {".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"}
MAX_NPZ_BYTES = 8 << 30  # 50,000 images of 224 x 224 are 7.5 GB
MODES = {1: "L", 3: "RGB"}  # Pillow's name for each number of channels

Size = tuple[int, int]  # height, width


@dataclass(frozen=True)
class Images:
    """Images of one size.

    pixels (N, H, W, C) uint8; labels (N,) int64 or None; names, one per image, for messages;
    folders: names of the class folders whose order gave the labels, empty where something else did.
    """

    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64] | None
    names: tuple[str, ...]
    folders: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.pixels)


def load_images(
    path: str | Path,
    limit: int | None = None,
    channels: int | None = 3,
    size: Size | None = None,
    preprocessing: Preprocessing = NONE,
    class_index: Path | None = None,
) -> Images:
    """Read the images at path.

    limit          at most that many, spread evenly over the sorted list so that every class has its share
    channels       3 (RGB) or 1 (grey); files are converted, an `.npz` must have it; None: as the `.npz`, or 3
    size           (H, W) that they shall have; None: any, but all the same
    preprocessing  how they come to that size; none: they must have it
    class_index    a JSON file that gives each class folder its class; None: their sorted names do
    Raises InputError for: nothing there, no images, wrong sizes, a corrupt file, a wrong dtype or shape,
    a class folder that class_index does not name.
    """
    path = Path(path)
    if limit is not None and limit < 1:
        raise InputError(f"limit must be at least 1 image, got {limit}")
    if size is None and preprocessing.kind != "none":
        raise InputError(f"--preprocess {preprocessing.kind} needs the size: give --input-size")
    if not path.exists():
        raise InputError(f"{path}: no such file or folder of images")
    if path.is_dir():
        images = _from_folder(path, limit, channels or 3, size, preprocessing, class_index)
    elif path.suffix != ".npz":
        raise InputError(f"{path}: images are a folder of class folders or an .npz file with 'images'")
    elif class_index is not None:
        raise InputError(f"{path}: --class-index is for class folders; an .npz has its own labels")
    else:
        images = _from_npz(path, limit, channels, size, preprocessing)
    if size is not None and images.pixels.shape[1:3] != size:
        raise InputError(
            f"{path}: images are {_size(images.pixels[0])}, the input is {size[0]}x{size[1]}: "
            "--preprocess resize or timm brings them to it"
        )
    return images


def checked_labels(images: Images, classes: int) -> NDArray[np.int64]:
    """The labels of images, where they are those of a network with so many classes; else InputError."""
    if images.labels is None:
        bare = f", and {images.names[0]} has none" if images.names else ""
        raise InputError(
            f"evaluation needs labels{bare}: give a folder of class folders, or an .npz with 'labels'"
        )
    if images.folders and len(images.folders) != classes:
        hint = "--class-index FILE says which folder is which class"
        if deeper := _holding_folders(images):
            hint = f"the class folders lie deeper: give the folder that holds them, as {_some(deeper)} may"
        raise InputError(
            f"there are {len(images.folders)} class folders ({_some(images.folders)}), but the network has "
            f"{classes} classes: {hint}"
        )
    low, high = int(images.labels.min()), int(images.labels.max())
    if low < 0 or high >= classes:
        raise InputError(f"labels run from {low} to {high}, but the network has {classes} classes")
    return images.labels


def normalise(pixels: NDArray[np.uint8], mean: Sequence[float], std: Sequence[float]) -> NDArray[np.float64]:
    """(pixel / 255 - mean) / std: (N, H, W, C) uint8 -> (N, C, H, W) float64."""
    x = (pixels.astype(np.float64) / 255.0 - np.asarray(mean)) / np.asarray(std)
    return planar(x)


def planar(x: NDArray[Any]) -> NDArray[Any]:
    """(N, H, W, C) -> (N, C, H, W), contiguous, with the strides of its shape.

    Of one channel NumPy calls any layout contiguous and leaves its stride at 1. PyTorch 2.13 takes such a
    tensor for channels_last, and the gradients of its convolutions then overwrite memory that is not theirs.
    """
    ordered = np.ascontiguousarray(x.transpose(0, 3, 1, 2))
    return ordered.reshape(-1).reshape(ordered.shape)


def synthetic(n: int, shape: tuple[int, int, int], seed: int = 0) -> NDArray[np.uint8]:
    """Seeded smooth noise in place of photographs: (N, H, W, C) uint8 for shape (C, H, W).

    White noise summed over octaves with amplitude proportional to wavelength has about the 1/f
    spectrum of natural images, so a random network's activations spread as they would on real ones.
    """
    c, h, w = shape
    rng = np.random.default_rng(seed)
    total = np.zeros((n, c, h, w))
    cell = 1
    while cell <= max(h, w):
        coarse = rng.standard_normal((n, c, -(-h // cell), -(-w // cell)))
        total += cell**0.5 * coarse.repeat(cell, axis=2).repeat(cell, axis=3)[:, :, :h, :w]
        cell *= 2
    spread = total.std(axis=(1, 2, 3), keepdims=True)
    pixels = 127.5 + 64.0 * total / np.where(spread > 0, spread, 1.0)
    levels = np.clip(np.rint(pixels), 0, 255).transpose(0, 2, 3, 1)
    return np.asarray(levels, dtype=np.uint8)


def _spread(count: int, limit: int | None) -> NDArray[np.int64]:
    """Indices of `limit` of `count` things, evenly spaced, in order."""
    if limit is None or limit >= count:
        return np.arange(count)
    return np.arange(limit) * count // limit


def _from_folder(
    folder: Path,
    limit: int | None,
    channels: int,
    size: Size | None,
    preprocessing: Preprocessing,
    class_index: Path | None,
) -> Images:
    if channels not in MODES:
        raise InputError(
            f"{folder}: image files have 1 or 3 channels, the network takes {channels}: use .npz"
        )
    entries, folders = labelled_files(folder, class_index)
    labelled = bool(entries)
    if not labelled:
        entries = [(f, -1) for f in _image_files(folder)]
    if not entries:
        raise InputError(
            f"{folder}: no images there (expected one folder per class, with {_suffixes()} files)"
        )
    entries = [entries[i] for i in _spread(len(entries), limit)]
    pixels: list[NDArray[np.uint8]] = []
    for file, _ in entries:
        pixels.append(pixels_of(preprocessing.apply(read_image(file, MODES[channels]), size)))
        if pixels[-1].shape != pixels[0].shape:
            raise InputError(
                f"{file}: {_size(pixels[-1])}, but {entries[0][0].name} is {_size(pixels[0])}: all images "
                "must have one size; --preprocess resize or timm with --input-size brings them to it"
            )
    labels = np.array([label for _, label in entries], dtype=np.int64) if labelled else None
    names = tuple(str(f.relative_to(folder)) for f, _ in entries)
    return Images(np.stack(pixels), labels, names, folders if labelled else ())


def labelled_files(folder: Path, class_index: Path | None) -> tuple[list[tuple[Path, int]], tuple[str, ...]]:
    """(file, label) of every image in a class folder, and the folders whose order gave the labels."""
    files = {c: _image_files(c) for c in class_folders(folder)}
    if class_index is None:
        labels, folders = list(range(len(files))), tuple(c.name for c in files)
    else:
        files = {c: images for c, images in files.items() if images}
        if not files:
            raise InputError(f"{folder} holds no class folders with images for --class-index to name")
        labels, folders = labels_by_index(list(files), read_index(class_index), class_index), ()
    return [(f, label) for c, label in zip(files, labels, strict=True) for f in files[c]], folders


def _image_files(folder: Path) -> list[Path]:
    """Image files in folder, or one `images` folder below it, as some data sets have them; sorted.

    Raises InputError for a folder that cannot be read, and for what is called as an image and is neither a
    file nor a folder: an image that is left out in silence would change what is measured.
    """

    def refuse(error: OSError) -> None:
        raise InputError(f"{error.filename}: cannot be read ({error.strerror})") from None

    below = (Path(place, name) for place, _, names in os.walk(folder, onerror=refuse) for name in names)
    files = sorted(path for path in below if path.suffix.lower() in SUFFIXES)
    for file in files:
        if not file.is_file():
            raise InputError(f"{file}: a broken link, a pipe or a device, not an image file: remove it")
    return files


def _holding_folders(images: Images) -> list[str]:
    """The class folders whose images lie in several folders of their own: no classes, but what holds them."""
    below = {Path(name).parts[:2] for name in images.names if len(Path(name).parts) > 2}
    holders = [top for top, _ in below]
    return sorted({top for top in holders if holders.count(top) > 1})


def _suffixes() -> str:
    return ", ".join(sorted(SUFFIXES))


def _size(pixels: NDArray[np.uint8]) -> str:
    return f"{pixels.shape[0]}x{pixels.shape[1]} pixels"


def _some(names: Sequence[str], shown: int = 3) -> str:
    return ", ".join(names[:shown]) + (", ..." if len(names) > shown else "")


def _from_npz(
    file: Path, limit: int | None, channels: int | None, size: Size | None, preprocessing: Preprocessing
) -> Images:
    arrays = read_npz(file, ("images",), optional=("labels",), limit=MAX_NPZ_BYTES)
    pixels, labels = arrays["images"], arrays.get("labels")
    if pixels.dtype != np.uint8:
        raise InputError(f"{file}: 'images' must be uint8, found {pixels.dtype}")
    if pixels.ndim != 4 or 0 in pixels.shape:
        raise InputError(f"{file}: 'images' must be (N, H, W, C) with N > 0, found {pixels.shape}")
    if channels is None:
        channels = int(pixels.shape[3])
    if pixels.shape[3] != channels:
        raise InputError(f"{file}: 'images' have {pixels.shape[3]} channels, the network takes {channels}")
    if labels is not None and (labels.shape != pixels.shape[:1] or labels.dtype.kind not in "iu"):
        raise InputError(
            f"{file}: 'labels' must be {len(pixels)} integers, found {labels.dtype} {labels.shape}"
        )
    chosen = _spread(len(pixels), limit)
    pixels = pixels[chosen]
    if preprocessing.kind != "none":
        if channels not in MODES:
            raise InputError(f"{file}: only images of 1 or 3 channels can be resized, these have {channels}")
        pixels = np.stack([pixels_of(preprocessing.apply(_picture(p), size)) for p in pixels])
    return Images(
        pixels,
        None if labels is None else labels[chosen].astype(np.int64),
        tuple(f"{file.name}[{i}]" for i in chosen),
    )


def _picture(pixels: NDArray[np.uint8]) -> Image.Image:
    return Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)
