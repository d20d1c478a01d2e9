"""Images that a simulation of the whole network has proven, kept until it ends, so that the next one goes on.

A file in the design's build folder, written anew with each image (or batch) of which every layer was equal:

    about    fingerprint of all that a proof depends on: the design's files, the images, how they are played
    proven   so many images, from the first on, were equal in every layer
    rest     what else the target needs to go on
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from repvgg_hw import __version__, schema
from repvgg_hw.errors import InputError
from repvgg_hw.files import write_atomically

FILE = "proven.json"

T = TypeVar("T")


class _Content(msgspec.Struct, forbid_unknown_fields=True):
    about: str
    proven: int
    rest: dict[str, Any]


class Proven:
    """What is known of one proof that may be broken off.

    images   (N, C, H, W) of the proof
    state    fingerprint of the design's folder; where it is None, nothing is read or kept
    about    whatever else decides about the proof
    fresh    start over: what is there is not read
    """

    def __init__(
        self,
        build: Path,
        images: NDArray[np.int8],
        state: str | None,
        about: tuple[object, ...] = (),
        *,
        fresh: bool = False,
    ) -> None:
        digest = hashlib.sha256(f"{__version__} {state} {about!r} {images.shape}".encode())
        digest.update(np.ascontiguousarray(images).tobytes())
        self._path, self._about = build / FILE, digest.hexdigest()
        self._kept = state is not None
        self.total, self.images = len(images), 0
        self._rest: dict[str, Any] = {}
        if self._kept and not fresh:
            self._read()
        self._newest = self.images
        if not self.images:
            self.forget()

    def _read(self) -> None:
        """Take what an interrupted run left, if it was of the same; what cannot be read is proven again."""
        if not self._path.is_file():
            return
        with contextlib.suppress(InputError, OSError):
            content = schema.partly(schema.read_json(self._path), _Content)
            if content.about == self._about and 0 < content.proven <= self.total:
                self.images, self._rest = content.proven, content.rest

    @property
    def note(self) -> tuple[str, ...]:
        """For the result's notes: nothing, or what was not simulated again."""
        if not self.images:
            return ()
        return (f"resumed: {self.images} of {self.total} images were already proven",)

    def keep(self, images: int, rest: dict[str, Any] | None = None) -> None:
        """Remember that the first `images` are proven; the file is whole at any time.

        Where it cannot be written they are proven again next time, which is no reason to end.
        """
        if self._kept and images > self._newest:
            self._newest = images
            content = {"about": self._about, "proven": images, "rest": rest or {}}
            with contextlib.suppress(OSError, InputError):
                write_atomically(self._path, (json.dumps(content) + "\n").encode())

    def rest_as(self, kind: type[T], nothing: T) -> T:
        """What was kept beside, by its schema; where there is none or it is damaged, all is proven again."""
        if self.images:
            try:
                return schema.partly(self._rest, kind)
            except InputError:
                self.images = self._newest = 0
        return nothing

    def forget(self) -> None:
        """The proof has ended, or has failed: nothing of it counts for another one."""
        if self._kept:
            with contextlib.suppress(OSError):
                self._path.unlink(missing_ok=True)
