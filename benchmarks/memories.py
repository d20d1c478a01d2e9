"""What Yosys makes of memories of many shapes, to hold `plan/memory_map.py` against.

    .venv/bin/python benchmarks/memories.py xc7 >> benchmarks/data/memories.csv

Each line: family, kind, words, bits, block RAMs of 18 kbit, look-up tables that are memory. The memories are
those of the library, rvg_ram_1r1w.sv and rvg_rom.sv; ROMs hold random numbers. Needs pyosys 0.70.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.resource_fit import counted
from repvgg_hw.files import templates_dir
from repvgg_hw.synth import yosys

WORDS = (4, 16, 32, 33, 64, 100, 128, 200, 256, 300, 512, 768, 1024, 1500, 2048)
BITS = {"ram": (8, 24, 72, 100, 288), "rom": (8, 41, 144, 576)}
# Up to where memories have become cells.
STAGES = {
    "xc7": ("synth_xilinx -family xc7 -top {top} -run begin:map_ffram",),
    "xcup": ("synth_xilinx -family xcup -top {top} -run begin:map_ffram",),
    "ecp5": ("synth_ecp5 -top {top} -run begin:map_ffram",),
}


def script(family: str, kind: str, words: int, bits: int) -> Iterator[str]:
    """Yosys commands for one memory; a ROM's contents are in rom.mem."""
    module = "rvg_ram_1r1w" if kind == "ram" else "rvg_rom"
    contents = "" if kind == "ram" else '-set FILE "rom.mem"'
    yield "read_verilog -sv -defer " + str(templates_dir() / "verilog" / "common" / f"{module}.sv")
    yield f"chparam -set WIDTH {bits} -set DEPTH {words} {contents} {module}"
    for stage in STAGES[family]:
        yield stage.format(top=module)
    yield "tee -q -o cells.json stat -json"


def main() -> None:
    """All shapes of one family."""
    (family,) = sys.argv[1:]
    chance = random.Random(1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for kind, widths in BITS.items():
            for words in WORDS:
                for bits in widths:
                    lines = (f"{chance.getrandbits(bits):x}" for _ in range(words))
                    (folder / "rom.mem").write_text("\n".join(lines))
                    yosys.run(list(script(family, kind, words, bits)), folder)
                    cells = json.loads((folder / "cells.json").read_text())["design"]["num_cells_by_type"]
                    found = counted(cells)
                    print(f"{family},{kind},{words},{bits},{found.bram},{found.lutram}", flush=True)


if __name__ == "__main__":
    main()
