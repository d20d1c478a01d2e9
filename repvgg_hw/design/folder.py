"""A design's folder as a whole: written beside and swapped in, locked, fingerprinted.

A design is written into `.generating/` inside its folder. When it is whole, the file `complete` says so;
then its files are moved to their places, and what only the earlier design had is removed. Broken off before
`complete`, the earlier design stands untouched; broken off after it, whoever comes next finishes the move.

`files.json` lists what belongs to a design; what simulators build (`build/`) and what people add does not.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import TypeVar

from filelock import FileLock, Timeout

from repvgg_hw.errors import InputError
from repvgg_hw.files import emptied, write_atomically

STAGE = ".generating"
COMPLETE = "complete"
LOCK = ".lock"
FILES = "files.json"
RESULTS = "results.json"  # what was simulated: not of the design, but goes with it
LARGEST = 1 << 32  # bytes of a file: what is larger is not read
TRIES = 20  # to read a folder while others write in it

T = TypeVar("T")

_log = logging.getLogger(__name__)


@contextlib.contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Hold a folder: one command at a time writes in it or relies on what is in it.

    Waits, and says so once, while another command holds it. A folder that cannot be written needs no lock.
    The operating system lets go of it when the process that holds it ends in whatever way.
    """
    lock = FileLock(directory / LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        _log.warning("waiting: another repvgg-hw command is at work in %s", directory)
        lock.acquire()
    except OSError:
        yield
        return
    try:
        yield
    finally:
        lock.release()


def is_design(directory: Path) -> bool:
    """Whether `generate` wrote here, or began to: what it may write over."""
    return (directory / "design.json").is_file() or (directory / STAGE).is_dir()


def stamp(directory: Path) -> tuple[object, ...]:
    """Another one whenever a design has been written here; None in it while one is being moved in."""
    found: list[object] = [None] if (directory / STAGE / COMPLETE).exists() else []
    for name in ("design.json", "network.npz", FILES):
        with contextlib.suppress(OSError):
            status = (directory / name).stat()
            found.append((status.st_ino, status.st_size, status.st_mtime_ns))
    return tuple(found)


def steady(directory: Path, read: Callable[[], T]) -> T:
    """What read gives of a design that nobody wrote meanwhile: read again where somebody did.

    For commands that only read: they need not wait for an hour of simulation. Raises what read raises.
    """
    for _ in range(TRIES):
        before = stamp(directory)
        try:
            value = read()
        except InputError:
            if stamp(directory) == before:
                raise
            continue
        if stamp(directory) == before and None not in before:
            return value
    raise InputError(f"{directory} is written all the time by another command: try again when it has ended")


def write(directory: Path, emit: Callable[[Path], None], *, over: bool = True) -> None:
    """Make what `emit` writes into the folder that it gets the design of directory: all of it, or nothing.

    over: also over a design that is there once no other command is at work here
    Raises what emit raises, and InputError where something is in the way; the folder is then as it was, and
    gone if it was not there.
    """
    created = [path for path in (directory, *directory.parents) if not path.exists()]
    directory.mkdir(parents=True, exist_ok=True)
    try:
        with locked(directory):
            recover(directory)
            if not over and (directory / "design.json").is_file():
                raise InputError(f"{directory} holds a design already: --force writes over it")
            stage = emptied(directory / STAGE)
            try:
                emit(stage)
                names = sorted(str(PurePosixPath(name)) for name in _below(stage))
                check_places(directory, [*names, RESULTS])
                write_atomically(stage / FILES, (json.dumps(names, indent=0) + "\n").encode())
                write_atomically(stage / COMPLETE, b"")
            except BaseException:
                shutil.rmtree(stage, ignore_errors=True)
                raise
            recover(directory)
    except BaseException:
        if created:
            _remove_empty(directory, created)
        raise


def check_places(directory: Path, names: list[str]) -> None:
    """Refuse, with InputError, a folder where one of these files is to lie, and what is none on its way."""
    for name in names:
        for place in (directory / name, *(directory / above for above in PurePosixPath(name).parents)):
            wrong = place.is_dir() if place == directory / name else place.exists() and not place.is_dir()
            if wrong:
                kind = "a folder" if place.is_dir() else "no folder"
                raise InputError(f"{place} is {kind} and in the way of the design: move it away")


def recover(directory: Path) -> None:
    """Finish a move that was broken off; nothing where none was."""
    stage = directory / STAGE
    if not (stage / COMPLETE).is_file():
        return
    if not (stage / FILES).is_file():  # all was moved but the stage itself
        shutil.rmtree(stage)
        return
    new = listed(stage)
    if not new:
        raise InputError(f"{stage / FILES} is damaged: remove {stage}, then generate the design again")
    gone = sorted(set(listed(directory)) - set(new))
    for name in new:  # those that an earlier try has moved are no longer there
        source, target = stage / name, directory / name
        if not source.is_file():
            continue
        if not (target.is_file() and target.read_bytes() == source.read_bytes()):  # the same keeps its date
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(source, target)
    for name in gone:
        with contextlib.suppress(OSError):
            (directory / name).unlink()
            (directory / name).parent.rmdir()  # only where it is empty
    os.replace(stage / FILES, directory / FILES)
    shutil.rmtree(stage)


def listed(directory: Path) -> list[str]:
    """Names of the files that belong to the design, none where there is no list or it is damaged."""
    try:
        names = json.loads((directory / FILES).read_text())
    except (OSError, ValueError, RecursionError):
        return []
    inside = isinstance(names, list) and all(isinstance(name, str) and is_inside(name) for name in names)
    return names if inside else []


def read_table(directory: Path, name: str) -> str:
    """A table of the design as text; "" where it is missing. Raises InputError where it is no text file."""
    path = directory / name
    if not path.exists():
        return ""
    try:
        if not path.is_file():
            raise ValueError
        return path.read_bytes().decode("ascii")
    except (OSError, ValueError):
        raise InputError(f"{path} is no readable text file: generate the design again") from None


def is_inside(name: str) -> bool:
    """Whether a name in a list stays in the folder: relative, without `..`, a plain path."""
    path = PurePosixPath(name)
    return bool(name) and not path.is_absolute() and ".." not in path.parts and "\0" not in name


def fingerprint(directory: Path, of: Callable[[str], bool] = lambda name: True) -> str:
    """SHA-256 over every file of the design, as it is now. What was proven holds for this state alone.

    of  which files, by their names: all of them
    Raises InputError where a file or the list of them is missing.
    """
    digest, names = hashlib.sha256(), [name for name in listed(directory) if of(name)]
    if not names:
        raise InputError(f"{directory / FILES} is missing or damaged: generate the design again")
    for name in names:
        digest.update(name.encode() + b"\0")
        try:
            if not (directory / name).is_file():  # a pipe would be waited for, a device has no end
                raise InputError(f"{directory / name} is missing or no file: generate the design again")
            if (size := (directory / name).stat().st_size) > LARGEST:
                wrong = f"has {size:,} bytes, more than any file of a design"
                raise InputError(f"{directory / name} {wrong}: generate the design again")
            with (directory / name).open("rb") as stream:
                while block := stream.read(1 << 20):
                    digest.update(block)
        except OSError:
            raise InputError(f"{directory / name} cannot be read: generate the design again") from None
    return digest.hexdigest()


def _below(folder: Path) -> Iterator[Path]:
    """Every file, relative."""
    for path in folder.rglob("*"):
        if path.is_file():
            yield path.relative_to(folder)


def _remove_empty(directory: Path, created: list[Path]) -> None:
    """Take back folders that were made for a design that did not come about."""
    with contextlib.suppress(OSError):
        (directory / LOCK).unlink()
    for path in created:
        with contextlib.suppress(OSError):
            path.rmdir()
