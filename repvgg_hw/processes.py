"""Child processes that end when we do: compilers and simulators, and the workers of a pool.

A child gets a process group of its own, so that whatever it starts itself (make's compilers) ends with it:
when the call is interrupted or runs out of time and, by a guard at the other end of a pipe, when this process
is killed.
"""

from __future__ import annotations

import contextlib
import ctypes
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import IO

_running: set[int] = set()  # process groups
_ends = 0  # calls of end_all so far
_PDEATHSIG = 1  # prctl(2)


def run(
    command: Sequence[str],
    *,
    cwd: str | os.PathLike[str] | None = None,
    env: Mapping[str, str] | None = None,
    stdout: IO[str] | None = None,
    capture: bool = False,
    timeout: float | None = None,
) -> subprocess.CompletedProcess[str]:
    """subprocess.run in a process group of its own; standard error goes where standard output goes.

    capture  both as text in the result, apart from each other
    Raises subprocess.TimeoutExpired after timeout seconds, and OSError where the command cannot be started;
    the whole group has ended by then, as after any other exception, KeyboardInterrupt included.
    """
    out, err = (subprocess.PIPE, subprocess.PIPE) if capture else (stdout, stdout and subprocess.STDOUT)
    ends = _ends
    process = subprocess.Popen(
        list(command),
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=out,
        stderr=err,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    _running.add(process.pid)
    if ends != _ends:  # end_all was called since, and may have looked before the group was in the set
        _end(process.pid)
    try:
        with _guard(process.pid):
            texts = process.communicate(timeout=timeout)
    except BaseException:
        _end(process.pid)
        process.communicate()
        raise
    finally:
        _running.discard(process.pid)
    return subprocess.CompletedProcess(command, process.returncode, *texts)


def end_all() -> None:
    """End every group that `run` has started and every worker of a pool; calls of `run` then return.

    So do calls of `run` in other threads that are starting a child at this moment.
    """
    global _ends
    _ends += 1  # first: whoever is not in the set yet compares it behind
    for group in list(_running):
        _end(group)
    for worker in multiprocessing.active_children():
        worker.kill()


def worker() -> None:
    """Initializer of a pool's workers: the parent alone answers to Ctrl-C, and no worker outlives it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for number in (signal.SIGTERM, signal.SIGHUP):  # what the parent made of them is the parent's
        signal.signal(number, signal.SIG_DFL)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PDEATHSIG, signal.SIGKILL)
    else:
        threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


def _end(group: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


@contextlib.contextmanager
def _guard(group: int) -> Iterator[None]:
    """A shell that waits for the end of its input, which is our own end, and then ends the group."""
    script = f"read -r _; kill -KILL -{group}"
    reader, writer = os.pipe()
    try:
        guard = subprocess.Popen(
            ["/bin/sh", "-c", script], stdin=reader, stderr=subprocess.DEVNULL, start_new_session=True
        )
    finally:
        os.close(reader)
    try:
        yield
    finally:
        guard.kill()
        guard.wait()
        os.close(writer)
