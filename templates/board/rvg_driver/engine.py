"""An engine: image, maps, input and output lie in memory that it reads and writes by itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from . import engine_registers as r
from .access import Board, Buffer, Facts
from .engine_image import read_image
from .errors import DriverError
from .machine import Machine, memory
from .results import Results

LEAST = 64  # bytes of an allocation: a network of one layer has no maps
FRAMES = 4096  # of a run, at most: what bounds it is memory


class Engine(Machine):
    """See `Machine`; facts are those of `repvgg-hw board` for a network on an engine.

    The image and room for the maps are kept from run to run, until `close`.
    """

    kind = "engine"

    def __init__(self, board: Board, facts: Facts, bitstream: Path, timeout: float, interrupt: bool) -> None:
        super().__init__(board, facts, r, str(bitstream), timeout, interrupt)
        self.image = read_image(bitstream.with_name(facts["image"]), facts)
        self.table = np.array(facts["table"], np.int8)
        self.watchdog = 1 << 20  # cycles without progress
        self.kept: list[Buffer] = []

    @property
    def largest(self) -> int:
        return FRAMES

    def check(self) -> None:
        super().check()
        if (found := self.read(r.ENGINE)) != self.facts["engine"]:
            raise DriverError(
                f"{self.where} holds the engine {found:08x}, {self.facts['name']}.json and its image are for "
                f"{self.facts['engine']:08x}: take all from one folder"
            )

    def settle(self) -> None:
        """The engine moves its data itself, and is at rest when its run has ended."""

    def close(self) -> None:
        while self.kept:
            self.kept.pop().free()

    def planar(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """(N, H, W, C) pixels -> the bytes of N inputs: channel by channel, lines of whole beats.

        Where the first layer is folded, every fold-th row and column of all channels first, then the next.
        """
        count, height, _, channels = images.shape
        fold = self.facts["fold"]
        lines = np.zeros((count, fold, fold, channels, -(-height // fold), self.facts["pitch"]), np.int8)
        for y, x, channel in np.ndindex(fold, fold, channels):
            values = self.table[channel][images[:, y::fold, x::fold, channel]]
            lines[:, y, x, channel, : values.shape[1], : values.shape[2]] = values
        return lines.view(np.uint8).reshape(-1)

    def run(self, images: NDArray[np.uint8]) -> Results:
        count, facts = len(images), self.facts
        step, size = facts["input_bytes"], count * facts["output_bytes"]
        self.check_free()
        image, maps = self._keep()
        with memory(self.board, count * step) as pixels, memory(self.board, size) as output:
            words = {
                r.IMAGE: _address(image),
                r.MAPS: _address(maps),
                r.INPUT: _address(pixels),
                r.OUTPUT: _address(output),
                r.INPUT_STRIDE: step,
                r.OUTPUT_STRIDE: facts["output_bytes"],
                r.FRAMES: count,
                r.WATCHDOG: self.watchdog,
            }
            pixels.store(self.planar(images))
            try:
                self.begin(words)
                cycles = self.finish(count)
                if (done := self.read(r.FRAMES_DONE)) != count:
                    raise DriverError(
                        f"the run ended after {done} of {count} images: load the bitstream anew"
                    )
            except DriverError:
                self.abort()
                raise
            data = output.load(size).reshape(count, -1)
        return self._results(data, cycles)

    def _keep(self) -> tuple[Buffer, Buffer]:
        """Memory with the image, and memory for the maps."""
        if not self.kept:
            try:
                for size in (self.image.size, max(LEAST, self.facts["maps_bytes"])):
                    self.kept.append(self.board.allocate(size))
                    _address(self.kept[-1])
                self.kept[0].store(self.image)
            except BaseException:
                self.close()
                raise
        image, maps = self.kept
        return image, maps

    def _results(self, data: NDArray[np.uint8], cycles: int) -> Results:
        """Of the bytes of each frame's output."""
        facts = self.facts
        if not facts["logits"]:
            channels, height, width, pitch = facts["map"]
            lines = data[:, : channels * height * pitch].reshape(-1, channels, height, pitch)
            none = np.zeros((len(data), 0), np.int64)
            return Results(none, None, cycles, maps=lines[..., :width].copy())
        logits = np.ascontiguousarray(data[:, : 4 * facts["logits"]]).view("<i4")
        order = np.argsort(
            -logits.astype(np.int64), axis=1, kind="stable"
        )  # among equals the lower index first
        return Results(order[:, : facts["top"]], logits, cycles)


def _address(buffer: Buffer) -> int:
    """Where the engine finds it. Raises DriverError beyond its 32 address bits."""
    if buffer.address >> 32:
        raise DriverError(
            f"memory was given at 0x{buffer.address:x}, an engine's addresses have 32 bits: "
            "reserve the memory for devices (CMA) below 4 GiB"
        )
    return buffer.address
