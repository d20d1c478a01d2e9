"""The images that a simulation plays, at the design's size, and their labels."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from repvgg_hw.design import Design
from repvgg_hw.errors import InputError
from repvgg_hw.plan.planner import NetworkPlan

if TYPE_CHECKING:
    from repvgg_hw.model.preprocessing import Preprocessing

DEFAULT_IMAGES = 4  # synthetic ones, where no images are given

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Pictures:
    """Which images, as `GeneratedDesign.simulate` is told."""

    images: str | Path | NDArray[np.uint8] | None = None
    limit: int | None = None
    labels: NDArray[np.int64] | None = None
    preprocessing: Preprocessing | None = None
    class_index: Path | None = None

    def of(self, design: Design[NetworkPlan]) -> tuple[NDArray[np.uint8], NDArray[np.int64] | None]:
        """Pixels (N, H, W, C) and labels (N,); seeded synthetic images where none are given.

        Images come to the design's size as those did that it was calibrated on, unless it is said how.
        Raises InputError where they are none for it.
        """
        from repvgg_hw.model.images import synthetic

        if self.images is None:
            return synthetic(self.limit or DEFAULT_IMAGES, design.network.in_shape), None
        if isinstance(self.images, (str, Path)):
            return self._read(Path(self.images), design)
        channels, height, width = design.network.in_shape
        pixels = self.images[: self.limit]
        if pixels.dtype != np.uint8 or pixels.shape[1:] != (height, width, channels) or not len(pixels):
            shape = f"(N, {height}, {width}, {channels}) uint8"
            raise InputError(f"images of this design are {shape}, not {pixels.shape} {pixels.dtype}")
        if self.labels is None:
            return pixels, None
        labels, classes = np.asarray(self.labels)[: self.limit], design.network.num_classes
        if labels.shape != pixels.shape[:1] or labels.dtype.kind not in "iu":
            raise InputError(f"labels are {len(pixels)} integers, not {labels.shape} {labels.dtype}")
        if labels.min() < 0 or labels.max() >= classes:
            raise InputError(f"labels are from 0 to {classes - 1} in this design: one is not")
        return pixels, labels.astype(np.int64)

    def _read(
        self, path: Path, design: Design[NetworkPlan]
    ) -> tuple[NDArray[np.uint8], NDArray[np.int64] | None]:
        from repvgg_hw.model.images import checked_labels, load_images
        from repvgg_hw.model.preprocessing import from_json

        if self.labels is not None:
            raise InputError("labels go with an array: files have their own")
        channels, *size = design.network.in_shape
        how = self.preprocessing
        if how is None:
            how = from_json(design.options.get("preprocess"))
        if design.network.linear is None:
            if self.class_index is not None:
                raise InputError(
                    "--class-index: this design ends with a map and has no classes: leave it out"
                )
            return load_images(path, self.limit, channels, (size[0], size[1]), how).pixels, None
        loaded = load_images(path, self.limit, channels, (size[0], size[1]), how, self.class_index)
        if len(loaded.folders) not in (0, design.network.num_classes):
            _log.warning(
                "no top-1: %d class folders, the network has %d classes; "
                "--class-index FILE says which folder is which class",
                len(loaded.folders),
                design.network.num_classes,
            )
            return loaded.pixels, None
        labels = None if loaded.labels is None else checked_labels(loaded, design.network.num_classes)
        return loaded.pixels, labels
