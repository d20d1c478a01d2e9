"""The firmware: compiled for the SoC's CPU by the C compiler of the package ziglang.

One package from PyPI on every machine, where a RISC-V GCC is another package on each; nothing of a C library
is needed, neither LiteX's (whose build takes Meson and Ninja, too) nor another.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from repvgg_hw import processes
from repvgg_hw.board.soc import elf
from repvgg_hw.errors import CheckFailed
from repvgg_hw.files import templates_dir

SOURCES = ("start.S", "main.c")
FLAGS = (
    *("-target", "riscv32-freestanding-none", "-mcpu=generic_rv32+m", "-mabi=ilp32", "-std=gnu11"),
    *("-O2", "-ffreestanding", "-fno-builtin", "-fno-sanitize=all", "-nostdlib", "-Wall", "-Wextra"),
)


def compile_for(
    board: Path,
    images: NDArray[np.uint8],
    headers: Mapping[str, str],
    includes: Sequence[Path],
    work: Path,
    image: bytes | None = None,
) -> Path:
    """The binary of the firmware that classifies `images` (N, H, W, C), at work/firmware.bin.

    board     the design's folder, written by `board --board litex`
    headers   what LiteX generates for it; see System.headers
    includes  LiteX's own
    image     of an engine's network
    Raises CheckFailed where it does not compile.
    """
    board, work = board.resolve(), work.resolve()  # the compiler runs in `work`
    source, c = templates_dir() / "board/soc/firmware", board / "driver/c"
    for name, text in headers.items():
        (work / name).parent.mkdir(exist_ok=True)
        (work / name).write_text(text)
    (work / "images.bin").write_bytes(np.ascontiguousarray(images).tobytes())
    if image is not None:
        (work / "engine.bin").write_bytes(image)
    own = sorted((source / ("stream" if image is None else "engine")).iterdir())
    parts = [source / name for name in SOURCES] + own + sorted(c.glob("*.c"))
    command = [sys.executable, "-m", "ziglang", "cc", *FLAGS, f"-DIMAGES={len(images)}u"]
    command += [f"-I{folder}" for folder in (source, c, work, *includes)]
    command += [f"-Wl,-T,{source / 'firmware.ld'}", f"-L{work}", *map(str, parts), "-o", "firmware.elf"]
    log = work / "firmware.log"
    with log.open("w") as output:
        done = processes.run(command, cwd=work, stdout=output)
    if done.returncode:
        first = next((line for line in log.read_text().splitlines() if "error" in line), "see the log")
        raise CheckFailed(f"the firmware does not compile: {first} ({log})")
    binary = work / "firmware.bin"
    binary.write_bytes(elf.image((work / "firmware.elf").read_bytes()))
    return binary
