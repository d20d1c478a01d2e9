"""A machine that does not help: full disks, forbidden places, things in the way, an odd environment."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from tests.abuse import synthesis, trained
from tests.abuse.case import FAILED, OK, WRONG, Case
from tests.abuse.options import BASES, BESIDE

QUIET = frozenset({OK, WRONG})
OVER_A_DESIGN = ("generate", *BASES["generate"][:-1], "design", "--force")
WRITES: dict[str, tuple[str, ...]] = {
    "fuse": ("fuse", "net.pth", "-o", "fused.safetensors"),
    "generate": ("generate", *BASES["generate"]),
    "generate --target hls": ("generate", *BASES["generate"], "--target", "hls"),
    "generate --force": OVER_A_DESIGN,
    "evaluate --plot": ("evaluate", *BASES["evaluate"], "--per-layer", "--plot", "plot.svg"),
    "report": ("report", "design"),
    "report --html": ("report", "hls", "--html", "new/page.html"),
    "train": ("train", *BASES["train"], "--epochs", "2", "--log", "log.csv"),
    "train --qat": trained.QAT,
}
UNFINISHED = (".pth.unfinished", "log.csv")  # whole, of the epochs that are done, and for --resume
SIZES = (0, 1, 200, 1_000, 3_000, 8_000, 20_000, 60_000)


def full_disks() -> Iterator[Case]:
    """Files end behind so many bytes: all of it is written or nothing, and the old design stays."""
    for name, words in WRITES.items():
        for size in SIZES:
            case = f"{name}: behind {size} bytes"
            yield Case("full disk", case, words, QUIET, file_size=size, keeps=UNFINISHED)
    for name in ("design", "hls"):
        for size in (0, 3_000):
            codes = frozenset({FAILED, WRONG})
            words = ("simulate", name, "--limit", "1")
            yield Case(
                "full disk", f"simulate {name}: behind {size} bytes", words, codes, file_size=size, limit=600
            )


def forbid(names: tuple[str, ...], mode: int, folder: Path) -> None:
    """Set the mode of files or folders, with all folders below."""
    for name in names:
        for place in (folder / name, *(path for path in (folder / name).rglob("*") if path.is_dir())):
            place.chmod(mode)


def _out(names: tuple[str, ...], folder: Path) -> None:
    """A folder that can be written, in a working directory that cannot."""
    (folder / "out").mkdir()
    forbid(names, 0o555, folder)
    (folder / "out").chmod(0o755)


def permissions() -> Iterator[Case]:
    """Where nothing can be written only what writes there fails; what cannot be read is named."""
    here = partial(_out, (".",))
    elsewhere = {
        "generate": ("generate", *BASES["generate"][:-1], "out/new"),
        "fuse": ("fuse", "net.pth", "-o", "out/fused.safetensors"),
        "report": ("report", "design", "--html", "out/page.html"),
        "evaluate": ("evaluate", *BASES["evaluate"]),
        "inspect": ("inspect", *BASES["inspect"]),
        "train": ("train", *BASES["train"][:-1], "out/new.pth"),
        "train --qat": (*trained.QAT[:-1], "out/new.npz"),
        "models": ("models",),
        "devices": ("devices",),
        "doctor": ("doctor",),
    }
    for name, words in elsewhere.items():
        yield Case(
            "permissions", f"{name} from a read-only folder", words, frozenset({OK}), here, unprivileged=True
        )
    for name, words in WRITES.items():
        yield Case("permissions", f"{name} into a read-only folder", words, prepare=here, unprivileged=True)
    for words in (
        ("simulate", "design", "--limit", "1"),
        ("simulate", "hls", "--limit", "1"),
        synthesis.LAYER,
    ):
        read_only, name = partial(forbid, (words[1],), 0o555), " ".join(words[:2])
        yield Case(
            "permissions",
            f"{name}, read-only",
            words,
            prepare=read_only,
            env=synthesis.FAST,
            unprivileged=True,
        )
    unreadable: dict[str, tuple[str, ...]] = {
        "net.pth": WRITES["fuse"],
        "net.safetensors": tuple("net.safetensors" if w == "net.pth" else w for w in trained.QAT),
        "half.pth.unfinished": trained.RESUME,
        "half.csv": (*trained.RESUME, "--log", "half.csv"),
        "images/dog/0.png": WRITES["train"],
        "design/files.f": synthesis.BASE,
        "design/cells": synthesis.BASE,
        "images": ("generate", *BASES["generate"]),
        "images/cat": ("evaluate", *BASES["evaluate"]),
        "images/dog": ("inspect", *BASES["inspect"], "--expect", "images/dog/x.npz"),
        "images/cat/0.png": ("generate", *BASES["generate"]),
        "images.npz": ("simulate", "design", "--images", "images.npz"),
        "design": ("report", "design"),
        "design/design.json": ("report", "design"),
        "design/network.npz": ("simulate", "design", "--limit", "1"),
        "design/files.json": ("simulate", "design", "--limit", "1"),
        "design/mem": ("simulate", "design", "--limit", "1"),
        "design/rtl": ("simulate", "design", "--limit", "1"),
        "bits.json": ("generate", *BASES["generate"], "--bits", "bits.json"),
        "folding.json": ("generate", *BASES["generate"], "--folding", "folding.json"),
    }
    for name, words in unreadable.items():
        prepare = partial(forbid, (name,), 0o000)
        yield Case(
            "permissions", f"{words[0]}: {name} cannot be read", words, prepare=prepare, unprivileged=True
        )


def _in_the_way(name: str, make: Callable[[Path], object], folder: Path) -> None:
    place = folder / name
    if place.is_file():
        place.unlink()
    place.parent.mkdir(parents=True, exist_ok=True)
    make(place)


def in_the_way() -> Iterator[Case]:
    """What is no file where a file goes, or no folder where a folder does."""
    simulate = ("simulate", "design", "--limit", "1")
    wrong: tuple[tuple[tuple[str, ...], str, Callable[[Path], object]], ...] = (
        (OVER_A_DESIGN, "design/results.json", Path.mkdir),
        (OVER_A_DESIGN, "design/design.json", Path.mkdir),
        (OVER_A_DESIGN, "design/rtl/rvg_fifo.sv", Path.mkdir),
        (OVER_A_DESIGN, "design/mem/stage0_weights.mem", Path.mkdir),
        (OVER_A_DESIGN, "design/.lock", Path.mkdir),
        (OVER_A_DESIGN, "design/.generating", partial(os.symlink, "nowhere")),
        (OVER_A_DESIGN, "design/.generating", Path.touch),
        (OVER_A_DESIGN, "design/.generating", os.mkfifo),
        (OVER_A_DESIGN, "design/.lock", os.mkfifo),
        (simulate, "design/results.json", Path.mkdir),
        (simulate, "design/results.json", os.mkfifo),
        (simulate, "design/build/data", os.mkfifo),
        (simulate, "design/build/data", partial(os.symlink, "nowhere")),
        (simulate, "design/build/data", Path.touch),
        (simulate, "design/build/check.out", os.mkfifo),
        (simulate, "design/build/check.out", Path.mkdir),
        (simulate, "design/build/sim/build.log", os.mkfifo),
        (("simulate", "hls", "--limit", "1"), "hls/build/trace", os.mkfifo),
        (("simulate", "hls", "--limit", "1"), "hls/build/vectors", partial(os.symlink, "nowhere")),
        (simulate, "design/build", Path.touch),
        (simulate, "design/build", partial(os.symlink, "nowhere")),
        (("report", "design"), "design/report.html", Path.mkdir),
        (("report", "design"), "design/report.html", os.mkfifo),
        (("generate", *BASES["generate"]), "new", Path.touch),
        (("generate", *BASES["generate"]), "new", os.mkfifo),
        (("generate", *BASES["generate"]), "new", partial(os.symlink, "new")),
    )
    for words, name, make in wrong:
        how = getattr(make, "__name__", "link")
        codes = QUIET if name.endswith(".generating") or ".lock" in name else frozenset({WRONG})
        prepare, below = partial(_in_the_way, name, make), "/build/" in name
        codes = codes | {OK} if below else codes  # what lies there is the simulator's, and may be taken away
        limit, beside = (600.0, ("built design",)) if below else (Case.limit, ())
        if name.endswith("build.log"):
            beside = ()
        case = f"{words[0]}: {name}, {how}"
        yield Case("in the way", case, words, codes, prepare, limit=limit, beside=beside)


ODD: dict[str, dict[str, str]] = {
    "COLUMNS of nothing": {"COLUMNS": "0"},
    "COLUMNS below nothing": {"COLUMNS": "-5"},
    "COLUMNS of letters": {"COLUMNS": "wide"},
    "no such TMPDIR": {"TMPDIR": "/nonexistent"},
    "no HOME": {"HOME": "/nonexistent", "XDG_CACHE_HOME": ""},
    "a dumb terminal": {"TERM": "dumb", "NO_COLOR": "1"},
    "a locale that is not there": {"LC_ALL": "xx_YY.UTF-99", "LANG": "nope"},
    "threads of letters": {"OMP_NUM_THREADS": "many"},
    "an empty PATH": {"PATH": ""},
}


def environments() -> Iterator[Case]:
    """Variables that are missing or say nonsense."""
    commands = {name: (name, *words) for name, words in BASES.items()} | {"doctor": ("doctor",)}
    for what, variables in ODD.items():
        for name, words in commands.items():
            if name != "simulate" or "PATH" in variables:  # else it builds a simulator each time
                env = {**variables, **(synthesis.FAST if name == "synth" else {})}
                codes = QUIET | {FAILED} if name == "doctor" else QUIET
                beside = BESIDE.get(name, ())
                yield Case("environment", f"{name}: {what}", words, codes, env=env, beside=beside)
