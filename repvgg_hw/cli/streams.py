"""Standard output and error that a closed pipe, a full disk or a poor locale cannot break."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from typing import Any, TextIO


class _Drain(io.RawIOBase):
    """A file descriptor for writing; once its reader is gone, what is written goes nowhere, quietly.

    strict: where it cannot be written for another reason, say a full disk, that is an error, once
    """

    def __init__(self, descriptor: int, strict: bool) -> None:
        self._descriptor, self._strict = descriptor, strict

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        return os.isatty(self._descriptor)

    def write(self, data: Any) -> int:
        view = memoryview(data)
        try:
            return os.write(self._descriptor, view)
        except OSError as error:
            strict, self._strict = self._strict, False  # Python itself writes the rest again at its end
            if strict and not isinstance(error, BrokenPipeError):
                raise OSError(error.errno, error.strerror, "standard output") from None
        return len(view)


def protect() -> None:
    """Make standard output and error robust: `| head` ends nothing, letters that a locale lacks are escaped.

    A command that is half way through a proof goes on to its verdict, and its exit code stays its own; only a
    result that could not be written is an error. Of a stream that was closed (`>&-`) nobody expects anything.
    Streams that are no files, as under a test runner, stay as they are.
    """
    for number, name in ((1, "stdout"), (2, "stderr")):
        stream: TextIO | None = getattr(sys, name)
        try:
            descriptor = number if stream is None else stream.fileno()
        except (OSError, ValueError):
            continue
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.flush()
        raw = io.BufferedWriter(_Drain(descriptor, strict=name == "stdout" and stream is not None))
        line_buffered = name == "stderr" or os.isatty(descriptor)
        encoding = "ascii" if stream is None else stream.encoding
        robust = io.TextIOWrapper(raw, encoding, "backslashreplace", line_buffering=line_buffered)
        setattr(sys, name, robust)
