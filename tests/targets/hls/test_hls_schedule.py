"""The longest loop-carried path of every process: what bounds a clock at an initiation interval of one."""

from __future__ import annotations

from pathlib import Path

import pytest
from hls_networks import Layer, hls_design, random_network
from hls_projects import patch
from hls_schedule import HEADERS, compile_text, mark, process_name, stated_memories
from loop_paths import loop_carried

from repvgg_hw.targets.hls.emit import emit

pytest.importorskip("ziglang", reason="needs a compiler to LLVM: pip install 'repvgg-hw[schedule]'")

LIMIT_NS = 3.3  # at 5 ns, less the tool's uncertainty of 27 % and a register's setup and clock-to-output
LAYERS = [
    Layer(8, stride=2, pi=3, po=2),
    Layer(8, pi=2, po=2),
    Layer(8, pi=2, po=2, m=4),
    Layer(8, stride=2, pi=2, po=2, m=2),
    Layer(8, groups=2, pi=2, po=1),
    Layer(12, pi=4, po=3),
    Layer(24, stride=2, pi=4, po=1, m=3),
]


def project(folder: Path, size: tuple[int, int] = (56, 44)) -> Path:
    """Every kind of process, at counts that no process finds easy."""
    network, plan = random_network(LAYERS, in_shape=(3, *size), classes=6, linear=(3, 2))
    emit(hls_design(folder, network, plan))
    return folder


def paths(folder: Path) -> dict[str, tuple[float, list[str]]]:
    """Process -> (ns, registers)."""
    memories = stated_memories(folder)
    mark(folder)
    includes = [HEADERS, folder / "src", folder / "csim"]
    return loop_carried(compile_text(folder / "src" / "repvgg_top.cpp", *includes), memories)


@pytest.mark.parametrize("size", [(56, 44), (9, 7)])
def test_no_loop_carried_path_is_longer_than_a_clock_allows(tmp_path: Path, size: tuple[int, int]) -> None:
    found = paths(project(tmp_path, size))
    assert len(found) > 30
    assert {process_name(name): path for name, path in found.items() if path[0] > LIMIT_NS} == {}


FAULTS = {
    "a product in a buffer's readiness": (
        "ring.hpp",
        "return ahead >= 0;",
        "return ahead >= write_at * reads;",
    ),
    "a count on the way to a decision": ("resize.hpp", "takes = count < OUT", "takes = count + step < OUT"),
    "sums that a memory holds for one iteration": ("linear.hpp", "distance=4", "distance=1"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_longer_path_is_found(tmp_path: Path, fault: str) -> None:
    folder = project(tmp_path)
    name, old, new = FAULTS[fault]
    patch(folder / "src" / "lib" / name, old, new)
    assert max(paths(folder).values())[0] > LIMIT_NS


SIGNATURE = 'extern "C" void pipelined(); extern "C" int get(); int f(int n)'
HEAD = "for (int i = n; i != 0; i = get())"
LOOPS = {
    "a counter": (f"int x = 0; {HEAD} {{ pipelined(); x += 3; }} return x;", 1.0),
    "two additions": (f"int x = 1; {HEAD} {{ pipelined(); x = (x ^ 5) + 7 + (x << 3); }} return x;", 2.0),
    "a choice": (f"int x = 1; {HEAD} {{ pipelined(); x = get() ? x + 7 : 3; }} return x;", 1.4),
    "a decision": (f"int x = 1; {HEAD} {{ pipelined(); x = x + 9 > n ? get() : x; }} return x;", 2.4),
    "two registers": (
        f"int x = 1, y = 2; {HEAD} {{ pipelined(); int z = x + 3; x = y; y = z; }} return x;",
        0.5,
    ),
    "a narrow counter": (f"unsigned char x = 0; {HEAD} {{ pipelined(); x += 3; }} return x;", 0.52),
    "nothing carried": (f"int x = 0; {HEAD} {{ pipelined(); x = get() * i; }} return x;", 0.0),
}


@pytest.mark.parametrize("loop", LOOPS)
def test_small_loops_worked_out_by_hand(tmp_path: Path, loop: str) -> None:
    body, expected = LOOPS[loop]
    source = tmp_path / "loop.cpp"
    source.write_text(f"{SIGNATURE} {{ {body} }}\n")
    ((delay, _),) = loop_carried(compile_text(source), {}).values()
    assert delay == pytest.approx(expected, abs=0.01)
