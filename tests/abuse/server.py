"""Run repvgg-hw many times in fresh processes, without paying for imports each time.

Reads one case per line as JSON from standard input, forks, lets the child run the command as the console
script does, and writes one outcome per line. The parent stays single-threaded, so that forking is safe.

    case     {"args": [...], "cwd": PATH, "env": {...}, "limit": SECONDS, "file_size": BYTES or null,
              "unprivileged": bool}
    outcome  {"code": int, "stdout": str, "stderr": str, "seconds": float}
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import resource
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import Any

import click
import numpy  # noqa: F401  (imported here so that children need not)
import torch

import repvgg_hw.checkpoint
import repvgg_hw.quantize  # noqa: F401
from repvgg_hw.cli import COMMANDS, main

MEMORY = 6 << 30  # bytes of address space that a command may take beyond what the parent has
TAIL = 20_000
F_SETPIPE_SZ = 1031  # fcntl.h; Linux


def child(case: dict[str, Any], out: int, err: int) -> int:
    """The command in this process; returns its exit code as a shell would see it."""
    os.setsid()  # its own group: whatever it starts can be ended with it
    os.chdir(case["cwd"])
    os.environ.update(case.get("env", {}))
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(out, 1)
    os.dup2(err, 2)
    sys.stdout = os.fdopen(1, "w", encoding=case.get("encoding", "utf-8"), errors="strict", closefd=False)
    sys.stderr = os.fdopen(2, "w", encoding="utf-8", errors="backslashreplace", closefd=False)
    sys.argv = ["repvgg-hw", *case["args"]]
    if case.get("file_size") is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (case["file_size"], case["file_size"]))
    if case.get("unprivileged"):
        give_up_privileges()
    try:
        main(args=case["args"], prog_name="repvgg-hw")
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
        if end.code is not None and not isinstance(end.code, int):
            print(end.code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
        code = 1
    try:
        sys.stdout.flush()
    except OSError:
        code = 120  # what the interpreter itself would return
        traceback.print_exc()
    with contextlib.suppress(OSError):
        sys.stderr.flush()
    return code


def give_up_privileges() -> None:
    """Permissions hold for root, too: no capability is left that overrides them (capset(2))."""
    if os.geteuid() == 0:
        header = (ctypes.c_uint32 * 2)(0x20080522, 0)  # _LINUX_CAPABILITY_VERSION_3, this process
        if ctypes.CDLL(None, use_errno=True).capset(header, (ctypes.c_uint32 * 6)()):
            raise OSError(ctypes.get_errno(), "capset")


def run(case: dict[str, Any]) -> dict[str, Any]:
    """Fork, wait, and end the child's whole group where it takes longer than its limit."""
    started = time.monotonic()
    out, err = (pipe() for _ in range(2))
    pid = os.fork()
    if pid == 0:
        code = 70
        try:
            used = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
            resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))
            code = child(case, out[1], err[1])
        finally:
            os._exit(code & 0xFF)
    status, late = wait(pid, started + case.get("limit", 60))
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    texts = [contents(*ends).decode("utf-8", "replace") for ends in (out, err)]
    code = os.waitstatus_to_exitcode(status)
    return {
        "code": "late" if late else code,
        "stdout": texts[0],
        "stderr": texts[1],
        "seconds": round(time.monotonic() - started, 2),
    }


def pipe() -> tuple[int, int]:
    """One that holds all that a command prints; a file would have the limit that cases set for files."""
    reader, writer = os.pipe()
    fcntl.fcntl(writer, F_SETPIPE_SZ, 1 << 20)
    os.set_blocking(reader, False)
    return reader, writer


def contents(reader: int, writer: int) -> bytes:
    """What is in a pipe, up to TAIL bytes; both ends are closed."""
    os.close(writer)
    data = b""
    with contextlib.suppress(BlockingIOError), os.fdopen(reader, "rb", buffering=0) as stream:
        while len(data) < TAIL and (more := stream.read(TAIL)):
            data += more
    return data[:TAIL]


def wait(pid: int, until: float) -> tuple[int, bool]:
    """(status, whether it had to be killed)."""
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return status, False
        if time.monotonic() > until:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            return os.waitpid(pid, 0)[1], True
        time.sleep(0.005)


def serve() -> None:
    """Answer cases until standard input ends."""
    torch.set_num_threads(1)
    for name in COMMANDS:  # a command's module is imported when it is first asked for
        main.get_command(click.Context(main), name)
    print("ready", flush=True)
    for line in sys.stdin:
        print(json.dumps(run(json.loads(line))), flush=True)


if __name__ == "__main__":
    serve()
