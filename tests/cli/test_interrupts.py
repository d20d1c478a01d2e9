"""Ctrl-C ends every command with 130 within two seconds, its children too; nothing is half-written."""

from __future__ import annotations

import contextlib
import math
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from quick import some

from repvgg_hw.cli import interrupts
from tests.abuse import slow_yosys, world

LIMIT = 2.0
ATTEMPTS = 2  # other programs may have had the processor once
QUICK = {"models", "devices"}  # done in a moment: Ctrl-C may find the interpreter at its end
BUILDS = {"build", "csim_build"}
KEPT = {".lock", "new.pth.unfinished"}  # the second for `train --resume`, written whole
# Without integers that somebody kept: with them there is less to interrupt.
NET = ("--weights", "net.pth", "--calibration", "images")
GENERATE = ("generate", *NET, "--multipliers", "64", "--no-cache", "-o", "new")
EVALUATE = ("evaluate", "net.pth", "--data", "images", "--calibration", "images.npz")
TRAIN = ("train", "images", "--input-size", "8", "--batch-size", "2", "--epochs", "9999")
# What is typed, and after how many seconds Ctrl-C comes: while importing, while working.
CASES = (
    (("models",), 0.15),
    (("devices",), 0.15),
    (("inspect", "net.pth"), 1.0),
    (("fuse", "net.pth", "-o", "fused.safetensors"), 1.0),
    (("generate", "--model", "A1", "--no-cache", "-o", "new"), 4.0),
    (GENERATE, 1.0),
    (("simulate", "design"), 3.0),
    (("simulate", "design", "--layers", "--jobs", "2"), 4.0),
    (("simulate", "hls"), 2.0),
    (("simulate", world.PLACES["engine"]), 3.0),
    (("synth", "design", "--device", "kv260"), 1.0),
    (("synth", "design", "--device", "kv260", "--layers", "--jobs", "2"), 1.0),
    ((*TRAIN, "--widths", "4,4", "-o", "new.pth"), 4.0),
    ((*TRAIN, "--qat", "net.pth", "--method", "minmax", "-o", "new.npz"), 4.0),
    ((*EVALUATE, "--method", "adaround", "--no-cache"), 3.5),
    (("report", "design"), 0.5),
    (("doctor", "--build"), 4.0),
    (("latency", "--model", "A1", "--device", "cpu", "--seconds", "20"), 5.0),
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    world.build(folder)
    (folder / "design/report.html").touch()  # of which nobody asks whether it was written
    return folder


def heed_hangups() -> None:
    """Also where the tests themselves run behind `nohup`."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def descendants(pid: int) -> list[int]:
    """Every process below one, by the kernel's tables."""
    parents = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
            parents[int(status.parent.name)] = int(fields[1])
        except OSError:
            continue
    found, todo = [], [pid]
    while todo:
        children = [child for child, parent in parents.items() if parent == todo[0]]
        found += children
        todo = todo[1:] + children
    return found


def heeds(pid: int, number: signal.Signals) -> bool:
    """Whether a process has a handler of the signal: bit number - 1 of what the kernel says it catches."""
    with contextlib.suppress(OSError):
        status = Path(f"/proc/{pid}/status").read_text()
        caught = next(line for line in status.splitlines() if line.startswith("SigCgt:"))
        return bool(int(caught.split()[1], 16) >> number - 1 & 1)
    return False


def sleeps(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text() == "sleep\n"
    return False


def alive(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


@pytest.mark.parametrize("case", some(CASES, 9), ids=[" ".join(words[:3]) for words, _ in CASES])
def test_ctrl_c(place: Path, case: tuple[tuple[str, ...], float]) -> None:
    (words, after), seconds = case, LIMIT
    for _ in range(ATTEMPTS):
        seconds = interrupt(place, words, after)
        if seconds < LIMIT:
            return
    pytest.fail(f"{seconds:.1f} s, and no faster at first")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize(
    ("words", "after"),
    [CASES[0], (("simulate", "hls"), 2.0), (("synth", "design", "--device", "kv260", "--layers"), 1.0)],
    ids=["models", "hls", "synth"],
)
def test_other_signals_are_interrupts(
    place: Path, words: tuple[str, ...], after: float, number: signal.Signals
) -> None:
    """What `timeout` sends, and a terminal that is closed: cleaned up as well."""
    assert interrupt(place, words, after, number) < 10


# Interrupted within what prepares for interrupts, and within what ends a command: its own line there, too.
WITHIN = """
import os, signal
import {module} as module
whole = module.{name}
def interrupted(*given, **named):
    os.kill(os.getpid(), signal.{signal})
    return whole(*given, **named)
module.{name} = interrupted
from repvgg_hw.__main__ import main
main()
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("threading", "Thread.start"),
        ("threading", "Event.wait"),
        ("signal", "set_wakeup_fd"),
        ("repvgg_hw.cli.exits", "watch"),
        ("repvgg_hw.cli", "exit_code"),
        ("repvgg_hw.cli", "end"),
    ],
)
def test_an_interrupt_at_the_edges_of_a_command_is_one_line(
    module: str, name: str, number: signal.Signals
) -> None:
    code = WITHIN.format(module=module, name=name, signal=number.name)
    done = subprocess.run(
        [sys.executable, "-c", code, "models"], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (130, "error: interrupted\n")


def interrupt(
    place: Path, words: tuple[str, ...], after: float, number: signal.Signals = signal.SIGINT
) -> float:
    """Start a command and interrupt it; how long it took until it and all its children had ended."""
    before = {path for path in place.rglob("*") if not BUILDS & {*path.parts}}
    process = subprocess.Popen(
        [sys.executable, "-m", "repvgg_hw", *words],
        cwd=place,
        env=os.environ | slow_yosys.environment(60),
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        preexec_fn=heed_hangups,
    )
    with process:
        try:
            process.wait(after)
        except subprocess.TimeoutExpired:
            children = descendants(process.pid)
            while words[0] == "synth" and not any(map(sleeps, children)):  # the stand-in for Yosys has begun
                assert process.poll() is None
                time.sleep(0.02)
                children = descendants(process.pid)
            while process.poll() is None and not heeds(process.pid, number):  # until Python has begun
                time.sleep(0.01)
            process.send_signal(number)
            started = time.monotonic()
            code = process.wait(20)
            while any(map(alive, children)) and time.monotonic() < started + 20:
                time.sleep(0.02)
            seconds = time.monotonic() - started
            said = process.stderr.read().decode() if process.stderr else ""
        else:
            pytest.skip(f"done before {after} s")
    if code == 0 and words[0] in QUICK:
        return math.inf  # to be tried again: a Ctrl-C that never ends it fails
    assert code == 130, said
    assert "Traceback" not in said
    assert said.strip().splitlines()[-1].endswith("error: interrupted")
    left = {path for path in place.rglob("*") if not BUILDS & {*path.parts} and path.name not in KEPT}
    assert sorted(map(str, left - before)) == []
    return seconds


def test_one_thread_watches_however_many_commands_a_process_runs() -> None:
    interrupts.watch()
    threads = threading.active_count()
    for _ in range(3):
        interrupts.watch()
    assert threading.active_count() == threads
