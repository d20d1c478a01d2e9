"""Watch a simulation while it runs: how far it is, and which images it has proven so far."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from pathlib import Path

from repvgg_hw.design.proven import Proven
from repvgg_hw.progress import Progress

POLL_SECONDS = 0.5


def lead_in(proven: int, images: int, steady: int) -> int:
    """With which image a run goes on of which the first `proven` of `images` are equal in every layer.

    The last one of them is played again, so that the next comes behind the one that it followed before; and
    of at least `steady` frames back to back the interval is measured.
    """
    return max(0, min(proven - 1, images - steady))


class FrameLog:
    """A growing log of a bench's checks: of how many images, from the first on, every layer was equal."""

    def __init__(self, log: Path, layers: Sequence[str], images: int) -> None:
        self.path, self._images = log, images
        self._frames = dict.fromkeys(layers, 0)
        self._at = 0
        self._rest = b""  # of a line that is not whole yet
        self._equal = True

    def equal_images(self) -> int | None:
        """Read on; None once anything was wrong in any layer."""
        try:
            with self.path.open("rb") as stream:
                stream.seek(self._at)
                data = stream.read()
        except OSError:  # not there yet
            return 0
        self._at += len(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            kind, *words = line.decode("ascii", "replace").split() or [""]
            if kind in ("mismatch", "surplus", "tlast") or (kind == "frame" and words[-1] != "0"):
                self._equal = False
            elif kind == "frame" and words[0] in self._frames:
                self._frames[words[0]] += 1
        return min(self._images, *self._frames.values()) if self._equal else None


class Watch:
    """Reads the bench's progress file and its log from a thread, while the simulator runs.

    first  the image with which the run begins; what it proves is kept in `proven`
    """

    def __init__(
        self, log: Path, layers: Sequence[str], cycles: int, proven: Proven, first: int, report: Progress
    ) -> None:
        self.log, self.path, self.cycles = log, log.with_suffix(".progress"), cycles
        self.frames = FrameLog(log, layers, proven.total - first)
        self.layers, self.proven, self.first, self.report = len(layers), proven, first, report
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> None:
        for left in (self.log, self.path):  # of an earlier run, of which nothing may count
            left.unlink(missing_ok=True)
        self.thread.start()

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self.thread.join()
        self._keep()

    def _run(self) -> None:
        while not self.stop.wait(POLL_SECONDS):
            self._keep()
            try:
                state = json.loads(self.path.read_text())
            except (OSError, ValueError):  # not there yet, or being written
                continue
            share = min(0.999, state["cycle"] / self.cycles)
            self.report(
                share, f"cycle {state['cycle']:,}, {state['layers_done']}/{self.layers} layers finished"
            )

    def _keep(self) -> None:
        equal = self.frames.equal_images()
        if equal is None:
            self.proven.forget()
        else:
            self.proven.keep(self.first + equal)
