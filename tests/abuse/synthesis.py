"""Misuse of `synth`. Yosys is a stand-in that takes no time, but where it is Yosys itself that is tried."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from repvgg_hw.design import folder as design_folder
from repvgg_hw.synth import result
from repvgg_hw.synth.nextpnr import Step
from repvgg_hw.synth.result import AVAILABLE, Part, Planned, Resources, Synthesis, Unit
from tests.abuse import slow_yosys
from tests.abuse.case import FAILED, OK, Case
from tests.abuse.folders import Path_, cut, document_at, edit, leaves, make_folder, overwrite, remove

FAST = slow_yosys.environment()
BASE = ("synth", "design", "--device", "kv260")
LAYER = (*BASE, "--layer", "stage0")


def folders() -> Iterator[Case]:
    """Files of the design that it reads, damaged; and its own result, read by `report`."""
    changes = {
        "missing": remove,
        "empty": lambda name, folder: overwrite(name, b"", folder),
        "cut": cut,
        "binary": lambda name, folder: overwrite(name, bytes(range(256)) * 8, folder),
        "a folder": make_folder,
    }
    for name in ("design.json", "network.npz", "files.f", "files.json"):
        for what, change in changes.items():
            prepare = partial(change, f"design/{name}")
            yield Case("files of a design", f"synth: {name} {what}", BASE, prepare=prepare, env=FAST)
    for name in ("rtl/rvg_fifo.sv", "cells/xcup.v"):
        for what in ("missing", "a folder"):
            prepare = partial(changes[what], f"design/{name}")
            yield Case("files of a design", f"synth: {name} {what}", BASE, prepare=prepare, env=FAST)
    for what, text in {
        "a path above": "../text.txt\n",
        "an option": "-lib\n",
        "a foreign file": "rtl/nope.sv\n",
        "a command": 'rtl/x.sv";!touch\n',
    }.items():
        prepare = partial(overwrite, "design/files.f", text.encode())
        yield Case("files of a design", f"synth: files.f names {what}", BASE, prepare=prepare, env=FAST)
    hls = ("synth", "hls", "--device", "kv260")
    yield Case("files of a design", "synth: of another target", hls, says="synth takes Verilog", env=FAST)


def results() -> Iterator[Case]:
    """synth.json damaged or made up: never shown as synthesised."""
    contents: dict[str, bytes] = {
        "empty": b"",
        "binary": bytes(range(256)),
        "a list": b"[]",
        "nested": b"[" * 100_000,
        "a number": b"3",
        "another tool's": json.dumps({"fingerprint": "x", "luts": 3}).encode(),
        "counts of text": json.dumps({"fingerprint": "x", "device": "kv260", "parts": "all"}).encode(),
    }
    for what, data in contents.items():
        prepare = partial(overwrite, "design/synth.json", data)
        yield Case("results.json", f"report: synth.json {what}", ("report", "design"), prepare=prepare)


def edited_result() -> Iterator[Case]:
    """synth.json of this state of the folder, with one value missing or replaced."""
    planned, cells = Planned(3, 2, 1, 0), Resources(1, 2, 3, 4, 5)
    steps = (Step(1.0, "logic", "a", "b"),)
    units = (Unit("array", planned, cells), Unit("queues", None, cells))
    part = Part("stage0", planned, cells, 1.5, 60.0, 100.0, steps, 2.0, 70.0, units=units)
    found = Synthesis("kv260", "xcup", "Yosys", dict.fromkeys(AVAILABLE, 9), (part,))
    document = found.to_json()

    def prepare(path: Path_, replacement: Any, removed: bool, folder: Path) -> None:
        result.save(found, folder / "design", design_folder.fingerprint(folder / "design"))
        if path:
            edit("design/synth.json", path, replacement, removed, folder)

    whole = partial(prepare, (), None, False)
    yield Case("results.json", "report: synth.json whole", ("report", "design"), frozenset({OK}), whole)
    optional = ("mhz", "route_seconds", "route_megabytes")
    for number, path in enumerate(leaves(document)):
        what = ".".join(map(str, path))
        name, replacement = (("-1", -1), ("text", "many"), ("list", [[]]), ("dict", {"a": 1}))[number % 4]
        if isinstance(document_at(document, path), str) and name == "text":
            name, replacement = "a number", 3
        changes = {f"{what} = {name}": partial(prepare, path, replacement, False)}
        if not isinstance(path[-1], int):
            changes[f"{what} missing"] = partial(prepare, path, None, True)
        if path[-1] not in optional:
            changes[f"{what} = null"] = partial(prepare, path, None, False)
        for change, made in changes.items():
            words = ("report", "design")
            yield Case("results.json", f"report: synth.json {change}", words, prepare=made, says="synth.json")


def in_the_way() -> Iterator[Case]:
    """A folder where the result goes, a file where Yosys works."""
    for name in ("synth.json", "build"):

        def prepare(folder: Path, name: str = name) -> None:
            place = folder / "design" / name
            place.mkdir() if name.endswith("json") else place.touch()

        yield Case("in the way", f"synth: {name}", LAYER, prepare=prepare, env=FAST)


def full_disks() -> Iterator[Case]:
    """Behind so many bytes Yosys itself, or its log, or a netlist comes to no end."""
    failed = frozenset({FAILED})
    for size in (3_000, 600_000):
        yield Case("full disk", f"synth: behind {size} bytes", LAYER, failed, file_size=size, limit=600)
    for size in (0, 100, 1_000, 2_000):
        codes = frozenset({OK, FAILED, 2})
        name = f"synth, the command: behind {size} bytes"
        yield Case("full disk", name, LAYER, codes, file_size=size, env=FAST)


def names() -> Iterator[Case]:
    """Folders by names that mean something to Yosys."""
    for name in (
        "a b",
        "a$HOME",
        "a#b",
        "é",
        "a'b",
        'a"b',
        "a;b",
        "a\\b",
        "[red]a",
        "a\n!touch stolen",
        "a%b",
    ):

        def prepare(folder: Path, name: str = name) -> None:
            (folder / "design").rename(folder / name)

        words = ("synth", name, "--device", "kv260", "--layer", "stage0")
        yield Case("names", f"synth {name!r}", words, frozenset({OK}), prepare, env=FAST)
