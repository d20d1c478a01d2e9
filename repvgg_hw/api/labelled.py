"""Labelled images at a network's size: for top-1."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repvgg_hw.errors import InputError
from repvgg_hw.network import IntegerNetwork

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from repvgg_hw.model.images import Images
    from repvgg_hw.model.preprocessing import Preprocessing


@dataclass(frozen=True)
class Labelled:
    """How images are read; None is what nobody said.

    labels      of an array; files have their own
    limit       at most that many, of files spread evenly
    preprocess, class_index   of files: how they come to the size, a JSON file which folder is which class
    """

    labels: NDArray[np.int64] | None = None
    limit: int | None = None
    preprocess: str | Preprocessing | None = None
    class_index: str | Path | None = None

    @property
    def given(self) -> list[str]:
        """What somebody said."""
        return [field.name for field in fields(self) if getattr(self, field.name) is not None]

    def of(
        self, data: str | Path | NDArray[np.uint8], network: IntegerNetwork, options: Mapping[str, Any]
    ) -> Images:
        """A folder, an .npz or an array (N, H, W, C) uint8, as this network takes it.

        Files come to its size as those did that it was calibrated on, by its options, unless it is said how.
        Raises InputError where they are none for it.
        """
        from repvgg_hw.model.images import Images, load_images
        from repvgg_hw.model.preprocessing import from_json, preprocessing

        channels, height, width = network.in_shape
        if isinstance(data, (str, Path)):
            if self.labels is not None:
                raise InputError("labels go with an array: files have their own")
            how = preprocessing(self.preprocess) if isinstance(self.preprocess, str) else self.preprocess
            how = from_json(options.get("preprocess")) if how is None else how
            index = None if self.class_index is None else Path(self.class_index)
            return load_images(Path(data), self.limit, channels, (height, width), how, index)
        if self.preprocess is not None or self.class_index is not None:
            raise InputError("preprocess and class_index are of files: an array is used as it is")
        if data.ndim != 4 or data.shape[1:] != (height, width, channels) or str(data.dtype) != "uint8":
            raise InputError(
                f"data is (N, {height}, {width}, {channels}) uint8, not {data.shape} {data.dtype}"
            )
        if self.labels is not None and self.labels.shape != data.shape[:1]:
            raise InputError(f"labels are {len(data)} integers, one for each image, not {self.labels.shape}")
        pixels = data[: self.limit]
        labels = None if self.labels is None else self.labels[: self.limit]
        return Images(pixels, labels, tuple(map(str, range(len(pixels)))))
