"""Where results go: never over what is no result, never half, and looked at before the work begins."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import click

from repvgg_hw.cli.values import OutputFile
from tests.abuse.case import OK, WRONG, Case
from tests.abuse.options import BASES, commands, with_option


def outputs() -> Iterator[Case]:
    """Where results go: never over something that is not a result, never half."""
    for name in (
        "text.txt",
        "images",
        "design",
        "/dev/null/x",
        "missing/below/fused.safetensors",
        "/proc/x.safetensors",
    ):
        codes = frozenset({OK, WRONG}) if name.startswith("missing") else frozenset({WRONG})
        yield Case("outputs", f"fuse -o {name}", ("fuse", "net.pth", "-o", name), codes)
    linked = ("fuse", "net.pth", "-o", "link.safetensors")
    for what, target in {"a device": "/dev/full", "a folder": "images", "nowhere": "missing/x"}.items():
        codes = frozenset({WRONG}) if what != "nowhere" else frozenset({OK, WRONG})
        prepare = partial(_link, target)
        yield Case("outputs", f"fuse -o a link to {what}", linked, codes, prepare)
    for name in ("images", "/dev/full", "/dev/null/x"):
        yield Case("outputs", f"report --html {name}", ("report", "design", "--html", name))
    for folder in ("foreign", "text.txt", "images"):
        arguments = (*BASES["generate"][:-1], folder, "--force")
        yield Case("outputs", f"generate --force -o {folder}", ("generate", *arguments))
    yield Case(
        "outputs", "generate over a design", ("generate", *BASES["generate"][:-1], "design"), says="--force"
    )


def _link(target: str, folder: Path) -> None:
    os.symlink(target, folder / "link.safetensors")


# What lies where a file is to be written, by the file's own name or another one.
PLACES: dict[str, Callable[[Path], object]] = {
    "a folder": Path.mkdir,
    "a pipe": os.mkfifo,
    "a link to a device": partial(os.symlink, "/dev/full"),
    "a link to a folder": partial(os.symlink, "images"),
    "a link to another kind of file": partial(os.symlink, "text.txt"),
    "a link to nothing": partial(os.symlink, "missing/x"),
    "a link to itself": lambda place: os.symlink(place.name, place),
}


def _place(name: str, make: Callable[[Path], object], folder: Path) -> None:
    make(folder / name)


def of_every_kind() -> Iterator[Case]:
    """Every option that names a file to write, with the right suffix."""
    for command, declared in commands().items():
        for option in declared.params:
            if isinstance(option, click.Option) and isinstance(option.type, OutputFile):
                flag, name = max(option.opts, key=len), f"place{option.type.suffixes[0]}"
                if flag == "--bitstream":  # no open tool routes the base's device
                    continue
                for what, make in PLACES.items():
                    words, prepare = with_option(command, flag, name), partial(_place, name, make)
                    yield Case("outputs", f"{command} {flag}: {what}", words, prepare=prepare)
