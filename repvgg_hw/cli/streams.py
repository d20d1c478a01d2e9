"""Standard output that a closed pipe or a poor locale cannot break."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from typing import Any, TextIO


class _Drain(io.RawIOBase):
    """A file descriptor for writing; once its reader is gone, what is written goes nowhere, quietly."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        return os.isatty(self._descriptor)

    def write(self, data: Any) -> int:
        view = memoryview(data)
        with contextlib.suppress(BrokenPipeError):
            return os.write(self._descriptor, view)
        return len(view)


def protect() -> None:
    """Make standard output and error robust: `| head` ends nothing, letters that a locale lacks are escaped.

    A command that is half way through a proof goes on to its verdict, and its exit code stays its own.
    Streams that are no files, as under a test runner, stay as they are.
    """
    for name in ("stdout", "stderr"):
        stream: TextIO | None = getattr(sys, name)
        try:
            descriptor = stream.fileno() if stream is not None else -1
        except (OSError, ValueError):
            continue
        if stream is None or descriptor < 0:
            continue
        with contextlib.suppress(OSError):
            stream.flush()
        raw = io.BufferedWriter(_Drain(descriptor))
        line_buffered = name == "stderr" or os.isatty(descriptor)
        robust = io.TextIOWrapper(raw, stream.encoding, "backslashreplace", line_buffering=line_buffered)
        setattr(sys, name, robust)
