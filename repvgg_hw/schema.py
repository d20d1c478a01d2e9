"""JSON that may be anything, read as a dataclass or a msgspec.Struct of known fields and types.

What follows from other facts is not read but computed; `difference` then says where a document differs.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from repvgg_hw.errors import InputError, context

MAX_BYTES = 16 << 20  # of a document

T = TypeVar("T")


def read_json(path: Path) -> Any:
    """The document in a file. Raises InputError that names it."""
    try:
        if not path.is_file():  # a pipe would be waited for
            raise InputError(f"{path}: missing, or no file")
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    with context(str(path)):
        return decode(data)


def decode(data: bytes) -> Any:
    """The document in these bytes; NaN and the like are no JSON. Raises InputError."""
    if len(data) > MAX_BYTES:
        raise InputError(f"longer than {MAX_BYTES} bytes")
    try:
        return msgspec.json.decode(data)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise InputError(f"not JSON ({str(error) or type(error).__name__})") from None


def read_typed(path: Path, what: str) -> Any:
    """A document that somebody wrote by hand: as `read_json`, and a key that is there twice is an error."""

    def unrepeated(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        keys = [key for key, _ in pairs]
        again = next((key for key in keys if keys.count(key) > 1), None)
        if again is not None:
            raise InputError(f"{path}: the key {again!r} stands there twice")
        return dict(pairs)

    try:
        content = read_json(path)
        json.loads(path.read_bytes(), object_pairs_hook=unrepeated)
    except (InputError, OSError, ValueError, RecursionError) as error:
        raise InputError(f"no readable {what}: {error}") from None
    return content


def exactly(content: Any, kind: type[T], where: str = "") -> T:
    """A document as a dataclass: every field is there, of its type, and nothing else is.

    Raises InputError that names the field, counted from 0 in lists; also what `kind` itself raises.
    """
    value = partly(content, kind, where)
    other = difference(content, plain(dataclasses.asdict(value)), where)  # type: ignore[call-overload]  # no bound says "dataclass"
    if other is not None:  # a field missing that has a default, or one that the class does not know
        raise InputError(other)
    return value


def partly(content: Any, kind: type[T], where: str = "") -> T:
    """Those fields of a document that `kind` has. Raises InputError that names the field."""
    try:
        return msgspec.convert(content, kind, strict=True)
    except msgspec.ValidationError as error:
        what, _, path = str(error).partition(" - at `$")
        field = f"{where}{path.rstrip('`')}".removeprefix(".")
        what = what[:1].lower() + what[1:]
        raise InputError(f"{field}: {what}" if field else what) from None


def difference(stored: Any, right: Any, where: str = "") -> str | None:
    """Where a document first differs from what is right, in words; None where it does not.

    Whole numbers are equal to floats of their value, as in JSON; truth values are no numbers.
    """
    if isinstance(stored, dict) and isinstance(right, dict):
        for key in (*right, *(key for key in stored if key not in right)):
            place = f"{where}.{key}" if where else str(key)
            if key not in stored:
                return f"{place} is missing"
            if key not in right:
                return f"{place} has no place in it"
            if (deeper := difference(stored[key], right[key], place)) is not None:
                return deeper
        return None
    if isinstance(stored, list) and isinstance(right, list) and len(stored) == len(right):
        pairs = enumerate(zip(stored, right, strict=True))
        return next((d for i, (a, b) in pairs if (d := difference(a, b, f"{where}.{i}")) is not None), None)
    numbers = not any(
        isinstance(value, (bool, str, list, dict)) or value is None for value in (stored, right)
    )
    if (numbers or type(stored) is type(right)) and stored == right:
        return None
    return f"{where} is {_short(stored)}, right is {_short(right)}"


def plain(value: Any) -> Any:
    """What a value becomes when it is written as JSON and read back."""
    return json.loads(json.dumps(value))


def without_surrogates(value: Any) -> Any:
    """value with "?" for every letter that UTF-8 cannot write, as names of files have that are no UTF-8."""
    if isinstance(value, dict):
        return {without_surrogates(key): without_surrogates(below) for key, below in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_surrogates(below) for below in value]
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


def _short(value: Any) -> str:
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if isinstance(value, dict):
        return "an object"
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
