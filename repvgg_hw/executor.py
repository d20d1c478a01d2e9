"""Many tasks at once, by one interface: on local processes, or on a Dask cluster."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor

from repvgg_hw import processes
from repvgg_hw.errors import InputError

SCHEDULER_TIMEOUT = "10s"


@contextlib.contextmanager
def executor(scheduler: str | None, jobs: int) -> Iterator[Executor]:
    """`jobs` local processes, or the Dask cluster at the address `scheduler`.

    When the block is left by an exception, what still runs is ended. Raises InputError where no scheduler
    answers.
    """
    if scheduler is None:
        with ProcessPoolExecutor(max_workers=jobs, initializer=processes.worker) as local:
            try:
                yield local
            except BaseException:
                local.shutdown(wait=False, cancel_futures=True)
                processes.end_all()  # else leaving the pool waits for the tasks that run
                raise
        return
    try:
        client_class = importlib.import_module("distributed").Client
    except ImportError:
        raise InputError("--scheduler needs Dask: pip install 'repvgg-hw[dask]'") from None
    try:
        client = client_class(scheduler, timeout=SCHEDULER_TIMEOUT)
    except (OSError, ValueError) as error:
        raise InputError(f"no Dask scheduler answers at {scheduler}: {error}") from None
    with client, client.get_executor() as pool:
        yield pool
