"""A streaming accelerator: pixels by DMA in, results by DMA out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from . import stream_registers as r
from .access import Board, Facts, Words
from .dma import FROM_DEVICE, TO_DEVICE, Dma
from .errors import DriverError
from .machine import Machine, memory
from .results import Results

LARGEST_TRANSFER = (1 << 26) - 1  # bytes: the DMA's length registers have 26 bits


class Stream(Machine):
    """See `Machine`; facts are those of `repvgg-hw board` for a streaming design."""

    kind = "streaming design"

    def __init__(self, board: Board, facts: Facts, bitstream: Path, timeout: float, interrupt: bool) -> None:
        super().__init__(board, facts, r, str(bitstream), timeout, interrupt)
        self.dma = Dma(board)

    @property
    def largest(self) -> int:
        images: int = LARGEST_TRANSFER // max(self.facts["frame_bytes"], self.facts["result_bytes"])
        return images

    def check(self) -> None:
        super().check()
        where, facts = self.where, self.facts
        if (found := self.read(r.NETWORK)) != facts["network"]:
            raise DriverError(
                f"{where} holds the design {found:08x}, its .json is of {facts['network']:08x}: "
                "take both from one folder"
            )
        sizes = self.read(r.FRAME_BYTES), self.read(r.RESULT_BYTES)
        if sizes != (facts["frame_bytes"], facts["result_bytes"]):
            raise DriverError(f"{where} has frames and results of {sizes} bytes, its .json has others")

    def settle(self) -> None:
        self.dma.reset()

    def close(self) -> None:
        """Nothing is kept from run to run."""

    def run(self, images: NDArray[np.uint8]) -> Results:
        count = len(images)
        size = count * self.facts["result_bytes"]
        self.check_free()
        with memory(self.board, images.nbytes) as pixels, memory(self.board, size) as results:
            pixels.store(np.ascontiguousarray(images).reshape(-1))
            try:
                self.begin({r.FRAMES: count}, lambda: self.dma.start(FROM_DEVICE, results.address, size))
                self.dma.start(TO_DEVICE, pixels.address, images.nbytes)
                cycles = self.finish(count, self._rests)
                received = self.dma.received()
                if received != size:
                    raise DriverError(
                        f"{received} bytes of results came, not {size}: load the bitstream anew"
                    )
            except DriverError:
                self.abort()
                raise
            data = results.load(size).reshape(count, -1)
        if self.facts["map"] is not None:
            return Results(
                np.zeros((count, 0), np.int64), None, cycles, maps=maps_of(data, self.facts["map"])
            )
        words: Words = data.view("<i4")
        logits = self.facts["logits"]
        return Results(
            classes=words[:, logits:].astype(np.int64),
            logits=words[:, :logits] if logits else None,
            cycles=cycles,
        )

    def _rests(self) -> bool:
        return self.dma.check(FROM_DEVICE) and self.dma.check(TO_DEVICE)


def maps_of(data: NDArray[np.uint8], shape: Sequence[int]) -> NDArray[np.uint8]:
    """Results (N, bytes) of rows, columns, channels -> maps (N, C, H, W) of that shape (C, H, W)."""
    channels, height, width = shape
    pixels = data[:, : channels * height * width].reshape(-1, height, width, channels)
    maps: NDArray[np.uint8] = pixels.transpose(0, 3, 1, 2).copy()
    return maps
