"""Verilator's C++ runtime, compiled once per machine instead of once per simulator.

The runtime's objects depend on compiler, Verilator and a few switches, never on the design, but Verilator's
makefile compiles them anew in every build: most of a small simulator's build time. Here the first build
leaves them in a cache and later builds take them from there. Without a writable cache nothing changes.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
from pathlib import Path

from repvgg_hw.files import write_atomically

OBJECTS = ("verilated.o", "verilated_dpi.o", "verilated_vpi.o", "verilated_threads.o", "verilated_vcd_c.o")
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


def restore(cache: Path, build: Path) -> list[str]:
    """Copy cached objects into a build folder; returns make's options that keep it from compiling them."""
    options = []
    for name in OBJECTS:
        with contextlib.suppress(OSError):
            shutil.copyfile(cache / name, build / name)
            options += ["-o", name]
    return options


def store(cache: Path, build: Path) -> None:
    """Keep the objects of a finished build, where the cache lacks them."""
    with contextlib.suppress(OSError):
        for name in OBJECTS:
            if (build / name).is_file() and not (cache / name).is_file():
                write_atomically(cache / name, (build / name).read_bytes())


def skip_precompiled_header(build: Path) -> list[str]:
    """make's options for a design that is one C++ file: precompiling its header costs more than it saves."""
    classes = (build / "Vtop_classes.mk").read_text()
    if "VM_PARALLEL_BUILDS = 0" not in classes:
        return []
    return ["VK_PCH_I_FAST=", "VK_PCH_I_SLOW=", *(word for name in PRECOMPILED for word in ("-o", name))]
