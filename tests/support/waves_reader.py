"""A dump and its layout as others read them: pyvcd for the dump, GTKWave's file format for the layout."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from vcd.reader import ScopeDecl, TokenKind, VarDecl, tokenize


def declared(dump: Path) -> dict[str, int]:
    """Path of every variable in GTKWave's spelling -> its bits."""
    found: dict[str, int] = {}
    scopes: list[str] = []
    with dump.open("rb") as stream:
        for token in tokenize(stream):
            if token.kind is TokenKind.SCOPE:
                assert isinstance(token.data, ScopeDecl)
                scopes.append(token.data.ident)
            elif token.kind is TokenKind.UPSCOPE:
                scopes.pop()
            elif token.kind is TokenKind.VAR:
                assert isinstance(token.data, VarDecl)
                found[".".join((*scopes, token.data.ref_str))] = token.data.size
    assert not scopes
    return found


def times(dump: Path) -> list[int]:
    """Every moment of which the dump says something, in its own unit."""
    with dump.open("rb") as stream:
        return [int(str(token.data)) for token in tokenize(stream) if token.kind is TokenKind.CHANGE_TIME]


def changes(dump: Path) -> int:
    """How many values it holds."""
    kinds = {TokenKind.CHANGE_SCALAR, TokenKind.CHANGE_VECTOR}
    with dump.open("rb") as stream:
        return sum(token.kind in kinds for token in tokenize(stream))


def groups(layout: Path) -> dict[str, list[str]]:
    """Title of each group -> the signals in it, in order; groups are closed, flags known."""
    found: dict[str, list[str]] = {}
    opened, flag = "", ""
    for line in _body(layout):
        if line.startswith("@"):
            flag = line
        elif line.startswith("-") and flag in ("@800200", "@c00200"):
            assert not opened, f"{line} opens within {opened}"
            opened = line[1:]
            assert opened not in found
            found[opened] = []
        elif line.startswith("-"):
            assert (flag, line[1:]) == ("@1000200", opened)
            opened = ""
        else:
            assert flag == ("@22" if line.endswith("]") and ":" in line else "@28"), line
            found[opened].append(line)
    assert not opened
    return found


def _body(layout: Path) -> Iterator[str]:
    lines = layout.read_text().splitlines()
    assert lines[0].startswith("[*]")
    return (line for line in lines if not line.startswith("["))


def check(dump: Path, top: str) -> dict[str, list[str]]:
    """The layout's groups. It names each signal of the design in the dump, once, and nothing else."""
    layout = dump.with_suffix(".gtkw")
    assert f'[dumpfile] "{dump.name}"' in layout.read_text().splitlines()
    known = {path.replace(" ", "") for path in declared(dump) if path.startswith(f"{top}.")}
    found = groups(layout)
    named = [path for members in found.values() for path in members]
    assert sorted(named) == sorted(known)
    return found
