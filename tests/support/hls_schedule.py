"""An emitted HLS project as LLVM's intermediate representation: processes are functions, loops marked."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

HEADERS = Path(__file__).parent.parent / "targets" / "hls" / "scheduler"
PROCESSES = (
    "receive|resize_lanes|line_buffer|multiply_accumulate|requantize_relu|tile_columns|input_transform|replay_tiles|"
    "winograd_multiply|output_transform|tiles_to_raster|global_sum|linear|send|send_map"
)
# Loops stay as they are written, but for those that are to be unrolled: nothing moves between iterations.
LANGUAGE = ("-std=c++17", "-D__SYNTHESIS__", "-Wno-unknown-pragmas")
OUTPUT = ("-S", "-emit-llvm", "-g0", "-fno-discard-value-names")
PASSES = ("-O1", "-fno-vectorize", "-fno-slp-vectorize")
LIMITS = (
    "disable-loop-idiom-all",
    "unroll-allow-peeling=false",
    "enable-nontrivial-unswitch=false",
    "indvars-widen-indvars=false",
    "inline-threshold=1000000",
)
OPTIONS = [*LANGUAGE, *OUTPUT, *PASSES, *(word for limit in LIMITS for word in ("-mllvm", f"-{limit}"))]


def compile_text(source: Path, *includes: Path) -> str:
    """The representation of one C++ file, by the compiler in the package ziglang."""
    output = source.with_suffix(".ll")
    command = [sys.executable, "-m", "ziglang", "c++", *OPTIONS, *(f"-I{folder}" for folder in includes)]
    done = subprocess.run(
        [*command, str(source), "-o", str(output)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return output.read_text()


def mark(folder: Path) -> None:
    """The vendor's pragmas for loops as clang's; processes are not inlined; initiations are calls."""
    for path in (folder / "src").rglob("*.hpp"):
        lines = path.read_text().splitlines()
        marked = []
        for line, following in zip(lines, [*lines[1:], ""], strict=True):
            if re.match(r"\s*(for|while) \(.*\{$", line):
                how = "full" if "HLS UNROLL" in following else "disable"
                marked.append(f"#pragma clang loop unroll({how})")
            line = re.sub(rf"^void ({PROCESSES})\(", r"__attribute__((noinline)) void \1(", line)
            marked.append(re.sub(r"^#define REPVGG_COUNT_INITIATION\(\)$", r"\g<0> pipelined()", line))
        path.write_text("\n".join(marked) + "\n")


def stated_memories(folder: Path) -> dict[str, int]:
    """What the DEPENDENCE pragmas say: array -> iterations from writing to reading, 0 for no conflict."""
    text = "\n".join(path.read_text() for path in (folder / "src" / "lib").glob("*.hpp"))
    stated = re.findall(r"#pragma HLS DEPENDENCE variable=(\w+) type=inter (.*)", text)
    return {
        name: int((re.findall(r"distance=(\d+) dependent=true", rest) or ["0"])[0]) for name, rest in stated
    }


def process_name(mangled: str) -> str:
    """ "process layer" of a function's mangled name; the layer's where it has one."""

    def word(behind: str) -> str:
        length = re.search(rf"{behind}(\d+)", mangled)
        return mangled[length.end() : length.end() + int(length[1])] if length else ""

    return f"{word('_ZN6repvgg')} {word('N6config')}".strip()
