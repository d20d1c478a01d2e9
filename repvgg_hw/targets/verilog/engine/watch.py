"""Watch an engine's bench while it runs: how far it is, and which frames it has proven so far."""

from __future__ import annotations

import itertools
import json
import threading
from pathlib import Path

from repvgg_hw.design.proven import Proven
from repvgg_hw.progress import Progress
from repvgg_hw.targets.verilog.engine.job import Job
from repvgg_hw.targets.verilog.watch import POLL_SECONDS

WRONG = frozenset({"write", "sum", "surplus"})  # lines of the log that say that something differs


class Watch:
    """Reads the bench's progress file and its log from a thread, while the simulator runs.

    A frame is proven when every beat that it writes was written and equal, and no sum differed. Beats of maps
    come in order, frame behind frame, and so do those of logits: their numbers say how many frames are.

    first   the image with which the run begins, `images` of them; what it proves is kept in `proven`
    """

    def __init__(
        self, log: Path, job: Job, proven: Proven, first: int, images: int, report: Progress
    ) -> None:
        self.log, self.progress, self.results = (log.with_suffix(s) for s in (".log", ".progress", ".xml"))
        self.job, self.proven, self.first, self.images, self.report = job, proven, first, images, report
        self.ended_from_outside = False
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Watch:
        for left in (self.log, self.progress, self.results):  # of an earlier run, of which nothing may count
            left.unlink(missing_ok=True)
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self.thread.join()
        self._keep()
        # cocotb writes its results whenever its test ends, well or badly
        self.ended_from_outside = not self.results.is_file() and not self._lines() & WRONG

    def _run(self) -> None:
        while not self.stop.wait(POLL_SECONDS):
            self._keep()

    def _keep(self) -> None:
        seen = self._seen()  # before the log, in which a beat that differs is by then
        if seen is None:
            return
        if self._lines() & WRONG:
            self.proven.forget()
            return
        whole = min(self.images, self.job.whole(seen))
        self.proven.keep(self.first + whole)
        begun = sum(seen.values()) / sum(self.job.beats.values())
        share = min(0.999, (self.first + begun) / self.proven.total)
        self.report(share, f"image {min(self.first + whole + 1, self.proven.total)} of {self.proven.total}")

    def _seen(self) -> dict[str, int] | None:
        """Beats written so far, of each kind; None where that is not known yet."""
        try:
            return dict(zip(self.job.beats, json.loads(self.progress.read_text())["seen"], strict=True))
        except (OSError, ValueError):  # not there yet, or being written
            return None

    def _lines(self) -> frozenset[str]:
        """First words of the log's lines."""
        try:
            lines = self.log.read_text(errors="replace").splitlines()
        except OSError:
            return frozenset()
        return frozenset(itertools.chain.from_iterable(line.split()[:1] for line in lines))
