"""Write a design's board folder: sources, tables, project scripts, drivers, pages.

Tables lie beside the sources and are named without a folder: so do all tools find them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from repvgg_hw import __version__
from repvgg_hw.board.boards import Zynq
from repvgg_hw.board.register_map import STREAM, RegisterMap, c_header, page
from repvgg_hw.board.wrapped import Wrapped
from repvgg_hw.design import folder
from repvgg_hw.errors import InputError
from repvgg_hw.files import environment, templates_dir, write_atomically, write_if_changed
from repvgg_hw.targets.verilog.emit import is_package

MARK = "board.json"  # what makes a folder a board's
DRIVER = "driver"


def files(wrapper: Wrapped) -> dict[str, str | bytes]:
    """Every file of the folder: name -> content. Raises InputError where the design's folder lacks one."""
    board, facts = wrapper.board, wrapper.facts()
    hardware = wrapper.files()
    sources, tables = in_order(list(hardware)), [name for name in hardware if name.endswith(".mem")]
    env = environment(templates_dir() / "board")
    context: dict[str, Any] = {
        "wrapper": wrapper,
        "board": board,
        "title": board.title,
        "architecture": wrapper.registers.architecture,
        "sources": sources,
        "tables": sorted(tables),
        "version": __version__,
        "facts": facts,
        **wrapper.context(),
    }
    rendered = {**board.templates, f"{wrapper.name}.core": "core.j2"}
    if isinstance(board, Zynq):
        context["ports"] = board.memory_ports(wrapper.memory_bytes)
    found: dict[str, str | bytes] = {**hardware, **_copied(board.copied(wrapper.registers.architecture))}
    if board.dma:
        found |= _registers(wrapper.registers)
        if wrapper.registers is STREAM:
            rendered[f"{DRIVER}/c/rvg_design.h"] = "rvg_design.h.j2"
    for name, template in rendered.items():
        chosen = env.select_template([f"{wrapper.registers.architecture}_{template}", template])
        found[name] = chosen.render(context)
    found |= {f"{DRIVER}/{name}": content for name, content in wrapper.driver_files().items()}
    found["files.f"] = "".join(f"{name}\n" for name in sources)
    mark = {"board": board.name, "module": wrapper.module, **facts}
    found[MARK] = json.dumps(mark, indent=2) + "\n"
    return found


def _copied(named: Mapping[str, str]) -> dict[str, str]:
    """Files of templates/board as they are: name -> text; of a folder that is named, its Python sources."""
    found: dict[str, str] = {}
    for name, source in named.items():
        path = templates_dir() / "board" / source
        inside = {f"{name}/{file.name}": file for file in sorted(path.glob("*.py"))}
        found |= {key: file.read_text() for key, file in (inside or {name: path}).items()}
    return found


def _registers(registers: RegisterMap) -> dict[str, str]:
    """Of registers and memory: for C, for people."""
    c = sorted((templates_dir() / "board" / "c" / registers.architecture).iterdir())
    return {
        **{f"{DRIVER}/c/{path.name}": path.read_text() for path in c},
        f"{DRIVER}/c/rvg_registers.h": c_header(registers),
        "registers.md": page(registers),
    }


def in_order(names: list[str]) -> list[str]:
    """Sources as tools must read them: packages first, the Verilog top last; no other files."""
    kept = [name for name in names if name.endswith((".sv", ".v"))]
    return sorted(
        kept,
        key=lambda name: (name.endswith(".v"), not name.endswith("_core.v"), not is_package(Path(name).stem)),
    )


def write(content: Mapping[str, str | bytes], output: Path, force: bool) -> None:
    """Write the folder, whole or not at all.

    Raises InputError where it holds something else, or another board's files without force.
    """
    check_output_folder(output, force)

    def emit(stage: Path) -> None:
        for name, text in content.items():
            if isinstance(text, str):
                write_if_changed(stage / name, text)
            else:
                (stage / name).parent.mkdir(parents=True, exist_ok=True)
                write_atomically(stage / name, text)

    folder.write(output, emit)


def check_output_folder(output: Path, force: bool) -> None:
    """Refuse, with InputError, a folder that is not a board's to be written over."""
    if output.exists() and not output.is_dir():
        raise InputError(f"{output} is a file: give a folder with -o")
    if not output.is_dir() or not any(path.name != folder.LOCK for path in output.iterdir()):
        return
    if not (output / MARK).is_file() and not (output / folder.STAGE).is_dir():
        raise InputError(f"{output} holds other files: give an empty or new folder with -o")
    if not force:
        raise InputError(f"{output} holds a board's files already: --force writes over them")
