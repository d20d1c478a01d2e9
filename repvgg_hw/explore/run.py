"""Plan the points of a sweep that are not known yet, many at once."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, wait

from repvgg_hw.design.network_digest import network_digest
from repvgg_hw.errors import CheckFailed, RepVGGHWError
from repvgg_hw.executor import executor
from repvgg_hw.explore.grid import Point
from repvgg_hw.explore.kept import Kept, point_key
from repvgg_hw.explore.outcome import Outcome, Task, plan_point
from repvgg_hw.network import IntegerNetwork
from repvgg_hw.progress import Progress, silent

POLL_SECONDS = 0.5


def run(
    points: Sequence[Point],
    networks: Mapping[str, IntegerNetwork],
    kept: Kept,
    *,
    jobs: int | None = None,
    scheduler: str | None = None,
    progress: Progress = silent,
) -> tuple[list[Outcome], int]:
    """The outcome of each point, in order, and how many were known before.

    networks  label -> integers, of every label among the points
    jobs      local processes, one per core where None; scheduler: a Dask cluster in their place
    Raises CheckFailed where a process dies; what has ended by then is kept.
    """
    digests = {label: network_digest(network) for label, network in networks.items()}
    keys = [point_key(digests[point.network], point.request) for point in points]
    tasks = {
        key: Task(key, networks[point.network], point.request)
        for key, point in zip(keys, points, strict=True)
        if key not in kept.outcomes
    }
    known = len(set(keys)) - len(tasks)
    if tasks:
        _plan(list(tasks.values()), known, kept, jobs, scheduler, progress)
    return [kept.outcomes[key] for key in keys], known


def _plan(
    tasks: list[Task], known: int, kept: Kept, jobs: int | None, scheduler: str | None, progress: Progress
) -> None:
    total = known + len(tasks)
    progress(known / total, f"{known} of {total} points")
    with executor(scheduler, min(jobs or os.cpu_count() or 1, len(tasks))) as pool:
        waiting = {pool.submit(plan_point, task) for task in tasks}
        while waiting:
            done, waiting = wait(waiting, timeout=POLL_SECONDS, return_when=FIRST_COMPLETED)
            # first those that ended well: they are kept before an error ends this
            for future in sorted(done, key=lambda one: one.exception() is not None):
                try:
                    kept.keep(*future.result())
                except RepVGGHWError:
                    raise
                except Exception as error:  # its process was killed, say for want of memory
                    raise CheckFailed(
                        f"a process of the sweep ended badly ({type(error).__name__}: {error}); "
                        "points that are done are kept, run again to go on"
                    ) from None
            ended = total - len(waiting)
            progress(min(0.999, ended / total), f"{ended} of {total} points")
