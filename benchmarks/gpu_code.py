"""What the compiler makes of the int8 convolution, tile by tile; needs no GPU.

    PYTHONPATH=. python benchmarks/gpu_code.py [--capability 90]

Compiles every tile that the backend may choose, for dense and for grouped layers, and prints registers, bytes
spilled and shared memory of each. Exit code 1 where a tile exceeds what the chip has.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import tempfile
from pathlib import Path
from typing import Any

os.environ["TRITON_INTERPRET"] = "0"  # Triton reads it when it is imported; the interpreter compiles nothing

import triton.backends.nvidia
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from repvgg_hw.gpu import kernels
from repvgg_hw.gpu.tiles import CANDIDATES, Tile

SHARED_MEMORY = {80: 163 << 10, 90: 227 << 10}  # bytes that one program may have, by compute capability
ALIGNED = ("c_out", "c_out_group", "span_pitch", "c_in_group")  # multiples of 16 in every RepVGG
TYPES = {"x": "*i8", "weight": "*i8", "y": "*i8", "offset": "*i64"}
TYPES |= dict.fromkeys(("multiplier", "sums", "bias", "logits"), "*i32")


def compiled(
    kernel: Any, capability: int, tile: Tile, aligned: tuple[str, ...] = (), **constants: int
) -> Any:
    """Triton's compiled kernel; its pointers, and the integers named in aligned, are multiples of 16."""
    position = kernel.arg_names.index
    divisible = [n for n in kernel.arg_names if n in (*TYPES, *aligned)]
    source = ASTSource(
        kernel,
        signature={n: "constexpr" if n in constants else TYPES.get(n, "i32") for n in kernel.arg_names},
        constexprs={(position(n),): value for n, value in constants.items()},
        attrs={(position(n),): [["tt.divisibility", 16]] for n in divisible},
    )
    options = {"num_warps": tile.warps, "num_stages": tile.stages}
    return triton.compile(source, target=GPUTarget("cuda", capability, 32), options=options)


def convolution(spans: int, capability: int, tile: Tile) -> Any:
    """The convolution of a dense layer (3 spans) or of a grouped one (9)."""
    blocks = {"BLOCK_M": tile.m, "BLOCK_N": tile.n, "BLOCK_K": tile.k}
    constants = {"SPANS": spans, "ALIGN": 16, "OUT_ZERO": 128, **blocks}
    return compiled(kernels.conv3x3_kernel, capability, tile, ALIGNED, **constants)


def resources(ptx: str, capability: int) -> tuple[int, int]:
    """(registers, bytes spilled) per thread, as the assembler that comes with Triton says."""
    assembler = Path(triton.backends.nvidia.__file__).parent / "bin" / "ptxas"
    name = "sm_90a" if capability == 90 else f"sm_{capability}"
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "kernel.ptx")
        source.write_text(ptx, encoding="utf-8")
        command = [str(assembler), "-v", "--gpu-name", name, str(source), "-o", str(Path(folder, "kernel"))]
        said = subprocess.run(command, check=True, capture_output=True, text=True).stderr
    found = re.search(r"Used (\d+) registers", said), re.search(r"(\d+) bytes spill stores", said)
    if found[0] is None or found[1] is None:
        raise RuntimeError(f"the assembler names no registers: {said}")
    return int(found[0][1]), int(found[1][1])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--capability", type=int, choices=sorted(SHARED_MEMORY), default=90)
    capability = parser.parse_args().capability
    fits = True
    print("spans  tile m x n x k   warps  stages  registers  spilled B  shared KiB")
    for spans in (3, 9):
        for tile in CANDIDATES:
            code = convolution(spans, capability, tile)
            registers, spilled = resources(code.asm["ptx"], capability)
            shared = code.metadata.shared
            fits &= shared <= SHARED_MEMORY[capability]
            size = f"{tile.m} x {tile.n} x {tile.k}"
            row = f"{spans:5}  {size:15}  {tile.warps:5}  {tile.stages:6}"
            print(f"{row}  {registers:9}  {spilled:9}  {shared / 1024:10.0f}", flush=True)
    raise SystemExit(0 if fits else 1)


if __name__ == "__main__":
    main()
