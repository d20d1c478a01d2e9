"""Files: written whole or not at all, one writer at a time; templates; where the libraries lie.

The RTL and HLS libraries (templates/) and the benches (sim/) lie beside the package in a checkout; in a wheel
they lie inside it, under `_data/`.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import jinja2

from repvgg_hw.errors import InputError

_PACKAGE = Path(__file__).resolve().parent


def check_file(path: Path) -> None:
    """Raise InputError where there is no file to read: nothing at all, or a folder."""
    if path.is_dir():
        raise InputError(f"{path}: a folder, where a file is needed")
    if not path.is_file():
        raise InputError(f"{path}: no such file")


def check_output(path: Path, suffixes: tuple[str, ...] = ()) -> Path:
    """Where a file to be written will lie, checked before the work whose result it is to hold.

    path      refused where it is or leads to a device, a pipe or a folder, where its folder cannot be written
              or made, and where its name does not end in one of suffixes (any of them, where there are none)
    A link is written through: the file that it names changes, the link stays. That file must have the link's
    suffix, so that a link called net.safetensors never replaces a notes.txt.
    Raises InputError.
    """
    if suffixes and path.suffix.lower() not in suffixes:
        raise InputError(f"{path}: the name of this file ends in {' or '.join(suffixes)}")
    try:
        place = path.resolve() if path.is_symlink() else path
    except (OSError, RuntimeError):  # RuntimeError: a loop of links, before Python 3.13
        raise InputError(f"{path} is a link that leads nowhere") from None
    if place.is_symlink():
        raise InputError(f"{path} is a link that leads nowhere")
    shown = f"{path}, a link to {place}," if place != path else str(path)
    if place.suffix.lower() != path.suffix.lower():
        raise InputError(f"{shown} would replace a file of another kind: give another name")
    try:
        mode = place.lstat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        pass  # of folders that are none, `check_writable` says which
    except OSError as error:
        raise InputError(f"{shown} cannot be written: {error.strerror}") from None
    else:
        if not stat.S_ISREG(mode):
            kind = "a folder" if stat.S_ISDIR(mode) else "not a regular file"
            raise InputError(f"{shown} is {kind}: give the name of a file to write")
    check_writable(place.parent)
    return place


def check_writable(folder: Path) -> None:
    """Refuse, with InputError, a folder in which no file can be made, or that cannot be made itself."""
    for place in (folder.absolute(), *folder.absolute().parents):
        try:
            mode = place.stat().st_mode
        except (FileNotFoundError, NotADirectoryError):
            if place.is_symlink():
                raise InputError(f"{place} is a link that leads nowhere") from None
            continue
        except OSError as error:
            raise InputError(f"{folder} cannot be written: {error.strerror}") from None
        if not stat.S_ISDIR(mode):
            raise InputError(f"{folder} cannot be made: {place} is not a folder")
        if not os.access(place, os.W_OK | os.X_OK):
            raise InputError(f"{place} cannot be written: give another place")
        return


def sha256(path: Path) -> str:
    """A file's SHA-256 in hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file that is whole at any time for whoever reads it; its folder is made where it is missing.

    A link is written through; a device or a folder is refused (`check_output`).
    Raises OSError or InputError where it cannot be written; the file is then what it was before.
    """
    path = check_output(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")  # each writer has its own
    try:
        partial.write_bytes(data)
        os.replace(partial, path)
    except BaseException:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise


def write_if_changed(path: Path, text: str) -> bool:
    """Write a text file only where it differs, so that simulator builds stay warm. Atomic."""
    data = text.encode()
    if path.is_file() and path.read_bytes() == data:
        return False
    write_atomically(path, data)
    return True


def emptied(folder: Path) -> Path:
    """An empty folder here, whatever lay in its place: no link is followed, no pipe waited for."""
    if folder.is_symlink() or not folder.is_dir():
        folder.unlink(missing_ok=True)
    else:
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    return folder


@contextlib.contextmanager
def lock(directory: Path) -> Iterator[None]:
    """Keep other processes from building in this folder at the same time."""
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def sv_literal(value: int | bool | str) -> str:
    """A parameter's value as a SystemVerilog literal."""
    if isinstance(value, bool):
        return "1'b1" if value else "1'b0"
    if isinstance(value, int):
        return str(value)
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def environment(*folders: Path) -> jinja2.Environment:
    """Jinja as every target uses it: an undefined name is an error, blocks leave no blank lines."""
    env = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folders),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    env.filters["sv"] = sv_literal
    return env


def _find(name: str) -> Path:
    """The folder `name` of the checkout, else of the wheel; InputError where the installation lacks it."""
    checkout, wheel = _PACKAGE.parent / name, _PACKAGE / "_data" / name
    # An installed package's parent is site-packages, where a foreign `sim` may lie: the wheel's copy wins.
    for folder in (wheel, checkout):
        if folder.is_dir():
            return folder
    raise InputError(f"{name}/ is neither at {wheel} nor at {checkout}: reinstall repvgg-hw")


def templates_dir() -> Path:
    """The folder with the hardware libraries and templates: `verilog/`, `hls/`."""
    return _find("templates")


def sim_dir() -> Path:
    """The folder with the cocotb benches and their stream drivers."""
    return _find("sim")
