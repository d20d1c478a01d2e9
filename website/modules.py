"""The Verilog library's reference: a page for each file: header, ports, what it uses and what uses it."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from website import ROOT, fenced

LIBRARY = ROOT / "templates" / "verilog"
FOLDER = "reference/rtl"
FOLDERS = {  # in this order
    "common": "What any architecture uses",
    "stream": "Streaming: a unit for each layer",
    "engine": "The engine: one array for all layers",
    "axi": "AXI4 and AXI4-Lite",
    "board": "On boards",
    "cells": "Multipliers of each family",
    "": "Templates: what is rendered for each design",
}
INTRODUCTION = """# Hardware modules

The library of `templates/verilog`: files that are written by hand and copied into designs as they are, and
below them the templates that instantiate them. Each page is the header of the file: what the module computes,
which function of the golden model it equals, what goes in and out, and how fast. How they go together:
[in pictures](../../machine.md), [streaming](../../architecture.md), [the engine](../../engine.md).

"""
SKIPPED = ("// SPDX-", "{")
UNIT = re.compile(r"\brvg_\w+\b")


@dataclass(frozen=True)
class Source:
    """A file of the library.

    path      below the library's folder
    header    its leading comment, without slashes
    ports     from `module` or `package` to the first `);` or `;`; "" in templates
    """

    path: Path
    text: str
    header: str
    ports: str

    @property
    def name(self) -> str:
        """What others call it: the module's name, or a template's file name."""
        return self.path.name if self.path.suffix == ".j2" else self.path.name.split(".")[0]

    @property
    def page(self) -> str:
        return f"{FOLDER}/{self.name.replace('.', '-')}.md"

    @property
    def summary(self) -> str:
        """The header's first sentence, without the module's name."""
        first = self.header.splitlines()[0]
        return first.split(": ", 1)[1] if ": " in first else first


def sources() -> list[Source]:
    """Every hardware file of the library, in the order of the index."""
    found = [read(path) for path in sorted(LIBRARY.rglob("*")) if {".sv", ".v"} & set(path.suffixes)]
    folders = list(FOLDERS)
    return sorted(found, key=lambda source: (folders.index(_folder(source)), source.name))


def read(path: Path) -> Source:
    """A hardware file. LookupError where it has no header, which a page would need."""
    text = path.read_text()
    lines = text.splitlines()
    start = next((i for i, line in enumerate(lines) if line and not line.startswith(SKIPPED)), 0)
    header = []
    for line in lines[start:]:
        if line.startswith("//"):
            header.append(line[2:].removeprefix(" "))
        elif not line.startswith("{%"):
            break
    relative = path.relative_to(LIBRARY)
    if not header and path.suffix != ".j2":
        raise LookupError(f"{relative} has no header")
    if not header:
        header = [f"{relative}: a part of other templates."]
    ports = re.search(r"^module \w+.*?^\);|^package \w+;", text, re.MULTILINE | re.DOTALL)
    shown = ports[0] if ports and path.suffix != ".j2" and _folder_of(relative) != "cells" else ""
    return Source(relative, text, "\n".join(header).strip(), shown)


def pages() -> dict[str, str]:
    """Markdown of each page, by its path on the site."""
    found = sources()
    names = {source.name: source for source in found}
    uses = {source.name: _used(source, names) for source in found}
    users = defaultdict(list)
    for name, used in uses.items():
        for other in used:
            users[other].append(name)
    made = {source.page: _page(source, uses[source.name], users[source.name], names) for source in found}
    made[f"{FOLDER}/index.md"] = _index(found)
    return made


def _used(source: Source, names: dict[str, Source]) -> list[str]:
    """Modules that the file instantiates, and packages that it reads; comments do not count."""
    code = re.sub(r"//.*", "", source.text)
    return sorted({name for name in UNIT.findall(code) if name in names and name != source.name})


def _page(source: Source, uses: list[str], users: list[str], names: dict[str, Source]) -> str:
    path = source.path.as_posix()
    parts = [f"# {source.name}\n", fenced(source.header)]
    for title, others in (("Uses", uses), ("Used by", users)):
        if others:
            linked = ", ".join(f"[{other}]({Path(names[other].page).name})" for other in others)
            parts.append(f"**{title}:** {linked}\n")
    if source.ports:
        parts.append(f"## Parameters and ports\n\n{fenced(source.ports, 'systemverilog')}")
    parts.append(f"The file: [`templates/verilog/{path}`](../../../templates/verilog/{path})\n")
    return "\n".join(parts)


def _index(found: list[Source]) -> str:
    parts = [INTRODUCTION]
    for folder, title in FOLDERS.items():
        rows = [
            f"| [{source.name}]({Path(source.page).name}) | {_cell(source.summary)} |"
            for source in found
            if _folder(source) == folder
        ]
        parts.append("\n".join([f"## {title}\n", "| module | |", "|---|---|", *rows, ""]))
    return "\n".join(parts)


def _cell(text: str) -> str:
    """Text in a table: bars, stars and braces of templates are letters."""
    return re.sub(r"([|*_<\[])", r"\\\1", text)


def _folder(source: Source) -> str:
    return _folder_of(source.path)


def _folder_of(path: Path) -> str:
    return path.parts[0] if len(path.parts) > 1 else ""
