"""Imports point one way, and what runs after quantization needs no torch."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "repvgg_hw"

LINES = 300  # of a file, at most: one that is longer has two subjects
SOURCES = ("repvgg_hw", "sim", "templates", "tests", "benchmarks", "examples")
SOURCE_SUFFIXES = {".py", ".sv", ".svh", ".j2", ".hpp", ".cpp", ".h", ".vlt", ".mk"}

# The house, from the ground up. A room is a module or a folder of the package; it imports only from rooms
# that stand before it here: from lower floors, and on its own floor from those to its left.
FLOORS = (
    (
        "__init__",
        "errors",
        "progress",
        "files",
        "names",
        "npz",
        "schema",
        "processes",
        "executor",
        "network",
        "golden",
    ),
    (
        "model.class_folders",
        "model.image_files",
        "model.preprocessing",
        "model.normalisation",
        "model.images",
        "model.variants",
        "model.repvgg",
        "model",
    ),
    ("fuse", "checkpoint"),
    ("quantize", "winograd"),
    (
        "plan",
        "plan.parts",
        "plan.boards",
        "plan.device",
        "plan.folding",
        "plan.rom_banks",
        "plan.memory_map",
        "plan.resources",
        "plan.registers",
        "plan.request",
        "plan.planner",
        "plan.rate",
        "plan.stream",
        "plan.engine",
        "plan.registry",
        "plan.choose",
        "plan.asked",
    ),
    (
        "design.folder",
        "design.network_rules",
        "design.network_digest",
        "design.network_file",
        "design.proven",
        "design.results",
        "design.accuracy",
        "design",
    ),
    ("extremes",),
    (
        "targets.target",
        "targets.verdict",
        "targets.verilog.tables",
        "targets.verilog.clock_gates",
        "targets.verilog.netlist",
        "targets.verilog.binary_tables",
        "targets.verilog.limits",
        "targets.verilog.emit",
        "targets.verilog.vectors",
        "targets.verilog.simulator",
        "targets.verilog.judge",
        "targets.verilog.watch",
        "targets.verilog.simulate",
        "targets.verilog.layers",
        "targets.verilog.engine",
        "targets.verilog",
        "targets.hls",
        "targets.registry",
        "targets.generate",
        "targets",
    ),
    ("training.blocks", "training"),
    (
        "synth.family",
        "synth.child",
        "synth.tools",
        "synth.yosys",
        "synth.block_registers",
        "synth.nextpnr",
        "synth.result",
        "synth.netlist",
        "synth.levels",
        "synth.border",
        "synth.tasks",
        "synth.synthesise",
        "synth.circuit",
        "synth.proof",
        "synth",
    ),
    ("board",),
    ("gpu", "measure.accuracy", "measure.latency", "measure", "report", "explore"),
    (
        "api.cache",
        "api.quantizer",
        "api.calibration",
        "api.pictures",
        "api.synthesised",
        "api.boarded",
        "api.timed",
        "api.labelled",
        "api.evaluated",
        "api.simulated",
        "api.generated",
        "api.planned",
        "api.quantized",
        "api.tuned",
        "api.loaded",
        "api.training_images",
        "api.trained",
        "api.swept",
        "api",
    ),
    ("cli", "__main__"),
)
ROOMS = [room for floor in FLOORS for room in floor]
APART = (
    frozenset({"targets.verilog", "targets.hls"}),
)  # of which none imports from another, in any of their modules
TORCH_FREE = ("golden", "plan", "design", "targets", "report")
MODULES = {
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
}


def room_of(module: str) -> str:
    """repvgg_hw.quantize.grid -> quantize: the longest name in FLOORS that the module's name begins with."""
    name = module.partition(".")[2] or "__init__"
    rooms = [room for room in ROOMS if f"{name}.".startswith(f"{room}.")]
    assert rooms, f"{module}: say in FLOORS where {name!r} stands"
    return max(rooms, key=len)


def within(module: str, part: str) -> bool:
    """Whether a module is this part of the package, or lies in it."""
    return f"{module}.".startswith(f"repvgg_hw.{part}.")


def imported(path: Path, *, lazy: bool) -> Iterator[str]:
    """Names of the modules that a file imports; with lazy, those inside functions, too."""

    def visit(node: ast.AST) -> Iterator[str]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                yield from (alias.name for alias in child.names)
            elif isinstance(child, ast.ImportFrom):
                assert child.level == 0, f"{path}:{child.lineno}: relative import"
                for alias in child.names:
                    name = f"{child.module}.{alias.name}"
                    yield name if name in MODULES else str(child.module)
            elif is_type_checking(child) or (
                not lazy and isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef))
            ):
                continue
            else:
                yield from visit(child)

    yield from visit(ast.parse(path.read_text(encoding="utf-8")))


def is_type_checking(node: ast.AST) -> bool:
    """Whether node is `if TYPE_CHECKING:`, whose imports never run."""
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def ours(path: Path) -> set[str]:
    """The package's own modules that a file imports anywhere."""
    return {name for name in imported(path, lazy=True) if name in MODULES}


def source_files() -> list[Path]:
    """What is written by hand; tests/targets/expected holds what was generated."""
    return [
        path
        for folder in SOURCES
        for path in sorted((ROOT / folder).rglob("*"))
        if path.suffix in SOURCE_SUFFIXES and not path.is_relative_to(ROOT / "tests/targets/expected")
    ]


def test_no_file_is_too_long() -> None:
    """In the package, the libraries, their templates, the benches and the tests."""
    files = source_files()
    assert {path.suffix for path in files} >= {".py", ".sv", ".j2", ".hpp"}
    assert {path.relative_to(ROOT).parts[0] for path in files} == set(SOURCES)
    lengths = {path.relative_to(ROOT): len(path.read_text(encoding="utf-8").splitlines()) for path in files}
    too_long = {str(path): length for path, length in lengths.items() if length > LINES}
    assert not too_long, f"more than {LINES} lines: split by subject: {too_long}"


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_one_way(module: str) -> None:
    """No import points up or to the right, lazy ones included; so there is no circle among rooms."""
    room = room_of(module)
    wrong = [name for name in ours(MODULES[module]) if ROOMS.index(room_of(name)) > ROOMS.index(room)]
    assert not wrong, f"{module} imports from a room above it: {wrong}"
    others = [other for parts in APART for one in parts if within(module, one) for other in parts - {one}]
    wrong = [name for name in ours(MODULES[module]) if any(within(name, other) for other in others)]
    assert not wrong, f"{module} imports from a room that it must not know: {wrong}"


def test_every_room_is_there() -> None:
    """A room that FLOORS names and nobody built, or that has moved, would guard nothing."""
    assert {room_of(module) for module in MODULES} == set(ROOMS)


def test_torch_stops_at_quantization_in_source() -> None:
    """No path of imports leads from a torch-free module to torch, not even a lazy one."""
    for part in TORCH_FREE:
        seen: set[str] = set()
        todo = [name for name in MODULES if within(name, part)]
        while todo:
            module = todo.pop()
            seen.add(module)
            names = set(imported(MODULES[module], lazy=True))
            torch = [name for name in names if name.split(".")[0] == "torch"]
            assert not torch, f"{part} reaches {torch} through {module}"
            todo += [name for name in names if name in MODULES and name not in seen]


def test_torch_stops_at_quantization_when_run() -> None:
    modules = [
        name
        for name in MODULES
        if any(within(name, part) for part in TORCH_FREE) and name != "repvgg_hw.__main__"
    ]
    code = f"import sys, {', '.join(modules)}; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_command_line_loads_torch_only_where_it_needs_it() -> None:
    """`repvgg-hw --help` and `repvgg-hw simulate --help` must not wait for torch."""
    for arguments in (["--help"], ["simulate", "--help"]):
        code = (
            "import sys; from repvgg_hw.cli import main\n"
            f"try: main({arguments!r})\n"
            "except SystemExit as end: assert not end.code\n"
            "sys.exit('torch' in sys.modules)"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert done.returncode == 0, f"{arguments}: {done.stderr or 'imports torch'}"


def test_no_two_test_files_have_one_name() -> None:
    """pytest imports those outside of packages by name alone: of two, one would not be run."""
    files = [
        path for path in (ROOT / "tests").rglob("test_*.py") if not (path.parent / "__init__.py").is_file()
    ]
    names = [path.name for path in files]
    assert sorted(set(names)) == sorted(names)
