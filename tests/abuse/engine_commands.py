"""Commands on an engine's design: options that are not for it, a machine that does not help, odd names."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from tests.abuse import slow_yosys
from tests.abuse.case import FAILED, OK, WRONG, Case
from tests.abuse.engines import BUILT, ENGINE, LONG, REPORT, SIMULATE
from tests.abuse.machine import ODD, QUIET, SIZES, forbid
from tests.abuse.options import BASES, WORDS, drop

_BASE = list(BASES["generate"])
drop(_BASE, "--multipliers")
MAKE = ("generate", "--architecture", "engine", *_BASE)
BUDGET = ("--multipliers", "27")
OVER = (*MAKE[:-1], "engine", "--force", *BUDGET)
RIGHT = frozenset({OK})
# An engine's command is begun with these names of its folder; each of them means something to some tool.
NAMES = ("a b", "a$HOME", "a#b", "é", "a'b", 'a"b', "a;b", "a\\b", "[red]a", "a\nb", "a:b", "a%b", "a,b")


def right() -> Iterator[Case]:
    """The commands themselves, without which a wrong option would prove nothing."""
    whole = {
        "generate --architecture engine": (*MAKE, *BUDGET),
        "generate an engine for a device": (*MAKE, "--device", "pynq-z2", "--fill", "0.4"),
        "generate --force over an engine": OVER,
        "report an engine": REPORT,
    }
    for name, words in whole.items():
        yield Case("right commands", name, words, RIGHT, beside=ENGINE)
    for name, more in {"": (), " under stalls": ("--stalls", "3"), " anew": ("--fresh",)}.items():
        words = (*SIMULATE, *more)
        yield Case("right commands", f"simulate an engine{name}", words, RIGHT, limit=LONG, beside=BUILT)
    moved = partial(_moved, "elsewhere")
    words = ("simulate", "elsewhere", "--limit", "1")
    yield Case("right commands", "simulate an engine that was moved", words, RIGHT, moved, limit=LONG,
               beside=BUILT)  # fmt: skip


def _moved(name: str, folder: Path) -> None:
    (folder / "engine").rename(folder / name)


def generating() -> Iterator[Case]:
    """Budgets that no engine has, and options that are for streams."""
    for words in (
        *(("--multipliers", number) for number in ("1", "9", "16", "17")),
        *(("--device", "kv260", "--fill", share) for share in ("1e-9", "0.001", "0", "nan", "1.1")),
    ):
        yield Case("option values", f"generate an engine: {' '.join(words)}", (*MAKE, *words))
    for other in (
        ("--winograd", "2"),
        ("--winograd", "off"),
        ("--no-phases",),
        ("--phases",),
        ("--dsp", "18x18"),
        ("--folding", "folding.json"),
        ("--fps", "100"),
        ("--part", "xc7z020"),
    ):
        name = f"generate --architecture engine beside {' '.join(other)}"
        words = (*MAKE, *(BUDGET if other[0] != "--fps" else ()), *other)
        shown = "phases" if "phases" in other[0] else other[0]
        yield Case("options that make one another void", name, words, says=shown)
    words = (*MAKE, *BUDGET, "--target", "hls")
    yield Case("options that make one another void", "an engine as HLS", words, says="--architecture")


def choosing() -> Iterator[Case]:
    """The faster of two architectures; room for networks that are none, or for which there is none."""
    auto = (*MAKE[:1], "--architecture", "auto", *MAKE[3:])
    yield Case("right commands", "generate --architecture auto", (*auto, "--device", "pynq-z2"), RIGHT)
    for word in (*WORDS, "missing.npz", "images.npz", "text.txt", "net.pth", "foreign", "A0,A1"):
        words = (*MAKE, *BUDGET, "--for", word)
        yield Case("option values", f"generate an engine --for {word!r}", words)
    yield Case("option values", "generate a chain --for A0", ("generate", *BASES["generate"], "--for", "A0"))
    for share in ("1e-9", "0", "nan"):
        words = (*auto, "--device", "pynq-z2", "--fill", share)
        yield Case("option values", f"generate what fits in {share}", words)
    for other in (("--winograd", "2"), ("--fps", "100"), ("--dsp", "18x18"), ("--folding", "folding.json")):
        name = f"generate --architecture auto beside {other[0]}"
        yield Case("options that make one another void", name, (*auto, *other), says=other[0])


def options() -> Iterator[Case]:
    """What simulate and synth cannot do with an engine, and words that name none of its layers."""
    for more in (
        ("--layer", "nope"),
        ("--layer", ""),
        ("--layer", "$(ls)"),
        ("--netlist", "kv260"),
        ("--netlist", "nope"),
        ("--scheduler", "tcp://127.0.0.1:1", "--layers"),
        ("--waves", "--waves-window", "5", "5"),
        ("--timeout", "0"),
        ("--images", "text.txt"),
        ("--images", "images", "--class-index", "bits.json"),
        ("--junit", "images"),
    ):
        name = f"simulate engine {' '.join(more)}"
        yield Case("option values", name, (*SIMULATE, *more), beside=ENGINE)
    for device in ("kv260", "ulx3s-85f"):
        words = ("synth", "engine", "--device", device, "--layer", "nope")
        env = slow_yosys.environment()
        yield Case("option values", f"synth engine for {device}", words, beside=ENGINE, env=env)
    late = (*SIMULATE[:-1], "8", "--timeout", "0.01")
    yield Case("option values", "simulate engine in no time", late, frozenset({FAILED}), limit=LONG,
               beside=BUILT)  # fmt: skip


def full_disks() -> Iterator[Case]:
    """Files end behind so many bytes, while an engine is written and while it is simulated."""
    for name, words in {"generate an engine": (*MAKE, *BUDGET), "generate over an engine": OVER}.items():
        for size in SIZES:
            case = f"{name}: behind {size} bytes"
            yield Case("full disk", case, words, QUIET, file_size=size, beside=ENGINE)
    bad = frozenset({FAILED, WRONG})
    for size in (0, 3_000):
        yield Case("full disk", f"simulate engine: behind {size} bytes", SIMULATE, bad, file_size=size,
                   limit=LONG, beside=ENGINE)  # fmt: skip
    for size in (0, 10, 100, 1_000, 4_000):
        yield Case("full disk", f"simulate engine, built: behind {size} bytes", SIMULATE, bad | {OK},
                   file_size=size, limit=LONG, beside=BUILT)  # fmt: skip


def permissions() -> Iterator[Case]:
    """What cannot be read is named; what cannot be written is said before the work."""
    for place in ("engine", "engine/build", "engine/build/sim"):
        codes = frozenset({WRONG}) if place == "engine" else frozenset({OK, WRONG})
        prepare = partial(forbid, (place,), 0o555)
        yield Case("permissions", f"simulate: {place} read-only", SIMULATE, codes, prepare, limit=LONG,
                   beside=BUILT, unprivileged=True)  # fmt: skip
    for name in ("engine.bin", "network.npz", "files.json", "files.f", "rtl", "sim", "rtl/rvg_engine.sv"):
        prepare = partial(forbid, (f"engine/{name}",), 0o000)
        yield Case("permissions", f"simulate: engine/{name} cannot be read", SIMULATE, prepare=prepare,
                   beside=ENGINE, unprivileged=True)  # fmt: skip


def in_the_way() -> Iterator[Case]:
    """What is no file where a file goes, or no folder where a folder does; also below build/."""
    for name in ("engine.bin", "sim/bench.sv", "rtl/rvg_engine.sv", "results.json", "design.json"):
        prepare = partial(_in_the_way, f"engine/{name}", Path.mkdir)
        yield Case("in the way", f"generate over an engine: {name}, a folder", OVER, prepare=prepare,
                   beside=ENGINE)  # fmt: skip
    below: dict[str, tuple[Callable[[Path], object], ...]] = {
        "data": (Path.touch, os.mkfifo, partial(os.symlink, "nowhere"), partial(os.symlink, "..")),
        "check.log": (Path.mkdir, os.mkfifo, partial(os.symlink, "nowhere")),
        "check.progress": (Path.mkdir, os.mkfifo),
        "check.run": (Path.mkdir, os.mkfifo),
        "check.out": (Path.mkdir, os.mkfifo),
        "check.xml": (Path.mkdir,),
        "proven.json": (Path.mkdir, os.mkfifo, partial(os.symlink, "nowhere")),
        "sim/bench": (Path.mkdir, Path.touch),
        "sim/fingerprint": (Path.mkdir, os.mkfifo),
        "sim": (Path.touch, partial(os.symlink, "nowhere")),
    }
    for name, makes in below.items():
        for make in makes:
            how = getattr(make, "__name__", f"link to {make.args[0]}" if isinstance(make, partial) else "")
            prepare = partial(_in_the_way, f"engine/build/{name}", make)
            yield Case("in the way", f"simulate engine: build/{name}, {how}", SIMULATE,
                       frozenset({OK, FAILED, WRONG}), prepare, limit=LONG, beside=BUILT)  # fmt: skip
    for make in (Path.touch, partial(os.symlink, "nowhere")):
        how = getattr(make, "__name__", "link")
        prepare = partial(_in_the_way, "engine/build", make)
        yield Case("in the way", f"simulate engine: build, {how}", SIMULATE, prepare=prepare, beside=ENGINE)


def _in_the_way(name: str, make: Callable[[Path], object], folder: Path) -> None:
    place = folder / name
    if place.is_dir():
        shutil.rmtree(place)
    else:
        place.unlink(missing_ok=True)
    make(place)


def names() -> Iterator[Case]:
    """An engine in a folder by a name that tools trip over: what was built is run, and proves it."""
    for name, beside in (*((name, BUILT) for name in NAMES), ("ä b", ENGINE)):
        how = "simulate" if beside == BUILT else "build and simulate"
        words = ("simulate", name, "--limit", "1")
        prepare = partial(_moved, name)
        yield Case("names", f"{how} an engine in {name!r}", words, RIGHT, prepare, limit=LONG,
                   beside=beside)  # fmt: skip
    for name in ("a b", "a$HOME", "é"):
        yield Case("names", f"generate an engine into {name!r}", (*MAKE[:-1], name, *BUDGET), RIGHT)


def environments() -> Iterator[Case]:
    """Variables that are missing or say nonsense, while an engine is simulated."""
    for what, variables in ODD.items():
        yield Case("environment", f"simulate engine: {what}", SIMULATE, frozenset({OK, WRONG}),
                   env=variables, limit=LONG, beside=BUILT)  # fmt: skip
