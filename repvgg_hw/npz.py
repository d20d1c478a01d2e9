"""Read named arrays from an .npz that may be anything: no pickle, no bomb, no more memory than its limit.

What an entry declares (its length, its shape and type) is held against what the file really has before
memory is taken for it, and its checksum afterwards.
"""

from __future__ import annotations

import math
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from repvgg_hw.errors import InputError
from repvgg_hw.files import check_file

MAX_BYTES = 1 << 30  # of the arrays that are read, together
_CHUNK = 1 << 20
_MAX_DIMENSIONS = 32  # of an array
_DEFLATE = 1032  # no stream of deflate expands to more than so many times its length
_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # np.savez, np.savez_compressed
_ENCRYPTED = 1  # bit of a zip entry's flags


def read_npz(
    path: Path,
    names: Sequence[str],
    *,
    optional: Sequence[str] = (),
    alone: bool = False,
    limit: int = MAX_BYTES,
) -> dict[str, NDArray[Any]]:
    """The arrays called names, and those of optional that are there.

    alone  whether anything else in the file is an error; otherwise it stays unread
    limit  bytes of the arrays together

    Raises InputError, in one line, if the file is no such archive, if an array is missing, not plain
    numbers, damaged or encrypted, or if they have more than `limit` bytes or than there is memory.
    """
    check_file(path)
    if not zipfile.is_zipfile(path):
        raise InputError(f"{path}: not an .npz archive, or truncated; np.savez makes one")
    try:
        with zipfile.ZipFile(path) as archive:
            held = {entry.filename for entry in archive.infolist()}
            wanted = [*names, *(name for name in optional if f"{name}.npy" in held)]
            surplus = sorted(held - {f"{name}.npy" for name in wanted}) if alone else []
            if surplus:
                raise InputError(f"{path}: {surplus[0]!r} has no place in it")
            entries = {name: _entry(path, archive, name) for name in wanted}
            total = sum(entry.file_size for entry in entries.values())
            if total > limit:
                raise InputError(f"{path}: its arrays have {total} bytes; the limit is {limit}")
            return {name: _array(path, name, archive, entry) for name, entry in entries.items()}
    except InputError:
        raise
    except MemoryError:
        raise InputError(f"{path}: there is no memory for its arrays") from None
    except Exception as error:  # zipfile, zlib and numpy raise whatever the damaged bytes lead them to
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise InputError(f"{path}: damaged .npz ({reason})") from error


def _entry(path: Path, archive: zipfile.ZipFile, name: str) -> zipfile.ZipInfo:
    entries = [entry for entry in archive.infolist() if entry.filename == f"{name}.npy"]
    if len(entries) != 1:
        held = sorted({entry.filename.removesuffix(".npy") for entry in archive.infolist()})
        there = f"{len(entries)} arrays of that name" if entries else f"it holds {', '.join(held[:6])}"
        raise InputError(f"{path}: one array {name!r} is needed; {there}")
    entry = entries[0]
    if entry.flag_bits & _ENCRYPTED:
        raise InputError(f"{path}: {name} is encrypted")
    if entry.compress_type not in _COMPRESSIONS:
        raise InputError(f"{path}: {name} is compressed in a way that np.savez never uses")
    return entry


def _array(path: Path, name: str, archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> NDArray[Any]:
    """The array of one entry, read straight to its place once every size is known to be true."""
    expansion = 1 if entry.compress_type == zipfile.ZIP_STORED else _DEFLATE
    if entry.compress_size > path.stat().st_size or entry.file_size > expansion * entry.compress_size:
        raise ValueError(f"{name} has fewer bytes than it says")
    with archive.open(entry) as stream:
        shape, fortran, dtype = _header(name, stream)
        if dtype.hasobject:
            raise InputError(f"{path}: {name} holds Python objects, not numbers; nothing in it is run")
        size = math.prod(shape) * dtype.itemsize
        if min(shape, default=0) < 0 or size != entry.file_size - stream.tell():
            raise ValueError(f"{name} claims shape {_short(shape)} of {dtype}, its bytes are others")
        array = np.empty(math.prod(shape), dtype)
        content, at = array.view(np.uint8).data if size else memoryview(b""), 0
        while at < size:
            chunk = stream.read(min(_CHUNK, size - at))
            if not chunk:
                raise ValueError(f"{name} is truncated")
            content[at : at + len(chunk)] = chunk
            at += len(chunk)
        if stream.read(1):  # the end of the entry, where its checksum is verified
            raise ValueError(f"{name} is longer than it says")
    return array.reshape(shape, order="F" if fortran else "C")


def _header(name: str, stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """(shape, whether columns come first, dtype) of an .npy file."""
    version = np.lib.format.read_magic(stream)
    if version == (1, 0):
        header = np.lib.format.read_array_header_1_0(stream)
    elif version == (2, 0):
        header = np.lib.format.read_array_header_2_0(stream)
    else:
        raise ValueError(f"{name} has version {version} of the .npy format")
    shape, fortran, dtype = header
    if len(shape) > _MAX_DIMENSIONS:
        raise ValueError(f"{name} has {len(shape)} dimensions")
    return tuple(int(length) for length in shape), fortran, dtype


def _short(shape: tuple[int, ...]) -> str:
    return f"({', '.join(str(length) for length in shape[:6])}{', ...' if len(shape) > 6 else ''})"
