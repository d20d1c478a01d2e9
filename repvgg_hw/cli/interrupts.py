"""Ctrl-C ends a command within two seconds, wherever it is: in torch, in a compiler, in a simulator.

So do the signals that `timeout`, a scheduler or a terminal that is closed send.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time

from repvgg_hw import processes

GRACE = 1.2  # seconds in which the main thread may clean up behind itself
INTERRUPTED = 130
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_seen = threading.Event()
_wakeups: dict[int, int] = {}  # process -> descriptor that its watching thread reads the other end of


def interrupted() -> bool:
    """Whether Ctrl-C was pressed: whatever error the command then ends in came of that."""
    return _seen.is_set()


def watch() -> None:
    """From now on an interrupt ends child processes at once, and this one after GRACE at the latest.

    Python's own handler raises KeyboardInterrupt between two bytecodes, so not within a long call into C. The
    wake-up descriptor is written by the operating system's handler, and a thread reads it.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    if os.getpid() not in _wakeups:  # once, however many commands a process runs; a fork has no threads
        reader, writer = os.pipe()
        os.set_blocking(writer, False)
        _wakeups[os.getpid()] = writer
        threading.Thread(target=_wait, args=(reader,), daemon=True).start()
    signal.set_wakeup_fd(_wakeups[os.getpid()], warn_on_full_buffer=False)
    for number in SIGNALS:  # last: what they raise would leave the thread half started
        # SIGINT is ignored behind a shell's `&`, by no wish of the user's; SIGHUP by `nohup`, which is one
        if number is signal.SIGINT or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler)


def _wait(reader: int) -> None:
    while not {*SIGNALS} & {*os.read(reader, 64)}:
        pass
    _seen.set()
    processes.end_all()
    time.sleep(GRACE)
    processes.end_all()
    sys.stderr.write("error: interrupted\n")
    sys.stderr.flush()
    os._exit(INTERRUPTED)
