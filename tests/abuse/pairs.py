"""All pairs of options of a command: refused as declared, or each of the two changes something.

An option that another makes void must not be ignored in silence. For each pair the command runs with the one,
with the other and with both. With both it must be refused by its `rules`, or give what neither gives alone.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations, count
from pathlib import Path
from typing import Any

import numpy as np

from repvgg_hw.checkpoint import import_network
from repvgg_hw.checkpoint.files import save_state
from tests.abuse import world
from tests.abuse.case import WRONG, Case
from tests.abuse.runner import Server

# How or where something is done, never what comes of it: not held to change anything.
HOW = frozenset(
    {
        "--help",
        "--quiet",
        "--verbose",
        "--force",
        "--no-cache",
        "--output",
        "--device",
        "--board",
        "--workers",
        "--save-every",
        "--no-save",
    }
)
# Held against the checkpoint itself, which refuses them where they decide nothing or contradict it.
OF_THE_FILE = frozenset({"--groups", "--assume"})
# Every method takes a minute, and --method runs the same code for one of them;
# there is no unfinished training to resume, and TensorBoard's events are read in
# tests/training/test_log.py. What a share of a device changes depends on the network:
# tests/plan/test_on_device.py. What an engine has room for: tests/plan/engine/test_engine_search.py.
LEFT_OUT = frozenset({"--for", "--compare", "--resume", "--tensorboard", "--fill"})
RULE = re.compile(r"error: .*(exclude each other|means nothing beside|belongs? to)")
_TIMES = re.compile(r'"seconds": [0-9.e-]+')
_NOT_COMPARED = ("request", "options")  # of design.json: that something was asked for is not yet an effect


@dataclass(frozen=True)
class Sample:
    """How an option is typed, and behind it the options that it needs."""

    typed: tuple[str, ...]
    needs: tuple[str, ...] = ()

    @property
    def options(self) -> set[str]:
        """The names of all of them."""
        return {word for word in (*self.typed, *self.needs) if word.startswith("--")}


def samples(values: str) -> dict[str, Sample]:
    """One line for each option: what is typed, and behind a bar what it needs."""
    lines = (line.partition("|") for line in values.strip().splitlines())
    found = [Sample(tuple(typed.split()), tuple(needs.split())) for typed, _, needs in lines]
    return {sample.typed[0].replace("--no-", "--"): sample for sample in found}


# A right command to which options are added; those of random weights have one of their own.
_QUANTIZED = ("--calibration", "cal", "--input-size", "8", "--preprocess", "resize", "--method", "minmax")
BASES: dict[str, tuple[str, ...]] = {
    "models": (),
    "devices": (),
    "inspect": ("net.pth", "--input-size", "8"),
    "fuse": ("net.pth", "-o", "fused.safetensors"),
    "board": ("design", "--board", "pynq-z2", "-o", "new"),
    "report": ("design",),
    "synth": ("design", "--device", "kv260"),
    "evaluate": ("net.pth", "--data", "big", *_QUANTIZED, "--json"),
    "generate": ("--weights", "net.pth", *_QUANTIZED, "-o", "new"),
    "sweep": ("--weights", "net.pth", *_QUANTIZED, "--multipliers", "120", "-o", "new"),
}
RANDOM = ("--model", "A0", "--input-size", "32", "-o", "new")
OF_RANDOM = frozenset({"--model", "--classes", "--seed"})

_READING = """
--eps 1e-3
--strides 2,2,1,1
--expect expect.npz
--tolerance 1e-2 | --expect expect.npz
"""
_IMAGES = """
--input-size 24
--preprocess timm
--crop-pct 0.5 | --preprocess timm
--interpolation bicubic | --preprocess resize
--mean 0.1,0.2,0.3
--std 0.5,0.6,0.7
--calibration cal2
--calibration-limit 2
--method naive
--weight-bits 4
--activation-bits 4
--bits bits4.json
--weight-memory 500
"""
_HARDWARE = """
--model A1
--classes 7
--seed 3
--weights net2.safetensors
--integers design/network.npz
--head none
--target hls
--architecture engine
--multipliers 210
--fps 150000
--clock 50
--winograd 2
--no-phases | --winograd 2
--dsp 18x18
--folding folding2.json
--part xc7z020 | --target hls
--json
"""
_EVALUATION = """
--data small
--per-layer
--limit 3
--class-index classes.json
--plot plot.svg
--design design
"""
# Beside the network's, which are generate's by the same code and rules.
_SWEEP = """
--multipliers 150,300
--fps 2000
--architecture engine
--winograd 2
--widths 8,5
--clock 50
--data small
--limit 3 | --data small
--class-index classes.json | --data small
--json
"""
SAMPLES: dict[str, dict[str, Sample]] = {
    "models": samples("--input-size 64\n--classes 7\n--json"),
    "devices": samples("--json"),
    "synth": samples("--layer stage0\n--layers\n--jobs 2 | --layers\n--json"),
    "inspect": samples(f"{_READING}--head none\n--input-size 24\n--json"),
    "fuse": samples(f"{_READING}--head none\n--json"),
    "board": samples("--top 2\n--no-logits\n--json"),
    "report": samples("--html page.html\n--json"),
    "evaluate": samples(_READING + _IMAGES.lstrip() + _EVALUATION.lstrip()),
    "generate": samples(_READING + _IMAGES.lstrip() + _HARDWARE.lstrip()),
    "sweep": samples(_SWEEP),
}
# Where the network is one of random weights, which is larger: bytes between what 8 and what 4 bits take.
SAMPLES_OF_RANDOM = samples("--weight-memory 6800000")
# Compatible, though these samples of them contradict each other or show nothing.
COMPATIBLE: dict[frozenset[str], str] = {
    frozenset({"--head", "--expect"}): "y must be the output that --head names",
    frozenset({"--head", "--tolerance"}): "as with --expect",
}


@dataclass(frozen=True)
class Pair:
    """Two options of a command."""

    command: str
    first: str
    second: str

    def __str__(self) -> str:
        return f"{self.command} {self.first} {self.second}"

    @property
    def random(self) -> bool:
        """Whether one of the two is of random weights."""
        return self.command == "generate" and bool(OF_RANDOM & {self.first, self.second})

    def line(self, *, first: bool = True, second: bool = True) -> tuple[str, ...]:
        """The command with both options, or with one and what the other needs."""
        typed: list[str] = []
        for option, given in ((self.first, first), (self.second, second)):
            sample = SAMPLES[self.command][option]
            if self.random:
                sample = SAMPLES_OF_RANDOM.get(option, sample)
            typed += (*sample.needs, *(sample.typed if given else ()))
        return ("-q", self.command, *(RANDOM if self.random else BASES[self.command]), *typed)


def pairs() -> Iterator[Pair]:
    """Every pair but those of which one needs a value of the other."""
    for command, found in SAMPLES.items():
        for first, second in combinations(found, 2):
            pair = Pair(command, first, second)
            if (
                not found[first].options & found[second].options
                and frozenset({first, second}) not in COMPATIBLE
            ):
                yield pair


def build(folder: Path) -> None:
    """The world of `world.build`, and what the samples name."""
    world.build(folder)
    rng = np.random.default_rng(7)
    save_state(folder / "net2.safetensors", world.network(1))
    for name, size, seed in (("big", 16, 3), ("small", 12, 4), ("cal", 16, 5), ("cal2", 14, 6)):
        world.pictures(folder / name, size, seed)
    network = import_network(folder / "net.pth")
    x = rng.normal(size=(2, 3, 16, 16))
    model = network.model().double()
    import torch

    with torch.no_grad():
        y = model(torch.from_numpy(x)).numpy()
    np.savez(folder / "expect.npz", x=x, y=y)
    (folder / "bits4.json").write_text(json.dumps({"weights": 5, "activations": 6}))
    (folder / "folding2.json").write_text(json.dumps({"stage0": {"pi": 1, "po": 2}}))
    (folder / "classes.json").write_text(json.dumps({"cat": 1, "dog": 0}))


Outcome = tuple[Any, ...]


def outcome(server: Server, template: Path, place: Path, typed: Iterable[str]) -> Outcome:
    """Exit code, what was printed and every file that was written, without times."""
    world.copy(template, place)
    before = set(place.rglob("*"))
    answer = server.ask(Case("pairs", "", tuple(typed), limit=300), place)
    written = {
        str(path.relative_to(place)): _content(path)
        for path in sorted(place.rglob("*"))
        if path not in before and path.is_file() and path.name != "files.json"
    }
    shutil.rmtree(place)
    text = _TIMES.sub("", answer["stdout"])
    return answer["code"], text, answer["stderr"], tuple(written.items())


def _content(path: Path) -> bytes:
    data = path.read_bytes()
    if path.name == "design.json":
        content = json.loads(data)
        data = json.dumps({key: content[key] for key in content if key not in _NOT_COMPARED}).encode()
    return hashlib.sha256(data).digest()


def problems(template: Path, chosen: Iterable[Pair]) -> Iterator[tuple[Pair, str]]:
    """What is wrong with each pair, "" where nothing is; template is what `build` made."""
    known: dict[tuple[str, ...], Outcome] = {}
    with Server() as server, tempfile.TemporaryDirectory() as folder:
        places = (Path(folder) / str(number) for number in count())

        def run(typed: tuple[str, ...]) -> Outcome:
            if typed not in known:
                known[typed] = outcome(server, template, next(places), typed)
            return known[typed]

        for pair in chosen:
            both = run(pair.line())
            if both[0] == WRONG:  # what each does alone is not needed
                yield pair, judge(pair, both, None, None)
            else:
                yield pair, judge(pair, both, run(pair.line(second=False)), run(pair.line(first=False)))


def judge(pair: Pair, both: Outcome, first: Outcome | None, second: Outcome | None) -> str:
    """What is wrong, or ""; first, second: the outcome with that option alone."""
    code, _, error, _ = both
    if code == WRONG:
        names = SAMPLES[pair.command][pair.first].options | SAMPLES[pair.command][pair.second].options
        declared = RULE.search(error) and any(option in error for option in names)
        return "" if declared else f"refused, and no rule says so: {error.strip()[-200:]}"
    if code not in (0, 1):
        return f"ends in {code}: {error.strip()[-200:]}"
    silent = [option for option, other in ((pair.second, first), (pair.first, second)) if both == other]
    return f"{' and '.join(silent)} changed nothing" if silent else ""
