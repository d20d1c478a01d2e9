"""What leaves an accelerator for each frame, whatever its architecture: logits, or the last layer's map."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

BYTE = 8  # bits of a value in the stream of a last map, whatever the width of activations


@dataclass(frozen=True)
class Output:
    """Logits (classes,) or a map (C, H, W), as a stream or in memory.

    Each beat of the stream holds `lanes` values of `bits` bits, the first in the low bits: of a map, in
    raster order with channels innermost, channel c of the pixel in row y and column x is lane c % lanes of
    beat ((y * W + x) * C + c) // lanes. In memory logits are little-endian, and a map is channel after
    channel.
    """

    shape: tuple[int, ...]
    lanes: int
    bits: int
    signed: bool
    in_memory: bool = False

    @property
    def beats(self) -> int:
        """Per frame; tlast comes with the last one."""
        return math.prod(self.shape) // self.lanes

    @property
    def frame_bits(self) -> int:
        """Of all values of a frame."""
        return math.prod(self.shape) * self.bits

    @property
    def summary(self) -> str:
        """One line for people."""
        if self.in_memory and len(self.shape) == 1:
            return f"{self.shape[0]} logits, int{self.bits}, little-endian in memory"
        if self.in_memory:
            return f"map {' x '.join(map(str, self.shape))}, uint8, channel after channel in memory"
        if len(self.shape) == 1:
            return f"{self.shape[0]} logits, int{self.bits}, one per beat"
        return (
            f"map {' x '.join(map(str, self.shape))}, uint8: pixels in raster order, {self.lanes} of "
            f"{self.shape[0]} channels per beat, {self.beats:,} beats per frame"
        )

    def to_json(self) -> dict[str, Any]:
        """Fields and beats, for readers that are not Python."""
        record = dataclasses.asdict(self) | {"beats": self.beats}
        del record["in_memory"]  # the architecture says it
        return record
