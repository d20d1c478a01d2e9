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
PART = 1024  # bytes of a read, whose time is limited


class DriverError(RuntimeError):
    """What is wrong, where, and what to do, in one line."""


class Line(Protocol):
    """A serial line, as pyserial's `Serial` is one; reads end after its timeout."""

    def write(self, data: bytes) -> Any: ...

    def read(self, size: int) -> bytes: ...


@dataclass(frozen=True)
class Results:
    """Of N images.

    classes  (N, K) int64, the likeliest first; (N, 0) of a network that ends with a map
    logits   (N, classes) int32, None where none are sent
    maps     (N, C, H, W) uint8, the last map of a network that ends with one; None elsewhere
    """

    classes: NDArray[np.int64]
    logits: NDArray[np.int32] | None
    maps: NDArray[np.uint8] | None = None


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
        if not self.facts["top"]:
            raise DriverError(f"{self.facts['name']} ends with a map: run(images).maps has it")
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
            answer = self._answer(size)
            if len(answer) < size:
                raise DriverError(
                    f"image {number}: {len(answer)} of {size} bytes came back in time: try again"
                )
            answers.append(np.frombuffer(answer, np.uint8))
        data = np.stack(answers)
        if self.facts["map"] is not None:
            channels, height, width = self.facts["map"]
            pixels = data[:, : channels * height * width].reshape(-1, height, width, channels)
            return Results(np.zeros((len(data), 0), np.int64), None, pixels.transpose(0, 3, 1, 2).copy())
        words = data.view("<i4")
        return Results(words[:, logits:].astype(np.int64), words[:, :logits] if logits else None)

    def _answer(self, size: int) -> bytes:
        """So many bytes, fewer where the line falls silent."""
        answer = b""
        while len(answer) < size:
            part = self.line.read(min(PART, size - len(answer)))
            if not part:
                break
            answer += part
        return answer
