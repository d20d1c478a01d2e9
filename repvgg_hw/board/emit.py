"""Write a design's board folder: sources, tables, project scripts, drivers, pages.

Tables lie beside the sources and are named without a folder: so do all tools find them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from repvgg_hw import __version__
from repvgg_hw.board.boards import title
from repvgg_hw.board.register_map import STREAM, c_header, page
from repvgg_hw.board.wrapper import Wrapper
from repvgg_hw.design import folder
from repvgg_hw.errors import InputError
from repvgg_hw.files import environment, templates_dir, write_if_changed
from repvgg_hw.names import top_module
from repvgg_hw.targets.verilog.emit import is_package, listed_sources
from repvgg_hw.targets.verilog.netlist import MEMORY_FOLDER

MARK = "board.json"  # what makes a folder a board's
DRIVER = "driver"
SERIAL = "rvg_serial.py"  # the driver for a serial line


def files(wrapper: Wrapper) -> dict[str, str]:
    """Every file of the folder: name -> text. Raises InputError where the design's folder lacks one."""
    directory, board = wrapper.design.directory, wrapper.board
    found = {name: _text(directory / name) for name in listed_sources(directory)}
    top = f"rtl/{top_module(wrapper.design.plan.name)}.sv"
    found[top] = found[top].replace(f'"{MEMORY_FOLDER}/', '"')
    tables = [name for name in folder.listed(directory) if name.startswith(f"{MEMORY_FOLDER}/")]
    found |= {f"rtl/{Path(name).name}": _text(directory / name) for name in tables}
    found |= wrapper.files()
    sources, tables = in_order(list(found)), [name for name in found if name.endswith(".mem")]
    env = environment(templates_dir() / "board")
    context: dict[str, Any] = {
        "wrapper": wrapper,
        "board": board,
        "title": title(board),
        "sources": sources,
        "tables": sorted(tables),
        "version": __version__,
        "facts": wrapper.facts(),
    }
    context |= board.context(wrapper.frame_bytes, wrapper.design.plan.frame_interval)
    rendered = {**board.templates, f"{wrapper.name}.core": "core.j2"}
    if board.dma:
        found |= _drivers()
        rendered[f"{DRIVER}/c/rvg_design.h"] = "rvg_design.h.j2"
    else:
        found[f"{DRIVER}/{SERIAL}"] = (templates_dir() / "board" / SERIAL).read_text()
    found |= {name: env.get_template(template).render(context) for name, template in rendered.items()}
    found[f"{DRIVER}/{wrapper.name}.json"] = json.dumps(wrapper.facts(), indent=2) + "\n"
    found["files.f"] = "".join(f"{name}\n" for name in sources)
    found[MARK] = (
        json.dumps({"board": board.name, "module": wrapper.module, **wrapper.facts()}, indent=2) + "\n"
    )
    return found


def _drivers() -> dict[str, str]:
    """Of registers and a DMA: for Python, for C, for people."""
    templates = templates_dir() / "board"
    python, c = sorted((templates / "rvg_driver").glob("*.py")), sorted((templates / "c").iterdir())
    return {
        **{f"{DRIVER}/rvg_driver/{path.name}": path.read_text() for path in python},
        **{f"{DRIVER}/c/{path.name}": path.read_text() for path in c},
        f"{DRIVER}/c/rvg_registers.h": c_header(STREAM),
        "registers.md": page(STREAM),
    }


def in_order(names: list[str]) -> list[str]:
    """Sources as tools must read them: packages first, the Verilog top last; no other files."""
    kept = [name for name in names if name.endswith((".sv", ".v"))]
    return sorted(
        kept,
        key=lambda name: (name.endswith(".v"), not name.endswith("_core.v"), not is_package(Path(name).stem)),
    )


def write(content: dict[str, str], output: Path, force: bool) -> None:
    """Write the folder, whole or not at all.

    Raises InputError where it holds something else, or another board's files without force.
    """
    check_output_folder(output, force)

    def emit(stage: Path) -> None:
        for name, text in content.items():
            write_if_changed(stage / name, text)

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


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, ValueError):
        raise InputError(f"{path} is missing or damaged: generate the design again") from None
