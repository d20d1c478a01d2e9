"""A streaming accelerator: pixels by DMA in, results by DMA out, a run at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from . import registers as r
from .access import Board, Buffer, BusError, Facts, Words
from .dma import FROM_DEVICE, TO_DEVICE, Dma
from .errors import DriverError

LARGEST_TRANSFER = (1 << 26) - 1  # bytes: the DMA's length registers have 26 bits


@dataclass(frozen=True)
class Results:
    """What a batch of images gave.

    classes  (N, K) int64, the likeliest first; logits (N, classes) int32, None where the hardware sends none
    cycles   of the accelerator, from the start to the last result; of all batches together
    """

    classes: NDArray[np.int64]
    logits: Words | None
    cycles: int


class Accelerator:
    """The accelerator of one bitstream. Use it from one thread at a time.

    bitstream  the .bit; beside it lies the .json of the same design
    board      None: PYNQ, which loads the bitstream
    timeout    seconds after which a batch is given up
    batch      images of one run, at most
    interrupt  wait for the interrupt, where the board has one, in the place of polling
    Raises DriverError where the bitstream holds another design, or none.
    """

    def __init__(
        self,
        bitstream: str,
        board: Board | None = None,
        *,
        timeout: float = 10.0,
        batch: int = 64,
        interrupt: bool = False,
    ) -> None:
        self.bitstream, self.timeout, self.batch, self.interrupt = bitstream, timeout, batch, interrupt
        self.facts = _facts(Path(bitstream).with_suffix(".json"))
        if board is None:
            from .pynq_board import PynqBoard

            board = PynqBoard(bitstream)
        self.board = board
        self._registers = board.registers("accelerator")
        self._dma = Dma(board)
        self._check()
        self._write(r.ENABLE, int(interrupt))

    def classify(self, images: NDArray[np.uint8]) -> NDArray[np.int64]:
        """(N, H, W, C) uint8, or one image (H, W, C) -> (N,), the likeliest class of each."""
        return self.run(images).classes[:, 0]

    def run(self, images: NDArray[np.uint8]) -> Results:
        """As `classify`, with all that the hardware sends. Raises DriverError; the next call may succeed."""
        images = self._checked(images)
        size = min(self.batch, LARGEST_TRANSFER // max(self.facts["frame_bytes"], self.facts["result_bytes"]))
        parts = [self._batch(images[i : i + size]) for i in range(0, len(images), size)]
        words = np.concatenate([part for part, _ in parts])
        logits = self.facts["logits"]
        return Results(
            classes=words[:, logits:].astype(np.int64),
            logits=words[:, :logits] if logits else None,
            cycles=sum(cycles for _, cycles in parts),
        )

    def status(self) -> tuple[bool, int]:
        """(whether a run is at work, the error's code)."""
        word = self._read(r.STATUS)
        return bool(_field(word, r.STATUS_BUSY)), _field(word, r.STATUS_ERROR)

    def abort(self) -> None:
        """End a run that is at work, whoever began it, and the DMA's transfers; nothing of it is left."""
        self._write(r.CONTROL, 1 << r.CONTROL_ABORT[0])
        limit = self.board.clock() + self.timeout
        while self.status()[0]:
            if self.board.clock() > limit:
                raise DriverError("the accelerator does not end its run: load the bitstream again")
        self._dma.reset()

    # ---- a batch

    def _batch(self, images: NDArray[np.uint8]) -> tuple[Words, int]:
        count = len(images)
        size = count * self.facts["result_bytes"]
        if self.status()[0]:
            raise DriverError("the accelerator is busy: another program runs it, or call abort() first")
        with _memory(self.board, images.nbytes) as pixels, _memory(self.board, size) as results:
            pixels.store(np.ascontiguousarray(images).reshape(-1))
            self._write(r.STATUS, 0xFFFFFFFF)  # what is left of an earlier run
            self._write(r.FRAMES, count)
            try:
                self._dma.start(FROM_DEVICE, results.address, size)
                self._write(r.CONTROL, 1 << r.CONTROL_START[0])
                self._dma.start(TO_DEVICE, pixels.address, images.nbytes)
                self._finish(count)
                received = self._dma.received()
                if received != size:
                    raise DriverError(
                        f"{received} bytes of results came, not {size}: load the bitstream anew"
                    )
            except DriverError:
                self.abort()
                raise
            words: Words = results.load(size).view("<i4").reshape(count, -1)
        return words, self._read(r.CYCLES_LOW) | self._read(r.CYCLES_HIGH) << 32

    def _finish(self, count: int) -> None:
        """Wait for the run's end and the DMA's."""
        limit = self.board.clock() + self.timeout
        ended = False
        while True:
            if not ended and self.interrupt:
                self.board.wait(max(0.0, limit - self.board.clock()))
            if not ended:
                word = self._read(r.STATUS)
                ended = bool(_field(word, r.STATUS_DONE))
                code = _field(word, r.STATUS_ERROR)
                if ended and code:
                    _, said = r.ERRORS.get(code, ("", f"an unknown one, {code}"))
                    raise DriverError(f"the accelerator ended with an error: {said}")
                if ended:
                    self._write(r.STATUS, 1 << r.STATUS_INTERRUPT[0])
            if self._dma.check(FROM_DEVICE) and self._dma.check(TO_DEVICE) and ended:
                return
            if self.board.clock() > limit:
                done = self._read(r.FRAMES_DONE)
                raise DriverError(f"no end after {self.timeout:g} s: {done} of {count} images are done")

    # ---- checks

    def _check(self) -> None:
        """That the hardware is this design."""
        where, facts = self.bitstream, self.facts
        if (found := self._read(r.ID)) != r.MAGIC:
            raise DriverError(f"{where} holds no streaming design (ID is 0x{found:08x}): wrong bitstream")
        if (found := self._read(r.VERSION)) != r.MAP_VERSION:
            raise DriverError(f"{where} has registers of version {found}, this driver is of {r.MAP_VERSION}")
        if (found := self._read(r.NETWORK)) != facts["network"]:
            raise DriverError(
                f"{where} holds the design {found:08x}, its .json is of {facts['network']:08x}: "
                "take both from one folder"
            )
        sizes = self._read(r.FRAME_BYTES), self._read(r.RESULT_BYTES)
        if sizes != (facts["frame_bytes"], facts["result_bytes"]):
            raise DriverError(f"{where} has frames and results of {sizes} bytes, its .json has others")

    def _checked(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        shape = tuple(self.facts["shape"])
        images = np.asarray(images)
        if images.shape == shape:
            images = images[None]
        if images.dtype != np.uint8 or images.shape[1:] != shape or not len(images):
            wanted = f"uint8 of shape (N, {', '.join(map(str, shape))})"
            raise DriverError(f"images are {wanted}, not {images.dtype} of {images.shape}")
        return images

    def _read(self, offset: int) -> int:
        try:
            return self._registers.read(offset)
        except BusError as error:
            raise DriverError(f"reading {r.NAMES[offset]} failed: {error}") from None

    def _write(self, offset: int, value: int) -> None:
        try:
            self._registers.write(offset, value)
        except BusError as error:
            raise DriverError(f"writing {r.NAMES[offset]} failed: {error}") from None


def _field(word: int, field: tuple[int, int]) -> int:
    low, bits = field
    return word >> low & (1 << bits) - 1


@contextmanager
def _memory(board: Board, size: int) -> Iterator[Buffer]:
    buffer = board.allocate(size)
    try:
        yield buffer
    finally:
        buffer.free()


def _facts(path: Path) -> Facts:
    """What the design's .json says."""
    try:
        facts: Facts = json.loads(path.read_text())
    except (OSError, ValueError):
        raise DriverError(f"{path} is missing or damaged: it lies beside the bitstream") from None
    return facts
