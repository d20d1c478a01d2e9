"""The two ways in which a command can end badly, and the exit code of each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class RepVGGHWError(Exception):
    """Base of every error that is reported to the user as one line, without a traceback."""

    exit_code = 2


class InputError(RepVGGHWError):
    """The input or the usage is wrong: says what, where, and what to do. Exit code 2."""

    exit_code = 2


class CheckFailed(RepVGGHWError):
    """A proof did not hold: says which check, where, expected and got. Exit code 1."""

    exit_code = 1


@contextmanager
def context(where: str) -> Iterator[None]:
    """Put the file's or the block's name in front of an InputError."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{where}: {error}") if where else error from error
