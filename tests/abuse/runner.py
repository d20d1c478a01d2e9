"""Run cases in copies of the world, through the fork server."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import IO, Any, cast

from tests.abuse import world
from tests.abuse.case import Case, Verdict, judge, snapshot

ROOT = Path(__file__).resolve().parents[2]


class Server:
    """The fork server as a context: `ask` runs one case."""

    def __enter__(self) -> Server:
        path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.abuse.server"],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", "COLUMNS": "1000"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._answers.readline().strip() == "ready"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()

    @property
    def _answers(self) -> IO[str]:
        return cast("IO[str]", self._process.stdout)

    def ask(self, case: Case, folder: Path) -> dict[str, Any]:
        """The outcome of one case in this working directory."""
        request = {"args": case.args, "cwd": str(folder), "env": case.env, "limit": case.limit}
        request |= {"file_size": case.file_size, "unprivileged": case.unprivileged}
        print(json.dumps(request), file=self._process.stdin, flush=True)
        answer: dict[str, Any] = json.loads(self._answers.readline())
        return answer


def verdicts(cases: Iterable[Case], template: Path) -> Iterator[Verdict]:
    """Judge every case; template is a world that `world.build` has made."""
    with Server() as server, tempfile.TemporaryDirectory() as folder:
        for number, case in enumerate(cases):
            place = Path(folder) / str(number)
            world.copy(template, place, case.beside)
            if case.prepare is not None:
                case.prepare(place)
            before = snapshot(place)
            outcome = server.ask(case, place)
            verdict = replace(
                judge(case, outcome, before, snapshot(place)), seconds=float(outcome["seconds"])
            )
            if not Path(os.devnull).is_char_device():  # cases run as root: no later one would mean anything
                raise RuntimeError(f"{os.devnull} was replaced: {case.kind}: {case.name}")
            writable(place)
            shutil.rmtree(place, ignore_errors=True)  # a world for each of many cases, some with a simulator
            yield verdict


def writable(place: Path) -> None:
    """Take back what a case did to permissions."""
    place.chmod(0o755)
    for folder, names, _ in os.walk(place):  # a folder's mode is set before it is looked into
        for name in names:
            below = Path(folder, name)
            if not below.is_symlink():
                below.chmod(0o755)


def in_parallel(cases: Sequence[Case], template: Path, workers: int | None = None) -> list[Verdict]:
    """`verdicts` with a fork server on each core; neighbours go to different ones, for even loads."""
    workers = workers or os.cpu_count() or 1
    with ThreadPoolExecutor(workers) as pool:  # a thread only waits for its server
        parts = pool.map(lambda n: list(verdicts(cases[n::workers], template)), range(workers))
    return [verdict for part in parts for verdict in part]
