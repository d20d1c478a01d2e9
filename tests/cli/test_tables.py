"""Tables: whole in pipes, no number cut on a narrow terminal, ASCII where the encoding has nothing else."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios

import pytest

NUMBERS = [f"{10**power:,}" for power in range(6, 9)]
CODE = f"""
from repvgg_hw.cli.tables import show_table
numbers = {NUMBERS}
headings = ["<layer", "<result", *("cycles planned " + "x" * 3 for _ in numbers)]
result = "[bold]bit-exact[/] and " + "words " * 8 + "end"
rows = [("stage1.0", result, *numbers), ("stage9", "± yes", *numbers)]
show_table("[red]net[/]: verilog", headings, rows)
"""


def piped(**env: str) -> str:
    """What a pipe receives."""
    env = {**os.environ, "COLUMNS": "40", **env}
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, check=True, env=env)
    return done.stdout.decode()


def on_a_terminal(columns: int) -> str:
    """What a terminal of that many columns receives, without its colours."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    env = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "LINES")}
    process = subprocess.Popen(
        [sys.executable, "-c", CODE], stdout=slave, stderr=slave, env={**env, "TERM": "xterm"}
    )
    os.close(slave)
    received = b""
    while True:
        try:
            chunk = os.read(master, 65536)
        except OSError:  # how Linux says that the other end is closed
            chunk = b""
        if not chunk:
            break
        received += chunk
    assert process.wait() == 0
    os.close(master)
    return re.sub(r"\x1b\[[0-9;]*m", "", received.decode())


def test_a_pipe_receives_whole_lines() -> None:
    lines = piped().splitlines()
    assert len(lines) == 5  # title, headings, line, two rows
    assert lines[0].strip() == "[red]net[/]: verilog"
    assert "[bold]bit-exact[/] and words" in lines[3]
    assert all(number in lines[3] and number in lines[4] for number in NUMBERS)
    assert all(line == line.rstrip() for line in lines)


def test_without_utf8_lines_are_ascii() -> None:
    text = piped(PYTHONUTF8="0", PYTHONIOENCODING="ascii")
    assert text.isascii()
    assert "+- yes" in text


@pytest.mark.parametrize("columns", [80, 120, 400])
def test_no_number_is_cut_and_a_wide_enough_terminal_is_kept_to(columns: int) -> None:
    text = on_a_terminal(columns)
    lines = text.replace("\r", "").splitlines()
    assert "…" not in text
    assert all(text.count(number) >= 2 for number in NUMBERS)
    longest = max(map(len, lines))
    assert longest <= columns
    if columns == 400:
        assert len(lines) == 5
