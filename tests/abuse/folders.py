"""Emitted folders are input: every field of every file missing, of another type, out of range, foreign."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from tests.abuse.case import FAILED, WRONG, Case

COMMANDS = (("simulate", "design", "--limit", "1"), ("report", "design"))
Path_ = tuple[str | int, ...]
REPLACEMENTS: tuple[tuple[str, Any], ...] = (
    ("null", None),
    ("text", "vhdl"),
    ("-1", -1),
    ("0", 0),
    ("1e9", 10**9),
    ("1.5", 1.5),
    ("NaN", float("nan")),
    ("list", [1]),
    ("dict", {"a": 1}),
    ("true", True),
)


def leaves(value: Any, path: Path_ = ()) -> Iterator[Path_]:
    """Paths of every value of a JSON document; of lists only the first and the last element."""
    if path:
        yield path
    if isinstance(value, dict):
        for key, below in value.items():
            if key != "derived":  # written for readers that are not Python, and never read
                yield from leaves(below, (*path, key))
    elif isinstance(value, list) and value:
        for index in sorted({0, len(value) - 1}):
            yield from leaves(value[index], (*path, index))


def edit(file: str, path: Path_, replacement: Any, remove: bool, folder: Path) -> None:
    """Replace or remove one value of a JSON file."""
    target = folder / file
    document = json.loads(target.read_text())
    place = document
    for key in path[:-1]:
        place = place[key]
    if remove:
        del place[path[-1]]
    else:
        place[path[-1]] = replacement
    target.write_text(json.dumps(document))


def design_json(template: Path) -> Iterator[Case]:
    """design.json with one value removed or replaced; each command in turn."""
    document = json.loads((template / "design/design.json").read_text())
    ignored = ("options", "generator", "provenance")  # provenance: shown, never relied on
    paths = [path for path in leaves(document) if path[0] not in ignored and len(path) < 5]
    yield from edited(document, paths, "design", COMMANDS)


def edited(
    document: Any,
    paths: Iterable[Path_],
    design: str,
    commands: Sequence[tuple[str, ...]],
    beside: tuple[str, ...] = (),
) -> Iterator[Case]:
    """The design.json of a design with one of these values removed, and replaced twice."""
    title = "" if design == "design" else f" {design}"
    for number, path in enumerate(paths):
        what = ".".join(map(str, path))
        command = commands[number % 2]
        name = f"{command[0]}{title}: {what}"
        file = f"{design}/design.json"
        change = partial(edit, file, path, None, True)
        if not isinstance(path[-1], int):
            yield Case(
                "design.json", f"{name} missing", command, prepare=change, says="design.json", beside=beside
            )
        value = document_at(document, path)
        for turn in range(2):
            by, replacement = REPLACEMENTS[(3 * number + 5 * turn) % len(REPLACEMENTS)]
            if replacement == value or (isinstance(value, bool) and isinstance(replacement, int)):
                continue
            change = partial(edit, file, path, replacement, False)
            yield Case("design.json", f"{name} = {by}", command, prepare=change, says="design", beside=beside)


def document_at(document: Any, path: Path_) -> Any:
    """One value of a JSON document."""
    for key in path:
        document = document[key]
    return document


def overwrite(name: str, data: bytes, folder: Path) -> None:
    """Write a file of the design anew."""
    (folder / name).write_bytes(data)


def cut(name: str, folder: Path) -> None:
    """Leave the first half of a file."""
    data = (folder / name).read_bytes()
    (folder / name).write_bytes(data[: len(data) // 2])


def remove(name: str, folder: Path) -> None:
    """Remove a file."""
    (folder / name).unlink()


def make_folder(name: str, folder: Path) -> None:
    """Put a folder in a file's place."""
    remove(name, folder)
    (folder / name).mkdir()


CHANGES: dict[str, Callable[[str, Path], None]] = {
    "missing": remove,
    "empty": lambda name, folder: overwrite(name, b"", folder),
    "cut": cut,
    "binary": lambda name, folder: overwrite(name, bytes(range(256)) * 8, folder),
    "not UTF-8": lambda name, folder: overwrite(name, b"\xff\xfe\xfa\n" * 3, folder),
    "nested": lambda name, folder: overwrite(name, b"[" * 100_000, folder),
    "a folder": make_folder,
}


def whole_files(template: Path) -> Iterator[Case]:
    """A file missing, empty, cut in half, of bytes that mean nothing, or deeply nested."""
    mem = sorted(path.name for path in (template / "design/mem").iterdir())
    names = [
        "design/design.json",
        "design/network.npz",
        "design/files.f",
        f"design/mem/{mem[0]}",
        f"design/mem/{mem[-1]}",
    ]
    for name in names:
        for what, change in CHANGES.items():
            # a table that is readable and wrong is a failed check, one that is not readable is wrong input
            codes = frozenset({FAILED, WRONG}) if "/mem/" in name else frozenset({WRONG})
            command = COMMANDS[0]
            yield Case(
                "files of a design",
                f"simulate: {name} {what}",
                command,
                codes,
                partial(change, name),
                limit=600,
                beside=("built design",) if "/mem/" in name else (),
            )
    sources = (
        "hls/src/tables/stage0_weights.inc",
        "hls/src/config.hpp",
        "hls/tb/tb.cpp",
        "hls/csim/ap_int.h",
    )
    for name in (*sources, "hls/design.json", "hls/network.npz", "hls/files.json"):
        for what, change in CHANGES.items():
            if what == "nested" and name.endswith(("pp", ".h", ".inc")):
                continue  # g++ itself takes minutes over 100,000 brackets
            codes = frozenset({FAILED, WRONG}) if name in sources else frozenset({WRONG})
            command = ("simulate", "hls", "--limit", "1")
            prepare = partial(change, name)
            case = f"simulate: {name} {what}"
            yield Case("files of a design", case, command, codes, prepare, limit=600)
    for what, change in CHANGES.items():
        if what != "missing":
            yield Case(
                "results.json", f"report: results.json {what}", COMMANDS[1], prepare=partial(_results, change)
            )


def _results(change: Callable[[str, Path], None], folder: Path) -> None:
    (folder / "design/results.json").write_text(json.dumps({"passed": True}))
    change("design/results.json", folder)


LISTS = {
    "a path above": "../text.txt\n",
    "an absolute path": "/etc/passwd\n",
    "an option": "-CFLAGS -DX\n",
    "a foreign file": "rtl/nope.sv\n",
    "a shell word": "$(touch x).sv\n",
    "a lone dash": "-\n",
}


def files_f() -> Iterator[Case]:
    """files.f may name nothing outside of its folder."""
    for what, text in LISTS.items():
        change = partial(overwrite, "design/files.f", text.encode())
        yield Case("files of a design", f"simulate: files.f names {what}", COMMANDS[0], prepare=change)


ARRAYS: dict[str, Callable[[np.ndarray], np.ndarray | None]] = {
    "missing": lambda a: None,
    "as text": lambda a: np.array(["x"]),
    "as float": lambda a: np.full(a.shape, 0.5),
    "NaN": lambda a: np.full(a.shape or (1,), np.nan),
    "one axis more": lambda a: a[None],
    "empty": lambda a: a.reshape(-1)[:0],
    "as complex": lambda a: a.astype(complex) if a.dtype.kind in "iuf" else a[None],
}


def network_npz(template: Path) -> Iterator[Case]:
    """network.npz with one array missing, of another type, shape or value."""
    with np.load(template / "design/network.npz", allow_pickle=False) as archive:
        names = archive.files
    for number, name in enumerate(names):
        for turn, (what, change) in enumerate(ARRAYS.items()):
            if (number + turn) % 2 == 0 or number < 3:
                prepare = partial(edit_npz, "design", name, change)
                yield Case(
                    "network.npz", f"report: {name} {what}", COMMANDS[(number + turn) % 2], prepare=prepare
                )


def edit_npz(design: str, name: str, change: Callable[[np.ndarray], np.ndarray | None], folder: Path) -> None:
    """Change one array of a design's network, or leave it out where change gives None."""
    path = folder / design / "network.npz"
    with np.load(path, allow_pickle=False) as archive:
        arrays = dict(archive)
    changed = change(arrays.pop(name))
    if changed is not None:
        arrays[name] = changed
    np.savez(path, **arrays)


RESULTS = {
    "a list": [],
    "a number": 3,
    "passed alone": {"passed": True},
    "another tool's": {"passed": True, "tests": 3, "layers": []},
    "layers of text": {"passed": True, "layers": "all", "problems": []},
}


def results_json() -> Iterator[Case]:
    """results.json of another version, or made up: never shown as proven."""
    for what, content in RESULTS.items():
        prepare = partial(overwrite, "design/results.json", json.dumps(content).encode())
        yield Case("results.json", f"report: {what}", COMMANDS[1], prepare=prepare, says="results.json")
