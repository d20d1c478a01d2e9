"""What a sweep has found, kept on disk point by point, so that one that was broken off goes on.

`points.json` in the sweep's folder: outcomes and accuracies, each below a digest of all that decides about
it, so that none is ever wrong for its name, and another sweep in the same folder finds those that it shares.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

import msgspec

from repvgg_hw import __version__
from repvgg_hw.errors import InputError
from repvgg_hw.explore.outcome import Outcome, Top1
from repvgg_hw.files import check_writable, write_if_changed
from repvgg_hw.plan import request as requests
from repvgg_hw.plan.request import Request
from repvgg_hw.schema import read_json

FILE, LOCK = "points.json", ".lock"
SOURCES = ("plan", "winograd", "explore/outcome.py")  # that decide about a plan


def check_folder(folder: Path) -> None:
    """Refuse, with InputError, a place that is no folder of a sweep and not empty, or cannot be written."""
    check_writable(folder)
    if (folder / FILE).exists() or not folder.is_dir():
        return
    if any(path.name != LOCK for path in folder.iterdir()):
        raise InputError(f"{folder} holds other files than a sweep's: give an empty or new folder")


def point_key(network: str, request: Request) -> str:
    """SHA-256 of what decides about a point; network: `design.network_digest` of its integers."""
    return _digest(["point", __version__, _sources(), network, requests.to_json(request)])


def accuracy_key(network: str, images: str) -> str:
    """SHA-256 of what decides about an accuracy; images: of all pixels and labels."""
    return _digest(["top1", __version__, network, images])


class Kept:
    """The outcomes and accuracies of a folder."""

    def __init__(self, folder: Path, *, fresh: bool = False) -> None:
        """Read what earlier sweeps left, unless fresh. What cannot be read counts as nothing."""
        self.path = folder / FILE
        self.outcomes: dict[str, Outcome] = {}
        self.accuracies: dict[str, Top1] = {}
        if fresh:
            return
        try:
            content = read_json(self.path)
            self.outcomes = msgspec.convert(content["points"], dict[str, Outcome])
            self.accuracies = msgspec.convert(content["accuracies"], dict[str, Top1])
        except (InputError, msgspec.ValidationError, KeyError, TypeError):
            self.outcomes, self.accuracies = {}, {}

    def keep(self, key: str, found: Outcome | Top1) -> None:
        """Remember one more; the file is whole at any time."""
        if isinstance(found, Outcome):
            self.outcomes[key] = found
        else:
            self.accuracies[key] = found
        content = {
            "points": {name: dataclasses.asdict(one) for name, one in self.outcomes.items()},
            "accuracies": {name: dataclasses.asdict(one) for name, one in self.accuracies.items()},
        }
        write_if_changed(self.path, json.dumps(content, indent=1) + "\n")


def _digest(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _sources() -> str:
    """Of the files of this package that decide about a plan: an edited search is another one."""
    package, digest = Path(__file__).resolve().parents[1], hashlib.sha256()
    for name in SOURCES:
        place = package / name
        for path in sorted(place.rglob("*.*")) if place.is_dir() else [place]:
            if path.suffix in {".py", ".json"}:
                digest.update(str(path.relative_to(package)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()
