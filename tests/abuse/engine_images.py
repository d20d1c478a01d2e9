"""Another network's image for an engine that exists: what `program` makes, and `simulate --image` runs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from tests.abuse.case import FAILED, OK, WRONG, Case
from tests.abuse.engines import BUILT, ENGINE, LONG, NOT_PROVEN, copy_file
from tests.abuse.folders import CHANGES, edited, leaves, overwrite
from tests.abuse.machine import QUIET, SIZES
from tests.abuse.options import BASES
from tests.abuse.world import PLACES

MAKE = ("program", *BASES["program"])
SIMULATE = ("simulate", "engine", "--image", "image", "--limit", "1")
REPORT = ("report", "image")
IMAGE = ("engine", "image")
RUNS = (*BUILT, "image")
RIGHT = frozenset({OK})


def right() -> Iterator[Case]:
    """The commands themselves."""
    whole = {"report an image": REPORT, "program over an image": (*MAKE[:-1], "image", "--force")}
    for name, words in whole.items():
        yield Case("right commands", name, words, RIGHT, beside=IMAGE)
    yield Case("right commands", "simulate an image", SIMULATE, RIGHT, limit=LONG, beside=RUNS)


def programming() -> Iterator[Case]:
    """What is no engine, networks that do not fit it, and folders that hold something else."""
    _, _, *rest = MAKE
    for place in ("design", "hls", "image", "foreign", "missing", "text.txt", "", "net.pth"):
        yield Case("option values", f"program {place!r}", ("program", place, *rest), beside=IMAGE)
    for network in (
        ("--model", "A0", "--input-size", "32"),
        ("--model", "B1g4", "--input-size", "32", "--classes", "3"),
    ):
        words = ("program", "engine", *network, "-o", "new")
        yield Case("option values", f"program {' '.join(network)}", words, says="fit", beside=ENGINE)
    for name in ("engine", "foreign", "text.txt", "image", "design"):
        yield Case("outputs", f"program -o {name}", (*MAKE[:-1], name), beside=IMAGE)
    for name in ("foreign", "images"):
        yield Case("outputs", f"program --force -o {name}", (*MAKE[:-1], name, "--force"), beside=IMAGE)
    for size in SIZES:
        case = f"program: behind {size} bytes"
        yield Case("full disk", case, MAKE, QUIET, file_size=size, beside=ENGINE)
    for name in ("engine/rtl/rvg_engine.sv", "engine/files.json", "engine/network.npz"):
        prepare = partial(CHANGES["missing"], name)
        yield Case("files of a design", f"program: {name} missing", MAKE, prepare=prepare, beside=ENGINE)


def simulating(template: Path) -> Iterator[Case]:
    """An image of other hardware, without hardware, or that is none; files of either that were changed."""
    for words in (
        ("simulate", "image", "--limit", "1"),
        ("simulate", "image", "--image", "image"),
        ("simulate", "engine", "--image", "engine"),
        ("simulate", "design", "--image", "image"),
        ("simulate", "hls", "--image", "image"),
        (*SIMULATE, "--netlist", "kv260"),
        ("synth", "image", "--device", "kv260"),
    ):
        yield Case("option values", " ".join(words), words, beside=IMAGE)
    changes: dict[str, Callable[[Path], object]] = {
        "its hardware's source changed": partial(_longer, "engine/rtl/rvg_engine.sv"),
        "its hardware's list changed": partial(overwrite, "engine/files.json", b'["rtl/rvg_engine.sv"]'),
        "the engine's own image": partial(copy_file, "engine", "image", "engine.bin"),
        "the engine's own network": partial(copy_file, "engine", "image", "network.npz"),
        "the engine's own design.json": partial(copy_file, "engine", "image", "design.json"),
        "no file": _emptied,
    }
    for what, change in changes.items():
        yield Case("engine.bin", f"simulate --image: {what}", SIMULATE, NOT_PROVEN, change, limit=LONG,
                   beside=RUNS)  # fmt: skip
    for name in ("design.json", "network.npz", "files.json", "engine.bin"):
        for what, change_file in CHANGES.items():
            prepare = partial(change_file, f"image/{name}")
            yield Case("files of a design", f"simulate --image: {name} {what}", SIMULATE, prepare=prepare,
                       limit=LONG, beside=RUNS)  # fmt: skip
    document = json.loads((template / PLACES["image"] / "design.json").read_text())
    paths = [path for path in leaves(document) if path[0] == "hardware"]
    # the name of the hardware is shown, never relied on
    for case in edited(document, paths, "image", (SIMULATE, REPORT), IMAGE):
        if "hardware.name = text" not in case.name and "hardware.sources = text" not in case.name:
            yield replace(case, says="") if case.name.endswith("hardware missing") else case
    prepare = partial(_without_rights, "image")
    codes = frozenset({FAILED, WRONG})
    yield Case("permissions", "simulate --image: read-only", SIMULATE, codes, prepare, beside=IMAGE,
               unprivileged=True)  # fmt: skip


def _longer(name: str, folder: Path) -> None:
    (folder / name).write_bytes((folder / name).read_bytes() + b"\n")


def _emptied(folder: Path) -> None:
    for path in (folder / "image").iterdir():
        path.unlink()


def _without_rights(name: str, folder: Path) -> None:
    (folder / name).chmod(0o555)
