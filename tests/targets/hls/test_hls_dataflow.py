"""The frame interval with all processes at work at once, over FIFOs of the stated depths."""

from __future__ import annotations

import re
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest
from hls_networks import Layer, hls_design, random_images, random_network

from repvgg_hw.plan.stream.plan import Plan
from repvgg_hw.targets.hls.csim import compiler
from repvgg_hw.targets.hls.emit import emit, interval, vector_files

FRAMES = 5
HARNESS = Path(__file__).parent / "dataflow"
PROCESSES = (
    "receive|resize_lanes|line_buffer|multiply_accumulate|requantize_relu|tile_columns|input_transform|"
    "replay_tiles|winograd_multiply|output_transform|tiles_to_raster|global_sum|linear|send"
)


def change(path: Path, *changes: tuple[str, str]) -> None:
    """Regular expressions, each of which must match."""
    text = path.read_text()
    for old, new in changes:
        text, count = re.subn(old, new, text, flags=re.MULTILINE)
        assert count, f"{path.name} does not hold {old!r}"
    path.write_text(text)


def make_concurrent(folder: Path) -> None:
    """Processes become coroutines of the harness, streams outlive the calls that declare them."""
    src = folder / "src"
    spawned = rf"^  ((?:{PROCESSES})<.*>\(.*\);)$", r"  dataflow::spawn([&, frames] { \1 });"
    outlives = r'^  hls::stream<(.*)> (\w+)\("(.*)"\);$', r'  auto &\2 = *new hls::stream<\1>("\3");'
    top = src / "repvgg_top.cpp"
    depths = re.findall(r"STREAM variable=(\w+) depth=(\d+)", top.read_text())
    known = "".join(f'  if (name == "{name}") return {depth};\n' for name, depth in depths)
    (folder / "depths.h").write_text(
        "#include <string>\ninline std::size_t depth_of(const std::string &name) {\n"
        f'  if (name == "s_axis" || name == "m_axis") return 0;\n{known}  return 2;\n}}\n'
    )
    change(top, spawned, outlives, (r"^}$", "  dataflow::run();\n}"))
    for unit in ("conv3x3", "winograd", "axis"):
        change(src / "lib" / f"{unit}.hpp", spawned, outlives)
        text = (src / "lib" / f"{unit}.hpp").read_text()
        assert set(re.findall(r"STREAM variable=\w+ depth=(\d+)", text)) == {"2"}
    change(src / "lib" / "words.hpp", (r"^#ifdef __SYNTHESIS__$", "#if 1"))
    change(
        src / "lib" / "observe.hpp",
        (
            r"^#define REPVGG_COUNT_INITIATION\(\)$",
            "#define REPVGG_COUNT_INITIATION() dataflow::next_cycle()",
        ),
    )


def build(folder: Path, layers: list[Layer], in_shape: tuple[int, int, int]) -> tuple[Path, Plan]:
    """A project in `folder` whose processes run at once, emitted and with vectors, not compiled yet."""
    network, plan = random_network(layers, in_shape=in_shape, classes=2)
    emit(hls_design(folder, network, plan))
    for name, text in vector_files(random_images(network, FRAMES), network):
        (folder / "vectors" / name).write_text(text)
    make_concurrent(folder)
    return folder, plan


def compile_program(folder: Path) -> None:
    """tb.out, of all sources at once: the scheduler is one."""
    (folder / "one.cpp").write_text('#include "tb/tb.cpp"\n#include "src/repvgg_top.cpp"\n')
    includes = [f"-I{HARNESS}", "-I.", "-Icsim", "-Isrc"]
    command = [compiler(), "-std=c++14", "-O0", "-Wno-unknown-pragmas", *includes, "one.cpp", "-o", "tb.out"]
    subprocess.run(command, cwd=folder, check=True)


def intervals(folder: Path, plan: Plan, latency: int) -> list[int]:
    """Cycles from a frame's last logit to the next one's; the bench compares the logits with golden's."""
    done = subprocess.run(
        ["./tb.out", "vectors"],
        cwd=folder,
        env={"LATENCY": str(latency)},
        capture_output=True,
        text=True,
        check=False,
    )
    lines = done.stdout.splitlines()
    assert plan.linear is not None
    assert done.returncode == 0, lines[-1]
    ends = [int(line) for line in lines[:-1]][plan.linear.c_out - 1 :: plan.linear.c_out]
    assert len(ends) == FRAMES
    return [after - before for before, after in pairwise(ends)]


CHAINS = {
    "direct": ([Layer(8, stride=2, pi=3, po=2), Layer(8, pi=2, po=2), Layer(8, pi=4, po=1)], (3, 16, 16)),
    "F(2)": ([Layer(4, pi=3, m=2), Layer(4, m=2), Layer(4, m=2), Layer(4, m=2)], (3, 10, 10)),
    "F(4)": ([Layer(4, pi=3, m=4), Layer(4, m=4), Layer(4, m=4)], (3, 12, 12)),
    "a pixel a cycle": ([Layer(4, pi=3, m=4), *[Layer(4, pi=4, m=4)] * 2], (3, 12, 12)),
}


@pytest.mark.parametrize("chain", CHAINS)
def test_equally_slow_neighbours_keep_the_interval(tmp_path: Path, chain: str) -> None:
    """Chains in which several layers have nothing to spare, with and without pipeline stages."""
    folder, plan = build(tmp_path, *CHAINS[chain])
    compile_program(folder)
    for latency in (0, 12):
        # The last frame has no other behind it that could take its time.
        assert intervals(folder, plan, latency)[:-1] == [interval(plan)] * (FRAMES - 2)


def test_a_process_that_waits_in_vain_is_found(tmp_path: Path) -> None:
    """A full output that stops a buffer's input, too: logits stay right, and frames take longer."""
    folder, plan = build(tmp_path, *CHAINS["a pixel a cycle"])
    change(folder / "src" / "lib" / "words.hpp", (r"return !out\.full\(\);", "return true;"))
    compile_program(folder)
    assert max(intervals(folder, plan, 0)) > interval(plan)


def test_a_read_that_takes_no_place_is_found(tmp_path: Path) -> None:
    """Beats that are on their way when the stream fills must have somewhere to stay."""
    folder, _ = build(tmp_path, *CHAINS["direct"])
    change(folder / "src" / "lib" / "outbox.hpp", (r"return spare >= 0;", "return true;"))
    compile_program(folder)
    done = subprocess.run(
        ["./tb.out", "vectors"], cwd=folder, env={"LATENCY": "0"}, capture_output=True, check=False
    )
    assert done.returncode != 0
