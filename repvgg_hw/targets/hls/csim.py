"""Compile an emitted HLS project with a C++14 compiler, and run its test benches.

What has not changed is not compiled again; large tables of constants are translation units of their own.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from repvgg_hw import processes
from repvgg_hw.errors import CheckFailed, InputError
from repvgg_hw.files import emptied
from repvgg_hw.targets.hls.tables import Table

WARNINGS = (
    "-Wall",
    "-Wextra",
    "-Wconversion",
    "-Werror",
    "-Wno-unknown-pragmas",
)  # HLS pragmas are foreign to g++

BUILD = "csim_build"  # of everything that is made from a project, in its folder
APART_NUMBERS = 1 << 16  # tables of so many numbers take a compiler longer than to start another one


def compiler() -> str:
    """Path of the C++ compiler: $CXX, else g++, c++, clang++. InputError where there is none."""
    wanted = os.environ.get("CXX")
    for name in [wanted] if wanted else ["g++", "c++", "clang++"]:
        path = shutil.which(name)
        if path:
            return path
    if wanted:
        raise InputError(f"the environment variable CXX names {wanted!r}, which is not a program")
    raise InputError("C simulation needs a C++14 compiler: install g++ or clang++, or name one in CXX")


def headers(directory: Path, include: Path | None) -> list[str]:
    """Include options: the project's own C-simulation headers, or `include` before them."""
    own = str((directory / "csim").resolve())
    # Foreign headers are exempt from our warnings; -isystem comes after every -I, so then both are -isystem.
    return ["-isystem", str(include.resolve()), "-isystem", own] if include else ["-I", own]


@dataclass(frozen=True)
class TranslationUnit:
    """One translation unit: its object file, and the files of the project that it reads."""

    target: Path
    source: str
    flags: tuple[str, ...]
    reads: tuple[str, ...]


def _units(
    directory: Path, build: Path, sources: Sequence[str], options: Sequence[str], tables: Iterable[Table]
) -> list[TranslationUnit]:
    """The sources, and behind them the tables that are compiled apart: what takes longest begins first."""
    large = sorted((t for t in tables if t.values.size >= APART_NUMBERS), key=lambda t: -t.values.size)
    declared = tuple(f"-DAPART_{table.ident}" for table in large)
    units = [
        TranslationUnit(
            directory / BUILD / "tables" / f"{table.ident}.o",
            "csim/table.cpp",
            (f"-DTABLE={table.ident}", f'-DFILE="{table.path}"', "-O0", *declared),
            ("csim/table.cpp", "src/constants.hpp", f"src/{table.path}"),
        )
        for table in large
    ]
    apart = {f"src/{table.path}" for table in large}
    files = sorted(p for part in ("src", "tb", "csim") for p in (directory / part).rglob("*") if p.is_file())
    reads = tuple(name for p in files if (name := p.relative_to(directory).as_posix()) not in apart)
    flags = (*options, *declared)
    return [*(TranslationUnit(build / f"{Path(s).stem}.o", s, flags, reads) for s in sources), *units]


def _compile(directory: Path, unit: TranslationUnit) -> Path:
    """The unit's object file, compiled unless it is up to date."""
    command = [compiler(), "-std=c++14", *WARNINGS, *unit.flags, "-Isrc", "-c", unit.source]
    digest = hashlib.sha256("\0".join(command).encode())
    for name in unit.reads:
        digest.update(f"\0{name}\0".encode())
        digest.update((directory / name).read_bytes())
    key = unit.target.with_suffix(".key")
    if not (unit.target.is_file() and key.is_file() and key.read_text() == digest.hexdigest()):
        unit.target.parent.mkdir(parents=True, exist_ok=True)
        key.unlink(missing_ok=True)
        _run(directory, [*command, "-o", str(unit.target.resolve())])
        key.write_text(digest.hexdigest())
    return unit.target


def _run(directory: Path, command: Sequence[str]) -> None:
    done = processes.run(command, cwd=directory, capture=True)
    if done.returncode != 0:
        errors = [line for line in done.stderr.splitlines() if "error" in line] or [done.stderr.strip()]
        raise CheckFailed(f"{directory}: the C++ compiler refuses the project: {errors[0]}")


def compile_bench(
    directory: Path,
    build: Path,
    sources: Sequence[str],
    options: Sequence[str],
    program: str,
    tables: Iterable[Table],
) -> float:
    """Compile `sources` of `directory` into `build`/`program`; seconds taken, 0 where it was up to date.

    tables: the project's; the large ones are compiled apart. As many compilers at once as processors.
    Raises CheckFailed with the compiler's first error.
    """
    start, target = time.monotonic(), build / program
    units = _units(directory, build, sources, options, tables)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        try:
            objects = list(pool.map(lambda unit: _compile(directory, unit), units))
        except KeyboardInterrupt:
            processes.end_all()  # else the pool waits for its compilers
            raise
    linked = target.stat().st_mtime_ns if target.is_file() else 0
    if all(path.stat().st_mtime_ns < linked for path in objects):
        return 0.0
    _run(directory, [compiler(), *options, *(str(p.resolve()) for p in objects), "-o", str(target.resolve())])
    return time.monotonic() - start


def run_bench(build: Path, program: str, files: Iterable[tuple[str, str]], arguments: Sequence[str]) -> str:
    """Run a bench on vector files; the message it ended with, or "" where it is content."""
    for folder in ("vectors", "trace"):
        emptied(build / folder)
    for name, text in files:
        (build / "vectors" / name).write_text(text)
    done = processes.run([str((build / program).resolve()), "vectors", *arguments], cwd=build, capture=True)
    if done.returncode == 0:
        return ""
    said = (done.stdout + done.stderr).strip().splitlines()
    return said[0] if said else f"ended with exit status {done.returncode}"
