"""Children end with their parent, whatever ends it; nothing that they started stays behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from repvgg_hw import processes

SLEEPER = "sleep 300 & echo $! > {file}; wait"  # a grandchild, as make's compilers are


def until(condition: Callable[[], object], seconds: float = 10) -> bool:
    """Whether condition() becomes true in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return False


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and was not waited for does not."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def written(file: Path) -> bool:
    return file.is_file() and file.read_text().strip() != ""


def test_output_and_status(tmp_path: Path) -> None:
    done = processes.run(["sh", "-c", "echo a; echo b >&2; exit 3"], cwd=tmp_path, capture=True)
    assert (done.stdout, done.stderr, done.returncode) == ("a\n", "b\n", 3)


def test_standard_error_joins_standard_output(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w") as log:
        processes.run(["sh", "-c", "echo a; echo b >&2"], stdout=log)
    assert (tmp_path / "log").read_text() == "a\nb\n"


def test_out_of_time_ends_grandchildren(tmp_path: Path) -> None:
    file = tmp_path / "pid"
    with pytest.raises(subprocess.TimeoutExpired):
        processes.run(["sh", "-c", SLEEPER.format(file=file)], timeout=0.5)
    assert until(lambda: not alive(int(file.read_text())))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_the_end_of_the_parent_ends_grandchildren(tmp_path: Path, number: signal.Signals) -> None:
    file = tmp_path / "pid"
    code = (
        "import signal; from repvgg_hw import processes\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)  # not ignored, as after `&`\n"
        f"processes.run(['sh', '-c', {SLEEPER.format(file=file)!r}])"
    )
    with subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL) as parent:
        try:
            assert until(lambda: written(file))
            grandchild = int(file.read_text())
            assert alive(grandchild)
            time.sleep(0.1)  # the guard starts right behind the child
            os.kill(parent.pid, number)
            assert parent.wait(10) != 0
        finally:
            parent.kill()
    assert until(lambda: not alive(grandchild), 2)


def test_end_all_ends_calls_in_other_threads(tmp_path: Path) -> None:
    with ThreadPoolExecutor() as pool:
        files = [tmp_path / str(n) for n in range(3)]
        calls = [pool.submit(processes.run, ["sh", "-c", SLEEPER.format(file=f)]) for f in files]
        assert until(lambda: all(map(written, files)))
        processes.end_all()
        assert all(call.result(10).returncode != 0 for call in calls)
    assert until(lambda: not any(alive(int(f.read_text())) for f in files))


def test_end_all_ends_a_child_that_is_being_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It runs, and its parent has not come to know its number yet."""
    file, start = tmp_path / "pid", subprocess.Popen

    def slowly(command: list[str], **options: Any) -> subprocess.Popen[str]:
        process = start(command, **options)
        if command[-1] == SLEEPER.format(file=file):
            assert until(lambda: written(file))
            processes.end_all()
        return process

    monkeypatch.setattr(subprocess, "Popen", slowly)
    with ThreadPoolExecutor() as pool:
        call = pool.submit(processes.run, ["sh", "-c", SLEEPER.format(file=file)])
        assert call.result(10).returncode != 0
    assert until(lambda: not alive(int(file.read_text())))
