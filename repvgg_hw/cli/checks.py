"""What `doctor` looks at: one value per thing, with what was found and what to do where it is wrong."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from repvgg_hw import __version__
from repvgg_hw.progress import Progress

DISTRIBUTION = "repvgg-hw"
OLDEST_PYTHON = (3, 10)
FREE_BYTES = 2 << 30  # a simulator of a large network, its tables and its objects
EXTRAS = {  # -> what it is for
    "onnx": "reading .onnx files",
    "hub": "hf:// addresses",
    "dask": "simulate --scheduler",
    "gpu": "evaluate --device cuda, the integer form of latency",
}


@dataclass(frozen=True)
class Check:
    """One thing: what was found, whether it serves, and what to do where it does not."""

    name: str
    found: str
    ok: bool
    needed: bool = True  # else it is missed by some commands only
    advice: str = ""


def checks() -> Iterator[Check]:
    """Everything that can be seen without building anything."""
    yield Check("repvgg-hw", __version__, True)
    version = platform.python_version()
    wanted = ".".join(map(str, OLDEST_PYTHON))
    yield Check(
        "python", version, sys.version_info >= OLDEST_PYTHON, advice=f"install Python {wanted} or newer"
    )
    yield from tools()
    yield from packages()
    yield from places()


def tools() -> Iterator[Check]:
    """Programs that simulation starts."""
    for name, words, advice in (
        ("c++", ["--version"], "install g++ or clang++, for simulation"),
        ("make", ["--version"], "install make, for simulation"),
        ("perl", ["-e", "print $^V"], "install perl, which Verilator's front end is written in"),
    ):
        path = shutil.which(name)
        version = _first_line([path, *words]) if path else None
        yield Check(name, version or "missing", version is not None, advice=advice)


def packages() -> Iterator[Check]:
    """Python packages as this one declares them, then what each extra lacks."""
    try:
        declared = importlib.metadata.requires(DISTRIBUTION) or []
    except importlib.metadata.PackageNotFoundError:
        yield Check("packages", "repvgg-hw is not installed", False, advice="pip install -e . in its folder")
        return
    lacking: dict[str, list[str]] = {extra: [] for extra in EXTRAS}
    for line in declared:
        requirement, _, marker = line.partition(";")
        extra = re.search(r"extra\s*==\s*['\"]([\w-]+)['\"]", marker)
        name = re.match(r"[\w.-]+", requirement)
        if name is None or (extra and extra[1] not in EXTRAS):
            continue
        oldest = re.search(r">=\s*([\d.]+)", requirement)
        version = _version(name[0])
        ok = version is not None and (oldest is None or _numbers(version) >= _numbers(oldest[1]))
        if extra:
            lacking[extra[1]] += [] if ok else [name[0]]
        else:
            yield Check(name[0], version or "missing", ok, advice=f"pip install '{requirement.strip()}'")
    for title, names in lacking.items():
        state = "installed" if not names else f"without {', '.join(names)}"
        advice = f"pip install 'repvgg-hw[{title}]', for {EXTRAS[title]}"
        yield Check(f"extra {title}", state, not names, needed=False, advice=advice)


def places() -> Iterator[Check]:
    """Folders that are written, and the room in them."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()) / "repvgg-hw"
    temporary = Path(tempfile.gettempdir())
    yield _place("temporary folder", temporary, "name another with TMPDIR")
    yield _place("working directory", Path.cwd(), "give folders elsewhere with -o", needed=False)
    slower = "without it every simulator's runtime is compiled anew; name another with XDG_CACHE_HOME"
    yield _place("cache folder", cache, slower, needed=False)


def _place(name: str, folder: Path, advice: str, *, needed: bool = True) -> Check:
    existing = next(p for p in (folder, *folder.parents) if p.is_dir())
    try:
        with tempfile.TemporaryFile(dir=existing):
            free = shutil.disk_usage(existing).free
    except OSError as error:
        return Check(name, f"{folder}: {error.strerror}", False, needed, advice)
    room = f"{folder}, {free / 1e9:.1f} GB free"
    return Check(name, room, free >= FREE_BYTES, needed, f"free {FREE_BYTES >> 30} GB there, or {advice}")


def build_and_prove(progress: Progress) -> Check:
    """Generate a small random network and prove one image of it in Verilog simulation: a minute at most."""
    from dataclasses import replace

    from repvgg_hw import golden
    from repvgg_hw.checkpoint import random_network
    from repvgg_hw.errors import RepVGGHWError
    from repvgg_hw.model.images import synthetic
    from repvgg_hw.network import IMAGENET_MEAN, IMAGENET_STD, Architecture
    from repvgg_hw.plan.request import Request
    from repvgg_hw.quantize import quantize
    from repvgg_hw.targets import registry
    from repvgg_hw.targets.generate import generate
    from repvgg_hw.targets.target import ProofOptions

    architecture = Architecture("doctor", (4, 4), (1, 1), (2, 2), {}, num_classes=2)
    pixels = synthetic(2, (3, 8, 8), 0)
    fused = random_network(architecture, 0).fused
    network = quantize(fused, pixels, mean=IMAGENET_MEAN, std=IMAGENET_STD, method="minmax")
    with tempfile.TemporaryDirectory() as folder:
        request = Request("verilog", multipliers=32)
        design = generate(replace(network, name="doctor"), Path(folder) / "doctor", request, {"random": True})
        images = golden.quantize_input(pixels[:1], network)
        try:
            result = registry.get("verilog").prove(design, images, ProofOptions(progress=progress))
        except RepVGGHWError as error:
            return Check("build", str(error), False, advice="see the checks above")
    if not result.passed:
        return Check("build", result.problems[0], False, advice="report this: the tools give wrong results")
    return Check("build", f"a small design is bit-exact after {result.build_seconds:.0f} s", True)


def _first_line(command: list[str]) -> str | None:
    """What a program says of itself; None where it cannot be run."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=20, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    lines = [line.strip() for line in done.stdout.splitlines() if line.strip()]
    return lines[0][:70] if lines else "there"


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _numbers(version: str) -> tuple[int, ...]:
    """ "2.10.1+cpu" -> (2, 10, 1)."""
    return tuple(int(part) for part in re.findall(r"\d+", version.partition("+")[0]))
