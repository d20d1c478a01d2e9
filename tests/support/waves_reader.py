"""A dump and its layout as others read them: pyvcd, GTKWave's libfst and its file format of layouts."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pylibfst
from vcd.reader import ScopeDecl, TokenKind, VarDecl, tokenize


def declared(dump: Path) -> dict[str, int]:
    """Path of every variable in GTKWave's spelling -> its bits."""
    if dump.suffix == ".fst":
        with _opened(dump) as file:
            return {name: one.length for name, one in _variables(file).items()}
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
    """Every moment of which an FST says something, in its own unit."""
    return sorted({time for time, *_ in recorded(dump)})


def recorded(dump: Path) -> list[tuple[int, int, str]]:
    """(time, handle, value) of every change in an FST, in order."""
    found: list[tuple[int, int, str]] = []
    with _opened(dump) as file:
        pylibfst.lib.fstReaderSetFacProcessMaskAll(file)
        pylibfst.fstReaderIterBlocks(
            file, lambda _, time, handle, value: found.append((time, handle, pylibfst.string(value)))
        )
    return found


def values(dump: Path) -> dict[str, list[tuple[int, str]]]:
    """Path of every variable of an FST -> (time, value), bit by bit, wherever it changes."""
    with _opened(dump) as file:
        names = {name: one.handle for name, one in _variables(file).items()}
    changes = recorded(dump)
    return {
        name: [(time, value) for time, handle, value in changes if handle == own]
        for name, own in names.items()
    }


def beats(dump: Path, scope: str, stream: str) -> list[str]:
    """The data of every beat that moves on a stream of a scope, bit by bit: as a register at clk sees it."""
    of_scope = {
        name.removeprefix(f"{scope}.").split(" ")[0]: changes
        for name, changes in values(dump).items()
        if name.startswith(f"{scope}.")
    }
    watched = [of_scope[f"{stream}_{part}"] for part in ("tvalid", "tready", "tdata")]
    edges = [time for time, value in of_scope["clk"][1:] if value == "1"]
    seen = [[[value for time, value in one if time < edge][-1:] for one in watched] for edge in edges]
    return [data[0] for valid, ready, data in seen if valid == ready == ["1"]]


@contextlib.contextmanager
def _opened(dump: Path) -> Iterator[Any]:
    file = pylibfst.lib.fstReaderOpen(str(dump).encode())
    assert file != pylibfst.ffi.NULL, dump
    yield file
    pylibfst.lib.fstReaderClose(file)


def _variables(file: Any) -> dict[str, Any]:
    return dict(pylibfst.get_scopes_signals2(file)[1].by_name)


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
