"""Read a torch pickle without running anything that it asks for.

torch's weights-only unpickler does the reading. It stops at every class that it does not know, such as the
argparse.Namespace that trainers keep beside the weights. For such a class a stand-in is put, which takes
whatever it is given and does nothing; the real one is never imported, and functions are refused.
"""

from __future__ import annotations

import re
import zipfile
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import torch

from repvgg_hw.errors import InputError

MAX_HEADER = 64 << 20  # bytes of a safetensors header or of a pickle inside a .pth
MAX_TENSORS = 100_000
_MAX_STANDINS = 64  # classes of one file
_UNKNOWN = re.compile(r"GLOBAL ([\w.]+)")
# names of plain values that are no classes by their look: lower case
_MAX_ATTEMPTS = 100  # each finds one more class
_BUILTINS = (
    "int",
    "float",
    "str",
    "bool",
    "list",
    "dict",
    "tuple",
    "set",
    "frozenset",
    "range",
    "slice",
    "object",
)
_PLAIN_VALUES = (
    "numpy.dtype",
    "numpy.core.multiarray.scalar",
    "numpy._core.multiarray.scalar",
    "numpy.ndarray",
    "numpy.core.multiarray._reconstruct",
    "numpy._core.multiarray._reconstruct",
    "collections.defaultdict",
    "copyreg._reconstructor",
    "datetime.datetime",
    "datetime.date",
    "datetime.timedelta",
)
_NEVER = ("subprocess", "commands", "multiprocessing", "ctypes", "socket", "importlib", "builtins")


class StandIn:
    """In place of a class that is no tensor's: takes whatever it is given, and holds nothing."""

    def __new__(cls, *_: Any, **__: Any) -> Any:
        return super().__new__(cls)

    def __init__(self, *_: Any, **__: Any) -> None: ...

    def __setstate__(self, _: Any) -> None: ...


class DictStandIn:
    """In place of a class of dictionaries: makes plain ones, the only kind that torch's unpickler fills."""

    def __new__(cls, *_: Any, **__: Any) -> Any:
        return OrderedDict()


def load_pickle(file: Path) -> tuple[Any, list[str]]:
    """(content, classes) of a torch checkpoint: containers, tensors, numbers, and stand-ins for all others.

    classes  the names of the classes that stand-ins took the place of
    Raises InputError with one line: damaged, compressed, too large, or asking for a function to be called.
    """
    _check_archive(file)
    standins: dict[str, type] = {}
    for _ in range(_MAX_ATTEMPTS):
        try:
            with _allowed(standins):
                return torch.load(file, map_location="cpu", weights_only=True), list(standins)
        except MemoryError as error:
            raise InputError(f"{file}: asks for more memory than there is") from error
        except Exception as error:  # torch raises whatever the damaged bytes lead it to
            message = str(error)
            filled = [
                name for name, kind in standins.items() if "SETITEM" in message and str(kind) in message
            ]
            name = filled[0] if filled else _unknown_class(message)
            if name is None:
                reason = one_line(message.rpartition("WeightsUnpickler error:")[2])
                raise InputError(f"{file}: not a torch checkpoint, or truncated ({reason})") from error
            if not _is_passive(name) or (name in standins and not filled):
                raise InputError(
                    f"{file}: not loaded: the pickle holds more than tensors ({name}); "
                    "save the state_dict() instead"
                ) from error
            standins[name] = type(name, (DictStandIn if filled else StandIn,), {})
    raise InputError(f"{file}: not loaded: the pickle holds objects of too many classes")


def check_count(file: Path, count: int) -> None:
    """Raise InputError if a file has more tensors or parts than any network."""
    if count > MAX_TENSORS:
        raise InputError(f"{file}: {count} tensors; the limit is {MAX_TENSORS}")


def one_line(error: object, limit: int = 120) -> str:
    """An error's text for a message."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= limit else text[:limit] + "..."


def _allowed(standins: Mapping[str, type]) -> AbstractContextManager[Any]:
    """A context in which torch's unpickler finds the stand-ins in place of the classes."""
    if not standins:
        return nullcontext()
    allowed: AbstractContextManager[Any] = torch.serialization.safe_globals(
        [(kind, name) for name, kind in standins.items()]
    )
    return allowed


def _unknown_class(message: str) -> str | None:
    """The class or function that the weights-only unpickler stopped at."""
    if "nsupported global" not in message and "unsupported GLOBAL" not in message:
        return None
    match = _UNKNOWN.search(message)
    name = match[1] if match else "?"
    return f"builtins.{name}" if name in _BUILTINS else name  # torch's message leaves "builtins." out


def _is_passive(name: str) -> bool:
    """Does name look like a class of plain values?"""
    module, _, last = name.rpartition(".")
    if module == "builtins" and last in _BUILTINS:
        return True
    return name in _PLAIN_VALUES or (
        module.partition(".")[0] not in _NEVER and last.lstrip("_")[:1].isupper()
    )


def _check_archive(file: Path) -> None:
    """Refuse a .pth archive whose parts are compressed or whose pickle is huge, before torch opens it."""
    if not zipfile.is_zipfile(file):
        return
    try:
        with zipfile.ZipFile(file) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise InputError(f"{file}: damaged archive ({one_line(error)})") from error
    check_count(file, len(parts))
    for part in parts:
        if part.compress_type != zipfile.ZIP_STORED or part.file_size > file.stat().st_size:
            raise InputError(f"{file}: {part.filename} is compressed; torch.save stores plainly")
        if part.filename.endswith(".pkl") and part.file_size > MAX_HEADER:
            raise InputError(f"{file}: {part.filename} has {part.file_size} bytes; the limit is {MAX_HEADER}")
