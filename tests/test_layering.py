"""Imports point one way, and what runs after quantization needs no torch."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "repvgg_hw"

# A module or folder of the package imports only from its own layer and from those above it in this list.
LAYERS = (
    ("__init__", "errors", "files"),
    ("network", "folding", "images", "variants", "golden", "network_io"),
    ("model", "checkpoint", "fuse", "quantize", "winograd", "gpu"),
    ("plan", "search", "tables", "estimate"),
    ("design", "results", "netlist", "emit", "emit_hls"),
    (
        "generate",
        "vectors",
        "time_limit",
        "verilator",
        "verilator_runtime",
        "simulate",
        "layer_state",
        "layer_task",
        "layerwise",
        "csim",
        "simulate_hls",
        "synth",
        "latency",
    ),
    ("report", "evaluate"),
    ("cli", "__main__"),
)
RANK = {part: rank for rank, parts in enumerate(LAYERS) for part in parts}
TORCH_FREE = ("golden", "plan", "search", "tables", "design", "emit", "emit_hls", "simulate", "report")
MODULES = {
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
}


def part_of(module: str) -> str:
    """repvgg_hw.quantize.grid -> quantize."""
    return module.split(".")[1] if "." in module else "__init__"


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


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_one_way(module: str) -> None:
    part = part_of(module)
    assert part in RANK, f"{module}: say in LAYERS to which layer {part!r} belongs"
    upward = [name for name in ours(MODULES[module]) if RANK.get(part_of(name), 0) > RANK[part]]
    assert not upward, f"{module} imports from a later layer: {upward}"


def test_no_import_cycle_between_parts() -> None:
    """Parts (modules and folders) form an acyclic graph, lazy imports included."""
    graph: dict[str, set[str]] = {}
    for module, path in MODULES.items():
        edges = {part_of(name) for name in ours(path)} - {part_of(module)}
        graph.setdefault(part_of(module), set()).update(edges)
    while leaves := {part for part, edges in graph.items() if not edges & graph.keys()}:
        graph = {part: edges for part, edges in graph.items() if part not in leaves}
    assert not graph, f"import cycle among {sorted(graph)}"


def test_torch_stops_at_quantization_in_source() -> None:
    """No path of imports leads from a torch-free module to torch, not even a lazy one."""
    for part in TORCH_FREE:
        seen: set[str] = set()
        todo = [name for name in MODULES if part_of(name) == part]
        while todo:
            module = todo.pop()
            seen.add(module)
            names = set(imported(MODULES[module], lazy=True))
            torch = [name for name in names if name.split(".")[0] == "torch"]
            assert not torch, f"{part} reaches {torch} through {module}"
            todo += [name for name in names if name in MODULES and name not in seen]


def test_torch_stops_at_quantization_when_run() -> None:
    modules = [name for name in MODULES if part_of(name) in TORCH_FREE and name != "repvgg_hw.__main__"]
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
