"""`python -m repvgg_hw` and `repvgg-hw`."""

from __future__ import annotations

import os
import signal
from types import FrameType


def _stop(number: int, frame: FrameType | None) -> None:
    os.write(2, b"error: interrupted\n")
    os._exit(130)


def main() -> None:
    """Run the command line; Ctrl-C is answered from the first import on."""
    signal.signal(signal.SIGINT, _stop)
    from repvgg_hw.cli import main as command

    command()


if __name__ == "__main__":
    main()
