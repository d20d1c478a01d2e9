"""scikit-learn's 1,797 handwritten digits as 32x32 grey images, in three disjoint parts, written as .npz.

    python -m examples.digits.data OUT_DIR

The images are the test part of UCI's "Optical Recognition of Handwritten Digits" (E. Alpaydin, C. Kaynak,
1998) and come with scikit-learn. Everything here is exact arithmetic on them, without random numbers: the
same images on every machine.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits

SIZE = 32
ENLARGE = 4  # 8x8 -> 32x32
# Mean and standard deviation of the training part's pixels / 255, as the network was trained with.
MEAN, STD = 0.305, 0.323
# Where an image goes, by its rank within its class modulo 10: every class has its share of every part.
PARTS = {"train": (0, 1, 2, 4, 6, 7, 9), "calibration": (3,), "test": (5, 8)}

Images = NDArray[np.uint8]
Labels = NDArray[np.int64]


def enlarge(images: Images, factor: int = ENLARGE) -> Images:
    """Bilinear, pixel centres aligned, edges repeated: (N, H, W) -> (N, factor * H, factor * W).

    The weights are multiples of 1 / (2 * factor), so float64 holds every value exactly.
    """
    size = images.shape[1]
    centres = (np.arange(size * factor) + 0.5) / factor - 0.5
    low = np.floor(centres)
    matrix = np.zeros((size * factor, size))
    for offset, weight in ((0, 1 - (centres - low)), (1, centres - low)):
        source = np.clip(low + offset, 0, size - 1).astype(int)
        np.add.at(matrix, (np.arange(size * factor), source), weight)
    enlarged: Images = np.rint(matrix @ images.astype(np.float64) @ matrix.T).astype(np.uint8)
    return enlarged


def load(part: str) -> tuple[Images, Labels]:
    """Images (N, 32, 32, 1) uint8 and labels (N,) of "train", "calibration" or "test"."""
    digits = load_digits()
    labels: Labels = digits.target.astype(np.int64)
    rank = np.zeros_like(labels)
    for digit in range(10):
        of_class = labels == digit
        rank[of_class] = np.arange(of_class.sum())
    chosen = np.isin(rank % 10, PARTS[part])
    grey = np.rint(digits.images[chosen] * 255 / 16).astype(np.uint8)  # stored as 0..16
    return enlarge(grey)[..., np.newaxis], labels[chosen]


def write(folder: Path) -> dict[str, Path]:
    """Write a file for each part (`images` uint8 (N, H, W, C), `labels`) and return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = {part: folder / f"{part}.npz" for part in PARTS}
    for part, path in paths.items():
        images, labels = load(part)
        np.savez_compressed(path, images=images, labels=labels)
    return paths


if __name__ == "__main__":
    for written in write(Path(sys.argv[1] if len(sys.argv) > 1 else "build/digits")).values():
        print(written)
