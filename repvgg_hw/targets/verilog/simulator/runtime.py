"""What simulators have in common, compiled once per machine instead of once per simulator.

Verilator's C++ runtime depends on compiler, Verilator and a few switches, never on the design, and cocotb's
main program on little more: it sees of the design the class Vtop. But makefiles compile both anew in every
build: most of a small simulator's build time. Here the first build leaves the objects in a cache and later
builds take them from there; and the runtime's headers, precompiled, where reading them is a third of the
work. Without a writable cache nothing changes.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from cocotb_tools import config

from repvgg_hw.files import write_atomically

OBJECTS = ("verilated.o", "verilated_dpi.o", "verilated_vpi.o", "verilated_threads.o", "verilated_vcd_c.o")
MAIN = "verilator.o"  # of cocotb's verilator.cpp
_CELL = re.compile(r"\bVtop_\w+\* const \w+;")  # a module inside Vtop that is a class of its own
_CLASS = re.compile(r"^class Vtop_\w+;\n", re.MULTILINE)
HEADERS = "runtime.h"  # in a build folder: what every design includes first
INCLUDES = '#include "verilated.h"\n#include "verilated_dpi.h"\n'
PRECOMPILED = ("Vtop__pch.h.fast.gch", "Vtop__pch.h.slow.gch")


def cache_folder(runtime: Path, trace: bool, flags: str) -> Path:
    """Where the objects for these switches are kept.

    runtime  folder of the runtime's sources; flags: what the makefile gives the compiler beside its own
    """
    # Every predefined macro: the compiler's version and, under -march=native, this processor's features.
    command = (shutil.which("c++") or "g++", "-march=native", "-dM", "-E", "-x", "c++", os.devnull)
    macros = subprocess.run(command, capture_output=True, check=False).stdout
    sources = [f"{path.name} {path.stat().st_size} {path.stat().st_mtime_ns}" for path in runtime.glob("*")]
    digest = hashlib.sha256(macros + repr((sorted(sources), trace, flags)).encode()).hexdigest()
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
    return base / "repvgg-hw" / "verilator" / digest[:16]


def main_name(build: Path, optimize: str) -> str:
    """Name in the cache of the main program for a verilated design.

    Of Vtop it needs the size and the methods. Modules inside are pointers there, whatever their classes: so
    their names are left out, their number is not.
    """
    header = _CELL.sub("cell;", _CLASS.sub("", (build / "Vtop.h").read_text()))
    source = (config.share_dir / "lib" / "verilator" / "verilator.cpp").read_text()
    return f"main_{hashlib.sha256(repr((header, source, optimize)).encode()).hexdigest()[:16]}.o"


def _objects(build: Path, optimize: str) -> list[tuple[str, str]]:
    """(name in a build folder, name in the cache) of everything that is kept."""
    return [*((name, name) for name in OBJECTS), (MAIN, main_name(build, optimize))]


def restore(cache: Path, build: Path, optimize: str) -> list[str]:
    """Copy cached objects into a build folder; returns make's options that keep it from compiling them."""
    options = []
    for name, kept in _objects(build, optimize):
        with contextlib.suppress(OSError):
            shutil.copyfile(cache / kept, build / name)
            options += ["-o", name]
    return options


def store(cache: Path, build: Path, optimize: str) -> None:
    """Keep the objects of a finished build, where the cache lacks them."""
    with contextlib.suppress(OSError):
        for name, kept in _objects(build, optimize):
            if (build / name).is_file() and not (cache / kept).is_file():
                write_atomically(cache / kept, (build / name).read_bytes())


def skip_precompiled_header(build: Path) -> list[str]:
    """make's options for a design that is one C++ file: precompiling its header costs more than it saves."""
    classes = (build / "Vtop_classes.mk").read_text()
    if "VM_PARALLEL_BUILDS = 0" not in classes:
        return []
    return ["VK_PCH_I_FAST=", "VK_PCH_I_SLOW=", *(word for name in PRECOMPILED for word in ("-o", name))]


@contextlib.contextmanager
def shared_headers(
    cache: Path, build: Path, optimize: str, make: Callable[[Sequence[str]], None]
) -> Iterator[list[str]]:
    """make's options with which a design takes the runtime's headers precompiled, from the cache.

    Precompiled they are 70 MB: only for builds that do not optimise, of which reading them is a third.
    make  runs make in the build folder on these words; it makes them where the cache lacks them
    A compiler whose switches are not those that they were made with reads the headers themselves.
    """
    if optimize != "-O0":
        yield []
        return
    kept, link = cache / f"headers{optimize}.gch", build / f"{HEADERS}.gch"
    made = build / f"{HEADERS}.fast.gch"
    try:
        with contextlib.suppress(OSError):
            (build / HEADERS).write_text(INCLUDES)
            if not kept.is_file():
                make([made.name])
                write_atomically(kept, made.read_bytes())
            link.unlink(missing_ok=True)
            link.symlink_to(kept)
        yield [f"OPT_FAST={optimize} -include {HEADERS}"] if link.is_file() else []
    finally:
        for path in (link, made, build / HEADERS):
            path.unlink(missing_ok=True)
