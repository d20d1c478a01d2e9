"""Labelled images for training: in memory from an `.npz`, or decoded from class folders when needed."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from repvgg_hw.errors import InputError
from repvgg_hw.model.image_files import read_image
from repvgg_hw.model.images import MODES, Images, checked_labels, labelled_files, load_images, planar
from repvgg_hw.model.preprocessing import NONE, Preprocessing, pixels_of, preprocessing

Size = tuple[int, int]
ONE_CLASS = "images of at least two classes are needed, there is one"
MARGIN = 0.875  # share of the short side that the centre of a photograph keeps


@dataclass(frozen=True)
class Data:
    """Images of one size with their labels.

    pixels  (N, H, W, C) uint8, or None where `files` are decoded as they are asked for
    """

    labels: NDArray[np.int64]
    classes: int
    channels: int
    size: Size
    pixels: NDArray[np.uint8] | None = None
    files: tuple[Path, ...] = ()
    preprocessing: Preprocessing = NONE

    def __len__(self) -> int:
        return len(self.labels)

    def batch(self, indices: NDArray[np.int64], workers: ThreadPoolExecutor | None = None) -> Tensor:
        """The images at these indices: (N, C, H, W) uint8."""
        if self.pixels is not None:
            pixels = self.pixels[indices]
        else:
            decode = map if workers is None else workers.map
            pixels = np.stack(list(decode(self._decoded, (self.files[i] for i in indices))))
        return torch.from_numpy(planar(pixels))

    def all_pixels(self) -> NDArray[np.uint8]:
        """Every image, (N, H, W, C)."""
        if self.pixels is not None:
            return self.pixels
        return np.stack([self._decoded(file) for file in self.files])

    def _decoded(self, file: Path) -> NDArray[np.uint8]:
        return pixels_of(self.preprocessing.apply(read_image(file, MODES[self.channels]), self.size))


def load_data(
    path: Path,
    *,
    size: Size | None = None,
    channels: int | None = None,
    class_index: Path | None = None,
    classes: int | None = None,
) -> Data:
    """The images at path: a folder of class folders, or an `.npz` with `images` uint8 and `labels`.

    size      to which folders' images are brought: the short side, then the centre; an `.npz` has its own
    channels  of folders' images, 3 unless given
    classes   of the network, where it is known; else as many as there are folders, or the largest label + 1
    Raises InputError for what is not there, has no labels, or does not fit.
    """
    if path.is_dir():
        data = _folders(path, size, channels or 3, class_index, classes)
    else:
        data = _npz(path, size, channels, class_index, classes)
    if data.classes < 2:
        raise InputError(f"{path}: {ONE_CLASS}")
    return data


def array_data(pixels: NDArray[np.uint8], labels: NDArray[np.int64], classes: int | None = None) -> Data:
    """Images that are in memory already: pixels (N, H, W, C) uint8, labels (N,) whole numbers from 0.

    classes  as in `load_data`
    Raises InputError for anything else.
    """
    if pixels.ndim != 4 or 0 in pixels.shape or pixels.dtype != np.uint8:
        raise InputError(f"images are (N, H, W, C) uint8, not {pixels.shape} {pixels.dtype}")
    if labels.shape != pixels.shape[:1] or labels.dtype.kind not in "iu":
        raise InputError(
            f"labels are {len(pixels)} integers, one for each image, not {labels.shape} {labels.dtype}"
        )
    data = _in_memory(Images(pixels, labels.astype(np.int64), ()), classes)
    if data.classes < 2:
        raise InputError(ONE_CLASS)
    return data


def load_unlabelled(path: Path, channels: int, size: Size | None = None) -> Data:
    """Images without regard to labels, all in memory: a folder, or an `.npz` with `images`.

    size  to which they are brought, as `load_data` does; without it all must have one
    """
    kind = NONE if size is None else _to_size(size)
    return unlabelled(load_images(path, None, channels, size, kind).pixels)


def unlabelled(pixels: NDArray[np.uint8]) -> Data:
    """Images in memory without regard to labels: pixels (N, H, W, C) uint8."""
    count, height, width, channels = pixels.shape
    return Data(np.zeros(count, np.int64), 1, channels, (height, width), pixels=pixels)


def _to_size(size: Size) -> Preprocessing:
    """How files come to a size: the short side, then the centre, of photographs without their margin."""
    return preprocessing("timm", MARGIN if min(size) > 64 else 1.0)


def _folders(
    path: Path, size: Size | None, channels: int, class_index: Path | None, classes: int | None
) -> Data:
    if channels not in MODES:
        raise InputError(f"{path}: image files have 1 or 3 channels, not {channels}: use .npz")
    entries, folders = labelled_files(path, class_index)
    if not entries:
        raise InputError(f"{path}: no class folders with images; training needs a folder for each class")
    labels = np.array([label for _, label in entries], dtype=np.int64)
    if size is None:
        first = pixels_of(read_image(entries[0][0], MODES[channels])).shape
        raise InputError(
            f"{path}: give --input-size, for example {min(first[:2])}: the files' sizes may differ"
        )
    images = Images(np.empty((0,), np.uint8), labels, tuple(str(f) for f, _ in entries), folders)
    known = len(folders) if folders else int(labels.max()) + 1
    checked_labels(images, classes or known)
    files = tuple(file for file, _ in entries)
    return Data(labels, classes or known, channels, size, files=files, preprocessing=_to_size(size))


def _npz(
    path: Path, size: Size | None, channels: int | None, class_index: Path | None, classes: int | None
) -> Data:
    images = load_images(path, None, channels, size, class_index=class_index)
    if images.labels is None:
        raise InputError(f"{path}: training needs 'labels' beside 'images'")
    return _in_memory(images, classes)


def _in_memory(images: Images, classes: int | None) -> Data:
    assert images.labels is not None
    known = classes or int(images.labels.max()) + 1
    labels = checked_labels(images, known)
    height, width, channels = images.pixels.shape[1:]
    return Data(labels, known, channels, (height, width), pixels=images.pixels)


def epoch_batches(
    count: int, batch: int, seed: int, epoch: int, rank: int = 0, world: int = 1
) -> Iterator[NDArray[np.int64]]:
    """Indices of each step of an epoch, for one of several processes: shuffled by seed and epoch alone.

    Images that do not fill a last batch are left out of this epoch.
    """
    order = np.random.default_rng((seed, epoch)).permutation(count)
    share = batch // world
    for start in range(0, count - batch + 1, batch):
        whole = order[start : start + batch]
        yield whole[rank * share : (rank + 1) * share]
