"""An emitted folder: what `generate` leaves and `simulate` and `report` find.

design.json   request, plan, provenance          network.npz   the integer network

The folder of an image, which `program` leaves, has the same two, no sources, and says whose sources run it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec

from repvgg_hw import GENERATOR, schema
from repvgg_hw.design import folder
from repvgg_hw.design.network_file import load_network, save_network
from repvgg_hw.errors import InputError, context
from repvgg_hw.files import write_if_changed
from repvgg_hw.network import IntegerNetwork
from repvgg_hw.plan import registry
from repvgg_hw.plan import request as requests
from repvgg_hw.plan.planner import NetworkPlan
from repvgg_hw.plan.request import Request

FORMAT = 3  # of design.json
LONGEST = 4096  # bytes of a path
LAST = Path("build") / ".last-design"  # names the folder that `generate` wrote last


class _Format(msgspec.Struct, frozen=True):
    """What every version of design.json begins with."""

    format: int


@dataclass(frozen=True)
class Hardware:
    """Whose sources run an image that has none of its own.

    sources  SHA-256 over them, as `folder.fingerprint` gives it
    name     of the design that they were generated for
    """

    sources: str
    name: str


class _Content(_Format, frozen=True, forbid_unknown_fields=True):
    """design.json; what is in the plan, only its architecture knows."""

    generator: str
    request: dict[str, Any]
    options: dict[str, Any]
    provenance: dict[str, Any]
    plan: dict[str, Any]
    hardware: Hardware | None = None


P = TypeVar("P", bound=NetworkPlan, covariant=True)


@dataclass(frozen=True)
class Design(Generic[P]):
    """A generated accelerator on disk, of an architecture whose plans are P."""

    directory: Path
    request: Request
    network: IntegerNetwork
    plan: P
    options: dict[str, Any]
    generator: str = GENERATOR  # the version that wrote it
    hardware: Hardware | None = None  # of an image alone, which has no sources

    @property
    def target(self) -> str:
        """The target's name."""
        return self.request.target

    @property
    def kind(self) -> str:
        """Its architecture and its target, in words."""
        return f"{self.request.architecture} as {self.request.target}"


def save(design: Design[NetworkPlan]) -> None:
    """Write design.json and network.npz."""
    save_network(design.network, design.directory / "network.npz")
    content = {
        "format": FORMAT,
        "generator": design.generator,
        "request": requests.to_json(design.request),
        "options": design.options,
        "provenance": design.network.provenance,  # of network.npz, for readers that are not Python
        "plan": design.plan.to_json(),
    }
    if design.hardware is not None:
        content["hardware"] = dataclasses.asdict(design.hardware)
    write_if_changed(
        design.directory / "design.json", json.dumps(schema.without_surrogates(content), indent=2) + "\n"
    )


def load(directory: Path, *, images: bool = False) -> Design[NetworkPlan]:
    """Read a generated folder; with `images` also an image that `program` made for another design's sources.

    Raises InputError naming what is missing or foreign.
    """
    path = directory / "design.json"
    if (directory / folder.STAGE / folder.COMPLETE).is_file():
        with folder.locked(directory):
            folder.recover(directory)
    if not path.is_file():
        broken_off = "its generation was broken off: generate it again"
        none = "give a folder written by `repvgg-hw generate`"
        what = broken_off if folder.is_design(directory) else none
        if not directory.exists():
            raise InputError(f"{directory}: no such folder: {none}")
        raise InputError(f"{directory} holds no design.json: {what}")
    document = schema.read_json(path)
    with context(str(path)):
        version = schema.partly(document, _Format).format
        if version != FORMAT:
            raise InputError(f"has format {version}, this version reads {FORMAT}: generate it again")
        content = schema.partly(document, _Content)
        if content.hardware is not None and not images:
            raise InputError(
                f"is of an image for the hardware of {content.hardware.name}, without sources of its own: "
                "give that design's folder, here and with --image to simulate"
            )
        request = requests.from_json(content.request)
    network = load_network(directory / "network.npz")
    with context(str(path)):
        recorded = schema.plain(schema.without_surrogates(network.provenance))
        other = schema.difference(content.provenance, recorded, "provenance")
        if other is not None:
            raise InputError(f"{other}, by network.npz")
        plan = registry.get(request.architecture).restore(content.plan, network, request)
    return Design(directory, request, network, plan, content.options, content.generator, content.hardware)


def remember(directory: Path) -> None:
    """Make this folder the default of `simulate` and `report`, where the working directory can be written."""
    with contextlib.suppress(OSError, InputError):  # the design is written: this is only a comfort
        write_if_changed(LAST, f"{directory}\n")


def last_directory() -> Path:
    """The folder that was generated last from here. Raises InputError where there is none."""
    if not LAST.is_file():
        raise InputError(
            "no design was generated here yet: give its folder, or run `repvgg-hw generate` first"
        )
    name = LAST.read_bytes().removesuffix(b"\n")
    if not 0 < len(name) < LONGEST or b"\0" in name:
        raise InputError(f"{LAST} names no folder: give the design's")
    return Path(os.fsdecode(name))
