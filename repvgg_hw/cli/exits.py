"""How a command ends: every failure is one line on standard error and one of four exit codes.

0    done, and proven where something was to be proven
1    a check failed, or the tool itself did (an internal error, which says so)
2    the input or the usage is wrong
130  interrupted
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import traceback
from collections.abc import Callable
from typing import NoReturn

import click

from repvgg_hw.cli.interrupts import INTERRUPTED, interrupted, watch
from repvgg_hw.errors import InputError, RepVGGHWError

TRACEBACK = "REPVGG_HW_TRACEBACK"  # set to anything: where an error came from is printed, too


def exit_code(command: Callable[[], object]) -> int:
    """Run command; its exit code, an error's line printed."""
    try:
        watch()
        outcome = _flushed(command)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
        return _fail("", code) if code and interrupted() else code
    except RepVGGHWError as error:
        return _fail(str(error), error.exit_code)
    except click.exceptions.NoArgsIsHelpError as error:
        print(error.format_message(), file=sys.stderr)
        return _fail("no command is given", 2)
    except click.UsageError as error:
        help_ = f" (see {error.ctx.command_path} --help)" if error.ctx is not None else ""
        return _fail(f"{error.format_message().rstrip('.')}{help_}", 2)
    except click.ClickException as error:
        return _fail(error.format_message(), 2)
    except (KeyboardInterrupt, click.Abort):
        return _fail("interrupted", INTERRUPTED)
    except OSError as error:  # unwritable folder, missing file, full disk
        place = f": {error.filename}" if error.filename else ""
        return _fail(f"{error.strerror or error}{place}", 2)
    except ImportError as error:
        return _fail(f"a package cannot be loaded, `repvgg-hw doctor` says which are there ({error})", 2)
    except MemoryError:
        return _fail("this needs more memory than there is: smaller input, fewer images or --limit", 2)
    except Exception as error:
        return _fail(
            f"internal error, please report it: {type(error).__name__}: {error} ({TRACEBACK}=1 shows where)",
            1,
        )
    return outcome if isinstance(outcome, int) else 0


def _flushed(command: Callable[[], object]) -> object:
    """The command's outcome, once what it printed is written."""
    try:
        outcome = command()
    except SystemExit:
        sys.stdout.flush()
        raise
    sys.stdout.flush()
    return outcome


def check_working_directory() -> None:
    """Refuse, with InputError, one that somebody has removed: libraries die of it in ways of their own."""
    try:
        os.getcwd()
    except OSError:
        raise InputError("the working directory is not there any more: change to another one") from None


def end(code: int) -> NoReturn:
    """Leave with this code. An interrupt that cut `exec` short would make Python itself end by the signal."""
    if not interrupted() and code != INTERRUPTED:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the verdict is out: nothing may change it
        sys.exit(code)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


def _fail(message: str, code: int) -> int:
    """Print the line; everything that is not printable in it is escaped, so that it stays one line."""
    if os.environ.get(TRACEBACK):
        traceback.print_exc()
    if interrupted():  # the error came of it: a compiler that was ended, an import cut short
        message, code = "interrupted", INTERRUPTED
    words = "".join(c if c.isprintable() else " " if c in "\n\t" else ascii(c)[1:-1] for c in message)
    with contextlib.suppress(OSError):  # standard error is closed or full: the code must do
        print(f"error: {' '.join(words.split())}", file=sys.stderr, flush=True)
    return code
