"""The Python interface's reference: every name of `repvgg_hw.__all__` with signature and docstring."""

from __future__ import annotations

import enum
import inspect
import re
from collections.abc import Iterator
from typing import Any

import repvgg_hw
from website import fenced

PAGE = "reference/python.md"
INTRODUCTION = """# Python interface

Every name of `repvgg_hw.__all__`, from the code of this version. How they go together, with examples that
tests run: [Python](../api.md).

"""
# A line of a docstring's list, `name  what it is`, and a line that goes on below it.
ITEM = re.compile(r"^\S.*?\s{2,}\S|^\s+\S")


def pages() -> dict[str, str]:
    """Markdown of the page, by its path on the site."""
    names = sorted((name for name in repvgg_hw.__all__ if not name.startswith("__")), key=_order)
    return {PAGE: INTRODUCTION + "\n".join(_entry(name, getattr(repvgg_hw, name)) for name in names)}


def markdown(docstring: str) -> str:
    """A docstring as Markdown: sentences as text, lists of names in their columns as they stand."""
    parts = []
    for paragraph in docstring.split("\n\n"):
        lines = paragraph.splitlines()
        while lines:
            listed = bool(ITEM.match(lines[0]))
            count = next((i for i, line in enumerate(lines) if bool(ITEM.match(line)) != listed), len(lines))
            text = "\n".join(lines[:count])
            parts.append(fenced(text) if listed else f"{_escape(text)}\n")
            lines = lines[count:]
    return "\n".join(parts)


def signature(name: str, value: Any) -> str:
    """`name(...)` as it is called: short ones on one line, long ones with a line for each parameter."""
    found = inspect.signature(value)
    parameters = [p for p in found.parameters.values() if p.name != "self"]
    shown = found.replace(parameters=parameters)
    line = name + str(shown).replace("'", "")
    if len(line) <= 90:
        return line
    rows, star = [], False
    for parameter in parameters:
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY and not star:
            rows.append("    *,")
            star = True
        rows.append(f"    {_default(parameter)},".replace("'", ""))
    back = "" if found.return_annotation is found.empty else f" -> {found.return_annotation}".replace("'", "")
    return "\n".join([f"{name}(", *rows, f"){back}"])


def _default(parameter: inspect.Parameter) -> str:
    """A parameter, with a function as its default by that function's name."""
    if inspect.isfunction(parameter.default):
        return f"{parameter.name}: {parameter.annotation} = {parameter.default.__name__}"
    return str(parameter.replace(kind=inspect.Parameter.POSITIONAL_OR_KEYWORD))


def _order(name: str) -> tuple[int, str]:
    """Functions first, then the stages' values, then errors."""
    value = getattr(repvgg_hw, name)
    if not inspect.isclass(value):
        return 0, name
    return (2 if issubclass(value, Exception) else 1), name


def _entry(name: str, value: Any) -> str:
    if not inspect.isclass(value):
        return f"## {name}\n\n{fenced(signature(name, value), 'python')}\n{markdown(_doc(value))}"
    parts = [f"## {name}\n\n{markdown(_doc(value))}"]
    for member, kind, of in _members(value):
        shown = fenced(signature(member, of), "python") if kind == "method" else f"A {kind}.\n"
        parts.append(f"### {name}.{member}\n\n{shown}\n{markdown(_doc(of))}")
    return "\n".join(parts)


def _members(value: type) -> Iterator[tuple[str, str, Any]]:
    """Public methods and properties that say what they are, in the order of the source."""
    for name, member in vars(value).items():
        if name.startswith("_") or isinstance(member, enum.Enum):
            continue
        if isinstance(member, property):
            yield name, "property", member
        elif inspect.isfunction(member):
            yield name, "method", member


def _doc(value: Any) -> str:
    text = inspect.getdoc(value)
    if not text:
        raise LookupError(f"{value} is public and has no docstring")
    return text


def _escape(text: str) -> str:
    """Stars and underscores of identifiers, and angle brackets, are letters here."""
    return "".join(f"\\{c}" if c in "*_<[" and not inside else c for c, inside in _code(text))


def _code(text: str) -> Iterator[tuple[str, bool]]:
    inside = False
    for letter in text:
        inside ^= letter == "`"
        yield letter, inside
