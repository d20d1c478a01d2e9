"""An engine's emitted folder is input, too: its plan, its image, its sources, its network."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from repvgg_hw import design as designs
from repvgg_hw.plan.engine import image, schedule
from repvgg_hw.plan.engine.codes import HEADER, HEADER_BYTES
from repvgg_hw.plan.engine.plan import EnginePlan
from repvgg_hw.schema import plain
from tests.abuse.case import FAILED, OK, WRONG, Case
from tests.abuse.folders import ARRAYS, CHANGES, LISTS, RESULTS, edit, edit_npz, edited, leaves, overwrite
from tests.abuse.world import PLACES

SIMULATE = ("simulate", "engine", "--limit", "1")
REPORT = ("report", "engine")
ENGINE = ("engine",)
BUILT = ("engine", "built engine")  # with its simulator
NOT_PROVEN = frozenset({FAILED, WRONG})
OF_REQUEST = tuple(
    ("request", name) for name in ("architecture", "fps", "multipliers", "folding", "algorithms")
)
REQUESTS: tuple[tuple[str, tuple[str, ...], Any], ...] = (
    ("of too few multipliers", ("multipliers",), 9),
    ("with tiles", ("algorithms", "tiles"), [4]),
    ("with a folding", ("folding",), {"stage0": {"pi": 1, "po": 1, "m": None}}),
    ("with a frame rate", ("fps",), 100.0),
)
BINARY = "engine/engine.bin"
LONG = 600.0  # where a simulator is built, or relied on that the sample's world has not


def design_json(template: Path) -> Iterator[Case]:
    """What the plan of an engine holds, and what of a request an engine has no use for."""
    document = json.loads((template / PLACES["engine"] / "design.json").read_text())
    paths = [
        path for path in leaves(document) if len(path) < 5 and (path[0] == "plan" or path[:2] in OF_REQUEST)
    ]
    yield from edited(document, paths, "engine", (SIMULATE, REPORT), ENGINE)
    for what, path, value in REQUESTS:
        edited_request = partial(edit, "engine/design.json", ("request", *path), value, False)
        name = f"report engine: a request {what}"
        yield Case("design.json", name, REPORT, prepare=edited_request, beside=ENGINE)
    others: dict[str, Callable[[Path], object]] = {
        "of streams": _of_the_chain,
        "of another engine": partial(_of_another, slots=5),
        "of a deeper engine": partial(_of_another, word_depth=8192),
        "of a wider engine": partial(_of_another, po=2),
    }
    for what, change in others.items():
        yield Case(
            "design.json", f"simulate engine: design.json {what}", SIMULATE, NOT_PROVEN, change, beside=BUILT,
            limit=LONG,
        )  # fmt: skip
    for source, target in (("engine", "design"), ("engine", "hls")):
        prepare = partial(copy_file, source, target, "design.json")
        words = ("simulate", target, "--limit", "1")
        yield Case("design.json", f"simulate {target}: design.json of an engine", words, NOT_PROVEN, prepare,
                   beside=ENGINE)  # fmt: skip


def _of_the_chain(folder: Path) -> None:
    copy_file("design", "engine", "design.json", folder)


def copy_file(source: str, target: str, name: str, folder: Path) -> None:
    """A file of one design in the place of another's."""
    (folder / target / name).write_bytes((folder / source / name).read_bytes())


def _of_another(folder: Path, **changes: int) -> None:
    """A plan that is right in itself, of an engine that the folder's sources are not of."""
    design: Any = designs.load(folder / "engine")
    array = replace(design.plan.array, **changes)
    found = schedule.plan_fastest(design.network, array)
    plan = EnginePlan(found, design.plan.clock_mhz, design.plan.memory_bytes)
    path = folder / "engine/design.json"
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, "plan": plain(plan.to_json())}))


def whole_files(template: Path) -> Iterator[Case]:
    """A file missing, empty, cut in half, of bytes that mean nothing, or deeply nested."""
    place = template / PLACES["engine"]
    sources = sorted(f"rtl/{path.name}" for path in (place / "rtl").iterdir())
    benches = ("sim/bench.sv", "sim/dram_model.sv")
    read = ("design.json", "network.npz", "files.f", "files.json", "engine.bin")
    for name in (*read, sources[0], "rtl/rvg_engine.sv", *benches):
        for what, change in CHANGES.items():
            code = name.endswith(".sv")
            if what == "nested" and code:
                continue  # the compiler's time, not ours
            yield Case(
                "files of a design",
                f"simulate engine: {name} {what}",
                SIMULATE,
                NOT_PROVEN if code else frozenset({WRONG}),
                partial(change, f"engine/{name}"),
                beside=BUILT,
                limit=LONG,
            )
    for what, text in LISTS.items():
        yield Case(
            "files of a design", f"simulate engine: files.f names {what}", SIMULATE,
            prepare=partial(overwrite, "engine/files.f", text.encode()), beside=ENGINE,
        )  # fmt: skip


def images(template: Path) -> Iterator[Case]:
    """engine.bin with bytes changed, of another engine, of another network, and what is no file."""
    right = (template / PLACES["engine"] / "engine.bin").read_bytes()
    size, program = len(right), HEADER_BYTES
    changes: dict[str, Callable[[Path], object]] = {
        **{f"{name} of the header": partial(_flip, at // 8) for name, at in HEADER.items()},
        **{f"byte {at} of an instruction": partial(_flip, program + at) for at in range(0, 128, 4)},
        **{f"weights at {at}": partial(_flip, at) for at in (size - 1, size * 3 // 4, size // 2)},
        "no program": partial(_zero, HEADER_BYTES, 2 * HEADER_BYTES),
        "no weights": partial(_zero, size // 2, size),
        "of another engine": _foreign,
        "turned round": partial(overwrite, BINARY, right[::-1]),
        "text of the same size": partial(overwrite, BINARY, b"x" * size),
        "one byte more": partial(overwrite, BINARY, right + b"\0"),
        "one byte less": partial(overwrite, BINARY, right[:-1]),
        "without its header": partial(overwrite, BINARY, right[HEADER_BYTES:]),
        "a terabyte": partial(_grow, 1 << 40),
        "a pipe": partial(_instead, os.mkfifo),
        "a device": partial(_instead, partial(os.symlink, "/dev/zero")),
        "a link to itself": partial(_instead, partial(os.symlink, "engine.bin")),
        "a link to nothing": partial(_instead, partial(os.symlink, "nowhere")),
    }
    for what, change in changes.items():
        runs = what.startswith(("weights", "no weights"))  # the others are refused before anything is built
        limit, beside = (LONG, BUILT) if runs else (Case.limit, ENGINE)
        name = f"simulate: {what}"
        yield Case("engine.bin", name, SIMULATE, NOT_PROVEN, change, limit=limit, beside=beside)
    moved = partial(_instead, partial(os.symlink, "../there.bin"))
    yield Case(
        "engine.bin", "simulate: a link to a copy", SIMULATE, frozenset({OK}), partial(_linked, moved),
        limit=LONG, beside=BUILT,
    )  # fmt: skip


def _flip(at: int, folder: Path) -> None:
    data = bytearray((folder / BINARY).read_bytes())
    data[at] ^= 0x81
    (folder / BINARY).write_bytes(data)


def _zero(start: int, end: int, folder: Path) -> None:
    data = (folder / BINARY).read_bytes()
    (folder / BINARY).write_bytes(data[:start] + bytes(end - start) + data[end:])


def _grow(size: int, folder: Path) -> None:
    os.truncate(folder / BINARY, size)


def _instead(make: Callable[[Path], object], folder: Path) -> None:
    (folder / BINARY).unlink()
    make(folder / BINARY)


def _linked(link: Callable[[Path], object], folder: Path) -> None:
    (folder / "there.bin").write_bytes((folder / BINARY).read_bytes())
    link(folder)


def _foreign(folder: Path) -> None:
    design: Any = designs.load(folder / "engine")
    array = replace(design.plan.array, slots=5)
    (folder / BINARY).write_bytes(image.build(schedule.plan_fastest(design.network, array)))


def network_npz(template: Path) -> Iterator[Case]:
    """network.npz with an array missing or of another kind; with one weight changed it is not the image's."""
    with np.load(template / PLACES["engine"] / "network.npz", allow_pickle=False) as archive:
        names = archive.files
    for number, name in enumerate(names):
        for turn, (what, change) in enumerate(ARRAYS.items()):
            if (number + turn) % 5 == 0:
                command = (SIMULATE, REPORT)[turn % 2]
                prepare = partial(edit_npz, "engine", name, change)
                yield Case(
                    "network.npz", f"{command[0]} engine: {name} {what}", command, prepare=prepare,
                    beside=ENGINE,
                )  # fmt: skip
    for name in ("conv0.weight", "conv2.bias", "linear.weight"):
        prepare = partial(edit_npz, "engine", name, _one_more)
        yield Case(
            "network.npz", f"simulate engine: {name} of another network", SIMULATE, NOT_PROVEN, prepare,
            limit=LONG, beside=BUILT,
        )  # fmt: skip


def _one_more(array: np.ndarray) -> np.ndarray:
    changed: np.ndarray = array.copy()
    changed.flat[0] += 1 if changed.flat[0] < 100 else -1
    return changed


def results_json() -> Iterator[Case]:
    """results.json of another version, made up, or damaged: never shown as proven."""
    for what, content in RESULTS.items():
        prepare = partial(overwrite, "engine/results.json", json.dumps(content).encode())
        yield Case("results.json", f"report engine: {what}", REPORT, prepare=prepare, beside=ENGINE)
    for what, change in CHANGES.items():
        if what != "missing":
            prepare = partial(_results, change)
            yield Case("results.json", f"report engine: results.json {what}", REPORT, prepare=prepare,
                       beside=ENGINE)  # fmt: skip


def _results(change: Callable[[str, Path], None], folder: Path) -> None:
    (folder / "engine/results.json").write_text(json.dumps({"passed": True}))
    change("engine/results.json", folder)
