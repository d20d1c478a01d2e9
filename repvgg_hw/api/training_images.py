"""The labelled images of a training, and those on which it is measured."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from repvgg_hw.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from repvgg_hw.training.data import Data

LARGEST_SIDE = 8192  # in pixels


@dataclass(frozen=True)
class TrainingImages:
    """Which images, as `train` is told; None is what nobody said."""

    data: str | Path | NDArray[np.uint8]
    labels: NDArray[np.int64] | None = None
    val: str | Path | NDArray[np.uint8] | None = None
    val_labels: NDArray[np.int64] | None = None
    input_size: int | tuple[int, int] | None = None
    channels: int | None = None
    class_index: str | Path | None = None

    def read(self) -> tuple[Data, Data | None]:
        """Images for training, and those of `val`, of the same size, channels and classes.

        Raises InputError for what is not there, has no labels, does not fit, or is void.
        """
        from repvgg_hw.training.data import array_data, load_data
        from repvgg_hw.training.recipe import check_whole

        self._check_words()
        size = (self.input_size, self.input_size) if isinstance(self.input_size, int) else self.input_size
        for side in size or ():
            check_whole("input_size", side, 1, LARGEST_SIDE)
        if self.channels is not None:
            check_whole("channels", self.channels, 1, 3)
        index = None if self.class_index is None else Path(self.class_index)
        if isinstance(self.data, (str, Path)):
            images = load_data(Path(self.data), size=size, channels=self.channels, class_index=index)
        else:
            assert self.labels is not None
            images = array_data(self.data, self.labels)
        if self.val is None:
            return images, None
        size, channels, classes = images.size, images.channels, images.classes
        if isinstance(self.val, (str, Path)):
            return images, load_data(
                Path(self.val), size=size, channels=channels, class_index=index, classes=classes
            )
        assert self.val_labels is not None
        validation = array_data(self.val, self.val_labels, classes)
        if (validation.size, validation.channels) != (size, channels):
            raise InputError(
                f"val is (N, {size[0]}, {size[1]}, {channels}), as data is, not {self.val.shape}"
            )
        return images, validation

    def _check_words(self) -> None:
        """Refuse what files and arrays have not in common."""
        if self.val is None and self.val_labels is not None:
            raise InputError("val_labels belongs to val")
        files = [isinstance(images, (str, Path)) for images in (self.data, self.val)]
        given = {"labels": (self.labels, files[0]), "val_labels": (self.val_labels, files[1])}
        for name, (labels, of_files) in given.items():
            if labels is not None and of_files:
                raise InputError(f"{name} go with an array: files have their own")
            if labels is None and not of_files and (name == "labels" or self.val is not None):
                raise InputError(f"{name} are missing: an array has one for each image")
        foreign = {
            "input_size": self.input_size is not None and not files[0],
            "channels": self.channels is not None and not files[0],
            "class_index": self.class_index is not None and not any(files),
        }
        if unused := [name for name, holds in foreign.items() if holds]:
            raise InputError(f"{' and '.join(unused)}: of files alone, an array is used as it is")
