"""An accelerator on its board: images in, classes out, whatever its architecture."""

from __future__ import annotations

import json
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from .access import Board, Facts
from .engine import Engine
from .errors import DriverError
from .machine import Machine
from .results import Results, joined
from .stream import Stream

MACHINES: dict[str, type[Stream] | type[Engine]] = {"stream": Stream, "engine": Engine}


class Accelerator:
    """The accelerator of one bitstream. Use it from one thread at a time.

    bitstream  the .bit; beside it lies the .json of the same design, and of an engine the image
    board      None: PYNQ, which loads the bitstream
    network    of an engine: another network whose .json and image lie beside the bitstream
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
        network: str | None = None,
        timeout: float = 10.0,
        batch: int = 64,
        interrupt: bool = False,
    ) -> None:
        path, self.batch = Path(bitstream), batch
        self.facts = _facts(path.with_name(f"{network or path.stem}.json"))
        machine = MACHINES[self.facts["architecture"]]
        if board is None:
            from .pynq_board import PynqBoard

            board = PynqBoard(bitstream)
        self.machine: Machine = machine(board, self.facts, path, timeout, interrupt)
        self.machine.check()

    def classify(self, images: NDArray[np.uint8]) -> NDArray[np.int64]:
        """(N, H, W, C) uint8, or one image (H, W, C) -> (N,), the likeliest class of each."""
        if not self.facts["top"]:
            raise DriverError(f"{self.facts['name']} ends with a map: run(images).maps has it")
        return self.run(images).classes[:, 0]

    def run(self, images: NDArray[np.uint8]) -> Results:
        """As `classify`, with all that the hardware gives. Raises DriverError; the next call may succeed."""
        images = self._checked(images)
        size = min(self.batch, self.machine.largest)
        return joined([self.machine.run(images[i : i + size]) for i in range(0, len(images), size)])

    def status(self) -> tuple[bool, int]:
        """(whether a run is at work, the error's code)."""
        return self.machine.status()

    def abort(self) -> None:
        """End a run that is at work, whoever began it, and its transfers; nothing of it is left."""
        self.machine.abort()

    def close(self) -> None:
        """Give memory back that is kept from run to run. Also at the end of a `with`."""
        self.machine.close()

    def __enter__(self) -> Accelerator:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _checked(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        shape = tuple(self.facts["shape"])
        images = np.asarray(images)
        if images.shape == shape:
            images = images[None]
        if images.dtype != np.uint8 or images.shape[1:] != shape or not len(images):
            wanted = f"uint8 of shape (N, {', '.join(map(str, shape))})"
            raise DriverError(f"images are {wanted}, not {images.dtype} of {images.shape}")
        return images


def _facts(path: Path) -> Facts:
    """What the design's .json says."""
    try:
        facts: Facts = json.loads(path.read_text())
        if facts["architecture"] not in MACHINES:
            raise ValueError
    except (OSError, ValueError, KeyError, TypeError):
        raise DriverError(f"{path} is missing or damaged: it lies beside the bitstream") from None
    return facts
