"""Read named arrays from an .npz that may be anything: no pickle, no bomb, no more memory than its limit."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from repvgg_hw.errors import InputError

MAX_BYTES = 1 << 30  # of the arrays that are read, together
_CHUNK = 1 << 20  # a lying entry is noticed after that many bytes
_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # np.savez, np.savez_compressed
_ENCRYPTED = 1  # bit of a zip entry's flags


def read_npz(path: Path, names: Sequence[str]) -> dict[str, NDArray[Any]]:
    """The arrays called names; whatever else is in the file stays unread.

    Raises InputError, in one line, if the file is no such archive, if an array is missing, not plain
    numbers, damaged or encrypted, or if they have more than MAX_BYTES together.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    if not zipfile.is_zipfile(path):
        raise InputError(f"{path}: not an .npz archive, or truncated; np.savez makes one")
    try:
        with zipfile.ZipFile(path) as archive:
            entries = {name: _entry(path, archive, name) for name in names}
            total = sum(entry.file_size for entry in entries.values())
            if total > MAX_BYTES:
                raise InputError(f"{path}: its arrays have {total} bytes; the limit is {MAX_BYTES}")
            return {name: _array(path, name, _bytes(archive, entry)) for name, entry in entries.items()}
    except InputError:
        raise
    except Exception as error:  # zipfile, zlib and numpy raise whatever the damaged bytes lead them to
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise InputError(f"{path}: damaged .npz ({reason})") from error


def _entry(path: Path, archive: zipfile.ZipFile, name: str) -> zipfile.ZipInfo:
    entries = [entry for entry in archive.infolist() if entry.filename == f"{name}.npy"]
    if len(entries) != 1:
        held = sorted({entry.filename.removesuffix(".npy") for entry in archive.infolist()})
        found = f"{len(entries)} arrays of that name" if entries else f"it holds {', '.join(held[:6])}"
        raise InputError(f"{path}: one array {name!r} is needed; {found}")
    entry = entries[0]
    if entry.flag_bits & _ENCRYPTED:
        raise InputError(f"{path}: {name} is encrypted")
    if entry.compress_type not in _COMPRESSIONS:
        raise InputError(f"{path}: {name} is compressed in a way that np.savez never uses")
    return entry


def _bytes(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """The entry's content, at most as long as it says it is; its checksum is verified."""
    content = bytearray()
    with archive.open(entry) as stream:
        while chunk := stream.read(_CHUNK):
            content += chunk
    if len(content) != entry.file_size:
        raise ValueError(f"{entry.filename} is truncated")
    return bytes(content)


def _array(path: Path, name: str, content: bytes) -> NDArray[Any]:
    """The array of an .npy file's content, its size checked before anything is allocated."""
    stream = io.BytesIO(content)
    version = np.lib.format.read_magic(stream)
    if version == (1, 0):
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(stream)
    elif version == (2, 0):
        shape, fortran, dtype = np.lib.format.read_array_header_2_0(stream)
    else:
        raise ValueError(f"{name} has version {version} of the .npy format")
    if dtype.hasobject:
        raise InputError(f"{path}: {name} holds Python objects, not numbers; nothing in it is run")
    count = 1
    for length in shape:
        count *= int(length)
    if min(shape, default=0) < 0 or count * dtype.itemsize != len(content) - stream.tell():
        raise ValueError(f"{name} claims shape {shape} of {dtype}, its bytes are others")
    array = np.frombuffer(content, dtype=dtype, offset=stream.tell())
    return array.reshape(shape, order="F" if fortran else "C")
