"""`python -m repvgg_hw` and `repvgg-hw`."""

from __future__ import annotations

import contextlib
import os
import signal
from types import FrameType


def _stop(number: int, frame: FrameType | None) -> None:
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


def main() -> None:
    """Run the command line; Ctrl-C is answered from the first import on."""
    _fill_gaps()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if number is signal.SIGINT or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _stop)
    from repvgg_hw.cli import main as command

    command()


if __name__ == "__main__":
    main()
