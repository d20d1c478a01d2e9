"""A VCD (IEEE 1364, clause 18) made into an FST, GTKWave's compressed dump, by the library that defines FST.

Verilator's own FST writer needs the headers of lz4 and zlib, which no package of Python brings along;
`pylibfst` brings the library itself, compiled. It is of the extra `waves`: without it a dump stays a VCD.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from repvgg_hw.errors import InputError


def compressed(dump: Path) -> Path:
    """Write NAME.fst beside NAME.vcd and return its place; the VCD's where there is no pylibfst, or no room.

    The VCD stays. A last line that was broken off is left out. Raises InputError where no FST can be written.
    """
    try:
        from pylibfst import ffi, lib
    except ImportError:
        return dump
    place = dump.with_suffix(".fst")
    part = place.with_name(f"{place.name}.part")
    writer = lib.fstWriterCreate(str(part).encode(), 1)
    if writer == ffi.NULL:
        raise InputError(f"{place}: cannot be written")
    names = 0
    try:
        lib.fstWriterSetPackType(writer, lib.FST_WR_PT_LZ4)
        with dump.open(errors="replace") as text:
            lines = (line for line in text if line.endswith("\n"))
            names, widths, handles = _declare(lines, writer, lib)
            for code, value in _changes(lines):
                if code:
                    wide = _extended(value, widths[code]).encode()
                    lib.fstWriterEmitValueChange(writer, handles[code], ffi.from_buffer(wide))
                else:
                    lib.fstWriterEmitTimeChange(writer, int(value))
    finally:
        lib.fstWriterClose(writer)
    # the library's own left-over, where it packs the hierarchy
    part.with_name(f"{part.name}.hier").unlink(missing_ok=True)
    if not whole(part, names):
        part.unlink(missing_ok=True)
        return dump
    part.replace(place)
    return place


def whole(place: Path, names: int) -> bool:
    """Whether an FST ends where its last block ends, and names so many variables.

    The library does not say that a disk was full: it leaves a file that was cut.
    """
    from pylibfst import ffi, lib

    size = place.stat().st_size
    with place.open("rb") as file:
        at = 0
        while at < size:  # a block: its kind, one byte; its length without that, eight; what it holds
            file.seek(at + 1)
            length = int.from_bytes(file.read(8), "big")
            at += 1 + length
            if length < 8 or at > size:
                return False
    reader = lib.fstReaderOpen(str(place).encode())
    if reader == ffi.NULL:
        return False
    found = 0
    while (entry := lib.fstReaderIterateHier(reader)) != ffi.NULL:
        found += entry.htyp == lib.FST_HT_VAR
    lib.fstReaderClose(reader)
    return found == names


def _declare(lines: Iterator[str], writer: Any, lib: Any) -> tuple[int, dict[str, int], dict[str, int]]:
    """Copy the header: how many variables it names, and each code's bits and handle.

    Variables of one code are one signal of several names.
    """
    names = 0
    widths: dict[str, int] = {}
    handles: dict[str, int] = {}
    for line in lines:
        match line.split():
            case ["$timescale", scale, "$end"]:
                lib.fstWriterSetTimescaleFromString(writer, scale.encode())
            case ["$scope", _, name, "$end"]:
                lib.fstWriterSetScope(writer, lib.FST_ST_VCD_MODULE, name.encode(), b"")
            case ["$upscope", "$end"]:
                lib.fstWriterSetUpscope(writer)
            case ["$var", _, bits, code, *name, "$end"]:
                handles[code] = lib.fstWriterCreateVar(
                    writer,
                    lib.FST_VT_VCD_WIRE,
                    lib.FST_VD_IMPLICIT,
                    int(bits),
                    " ".join(name).encode(),
                    handles.get(code, 0),
                )
                widths[code] = int(bits)
                names += 1
            case ["$enddefinitions", "$end"]:
                break
    return names, widths, handles


def _changes(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    """(code, value) of each change, ("", time) of each moment."""
    for line in lines:
        if line[0] == "#":
            yield "", line[1:].strip()
        elif line[0] in "bB":
            value, code = line[1:].split()
            yield code, value
        elif line[0] in "01xXzZ":
            yield line[1:].strip(), line[0]


def _extended(value: str, bits: int) -> str:
    """A value in all its bits: a VCD leaves out equal ones on the left, but a 1."""
    return value.rjust(bits, "0" if value[0] == "1" else value[0])
