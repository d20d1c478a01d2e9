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
    """Write NAME.fst beside NAME.vcd and return its place; the VCD's where pylibfst is not installed.

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
    try:
        lib.fstWriterSetPackType(writer, lib.FST_WR_PT_LZ4)
        with dump.open(errors="replace") as text:
            lines = (line for line in text if line.endswith("\n"))
            widths, handles = _declare(lines, writer, lib)
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
    part.replace(place)
    return place


def _declare(lines: Iterator[str], writer: Any, lib: Any) -> tuple[dict[str, int], dict[str, int]]:
    """Copy the header; each code's bits and handle. Variables of one code are one signal of several names."""
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
            case ["$enddefinitions", "$end"]:
                break
    return widths, handles


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
