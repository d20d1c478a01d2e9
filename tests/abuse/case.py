"""What a case is, and how its outcome is judged."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

OK, FAILED, WRONG = 0, 1, 2
INTERNAL = "error: internal error"  # what a traceback becomes that nobody has thought of
LARGE = 1 << 29  # bytes of a file
_UNFINISHED = re.compile(r"\.(partial|tmp|part)$|~$")


@dataclass(frozen=True)
class Case:
    """One misuse: how the world is prepared, what is typed, which exit codes are right.

    kind     class of misuse, a row of the table
    name     unique
    codes    the exit codes that are right; 2 alone where the input or the usage is wrong
    prepare  changes the world before the command runs; its working directory is given
    says     pattern that the error line must hold
    keeps    ends of the names of files that may be left by a command that ends in 2
    file_size     bytes that a file may have, as on a disk that is full behind them; None for any
    unprivileged  root, too, may write and read only where its user may
    beside        what it finds beside the world, from `world.SHELF`
    """

    kind: str
    name: str
    args: tuple[str, ...]
    codes: frozenset[int] = frozenset({WRONG})
    prepare: Callable[[Path], object] | None = None
    says: str = ""
    env: dict[str, str] = field(default_factory=dict)
    limit: float = 120.0
    keeps: tuple[str, ...] = ()
    file_size: int | None = None
    unprivileged: bool = False
    beside: tuple[str, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """What was wrong with an outcome: the first of these, or nothing."""

    case: Case
    problem: str = ""  # "traceback", "exit code", "line", "half-written", "late"
    detail: str = ""
    seconds: float = 0.0


Snapshot = dict[str, tuple[int, bytes]]


def snapshot(folder: Path) -> Snapshot:
    """Every file below folder with its contents, or above LARGE its size; no simulator's build."""
    files: Snapshot = {}
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if "build" in relative.parts or path.name == ".lock" or not path.is_file() or path.is_symlink():
            continue
        status = path.stat()
        data = path.read_bytes() if status.st_size <= LARGE else str(status.st_size).encode()
        files[str(relative)] = (status.st_mode, data)
    return files


def judge(case: Case, outcome: dict[str, Any], before: Snapshot, after: Snapshot) -> Verdict:
    """Hold an outcome against the rules that every command keeps."""
    code, text = outcome["code"], outcome["stderr"]
    short = " | ".join(line for line in text.splitlines() if line.strip())[-300:]
    if code == "late":
        return Verdict(case, "late", f"no end within {case.limit:g} s: {short}")
    if any(words in text + outcome["stdout"] for words in ("Traceback (most recent call last)", INTERNAL)):
        return Verdict(case, "traceback", short)
    if code not in case.codes:
        return Verdict(
            case, "exit code", f"{code}, right is {sorted(case.codes)}: {short or outcome['stdout'][-200:]}"
        )
    if code == WRONG:
        lines = [line for line in text.splitlines() if line.strip()]
        errors = [line for line in lines if line.startswith("error: ")]
        if len(errors) != 1 or lines[-1] != errors[0]:
            return Verdict(case, "line", f"not one error line: {short}")
        if case.says and not re.search(case.says, errors[0]):
            return Verdict(case, "line", f"does not say {case.says!r}: {errors[0][:200]}")
    left = [name for name in after if _UNFINISHED.search(name) and name not in before]
    if left:
        return Verdict(case, "half-written", f"left behind: {', '.join(left[:4])}")
    if case.keeps:
        after = {
            name: file for name, file in after.items() if not name.endswith(case.keeps) or name in before
        }
    if code == WRONG and after != before:
        changed = sorted(name for name in {*before, *after} if before.get(name) != after.get(name))
        return Verdict(case, "half-written", f"changed: {', '.join(changed[:4])}")
    return Verdict(case)
