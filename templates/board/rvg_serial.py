"""Classify images on a board behind a serial line. Needs NumPy, and pyserial for the line.

import serial
from rvg_serial import Accelerator
accelerator = Accelerator(serial.Serial("/dev/ttyUSB0", 1_000_000, timeout=1), "net.json")
classes = accelerator.classify(images)      # (N, H, W, C) uint8 -> (N,) classes
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

IDENTIFY, CLASSIFY = b"I", b"C"


class DriverError(RuntimeError):
    """What is wrong, where, and what to do, in one line."""


class Line(Protocol):
    """A serial line, as pyserial's `Serial` is one; reads end after its timeout."""

    def write(self, data: bytes) -> Any: ...

    def read(self, size: int) -> bytes: ...


@dataclass(frozen=True)
class Results:
    """classes (N, K) int64, the likeliest first; logits (N, classes) int32, None where none are sent."""

    classes: NDArray[np.int64]
    logits: NDArray[np.int32] | None


class Accelerator:
    """The accelerator at the line's other end. Raises DriverError where it is another design's, or silent."""

    def __init__(self, line: Line, facts: str) -> None:
        self.line = line
        try:
            self.facts: dict[str, Any] = json.loads(Path(facts).read_text())
        except (OSError, ValueError):
            raise DriverError(f"{facts} is missing or damaged: it lies in the board's folder") from None
        line.write(IDENTIFY)
        answer = line.read(4)
        if len(answer) < 4:
            raise DriverError("the board does not answer: is its bitstream loaded, are port and speed right?")
        (found,) = struct.unpack("<I", answer)
        if found != self.facts["network"]:
            raise DriverError(
                f"the board holds the design {found:08x}, {facts} is of {self.facts['network']:08x}: "
                "take both from one folder"
            )

    def classify(self, images: NDArray[np.uint8]) -> NDArray[np.int64]:
        """(N, H, W, C) uint8, or one image (H, W, C) -> (N,), the likeliest class of each."""
        return self.run(images).classes[:, 0]

    def run(self, images: NDArray[np.uint8]) -> Results:
        """As `classify`, with all that the hardware sends. Raises DriverError."""
        shape, size, logits = tuple(self.facts["shape"]), self.facts["result_bytes"], self.facts["logits"]
        images = np.asarray(images)
        if images.shape == shape:
            images = images[None]
        if images.dtype != np.uint8 or images.shape[1:] != shape or not len(images):
            wanted = f"uint8 of shape (N, {', '.join(map(str, shape))})"
            raise DriverError(f"images are {wanted}, not {images.dtype} of {images.shape}")
        answers = []
        for number, image in enumerate(images):
            self.line.write(CLASSIFY + np.ascontiguousarray(image).tobytes())
            answer = self.line.read(size)
            if len(answer) < size:
                raise DriverError(
                    f"image {number}: {len(answer)} of {size} bytes came back in time: try again"
                )
            answers.append(np.frombuffer(answer, "<i4"))
        words = np.stack(answers)
        return Results(words[:, logits:].astype(np.int64), words[:, :logits] if logits else None)
