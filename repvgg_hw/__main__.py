"""`python -m repvgg_hw` and `repvgg-hw`."""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import sys
from types import FrameType


def _stop(number: int = signal.SIGINT, frame: FrameType | None = None) -> None:
    with contextlib.suppress(OSError):
        os.write(2, b"error: interrupted\n")
    os._exit(130)


def _fill_gaps() -> None:
    """A standard stream that was closed (`>&-`) leads nowhere, else the next file that is opened is it."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # opened as the lowest that is free


def _end_at_once(codes: list[int]) -> None:
    """Leave with the code, once everything else has been done that was to be done at the end.

    Threads of a library may outlive the command (gloo's, of training in several processes), and one that asks
    for the interpreter while that is taken apart aborts the process: a finished training then looked failed.
    """
    if codes:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        os._exit(codes[0])


def main() -> None:
    """Run the command line; Ctrl-C is answered from the first import on."""
    codes: list[int] = []
    atexit.register(_end_at_once, codes)  # the first that is registered is the last that is called
    _fill_gaps()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if number is signal.SIGINT or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _stop)
    from repvgg_hw.cli import main as command

    try:
        command()
    except KeyboardInterrupt:  # just before or behind what turns every error into a line
        _stop()
    except SystemExit as end:
        if isinstance(end.code, int):
            codes.append(end.code)
        raise


if __name__ == "__main__":
    main()
