"""Emit the Verilog accelerator: library sources verbatim, rendered top and bench, tables, README.

The same network and plan give the same bytes. The folder stands on its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jinja2

from repvgg_hw import __version__
from repvgg_hw.design import Design
from repvgg_hw.design.folder import listed, read_table
from repvgg_hw.errors import InputError
from repvgg_hw.files import environment, sim_dir, templates_dir, write_if_changed
from repvgg_hw.names import top_module
from repvgg_hw.plan.rate import rate
from repvgg_hw.plan.stream.plan import Plan
from repvgg_hw.targets.verdict import first_difference
from repvgg_hw.targets.verilog.limits import settle_cycles
from repvgg_hw.targets.verilog.netlist import MEMORY_FOLDER, build
from repvgg_hw.targets.verilog.tables import layer_of, memory_files
from repvgg_hw.winograd.networks import rendered_modules

BENCH_SOURCES = (
    "rvg_assert.sv",
    "rvg_assert_stream.sv",
    "stream_source.sv",
    "stream_sink.sv",
    "stream_pauses.sv",
    "stream_check.sv",
    "clock_gate.sv",
)
TOP_MODULES = {
    "rvg_rom",
    "rvg_constant",
    "rvg_frame_check",
    "rvg_stream_reg",
}  # in the top itself, beside the units
PACKAGE = "rvg_pkg"
LIST = "files.f"  # of the sources, in the order in which tools must read them
SOURCE_NAME = re.compile(r"rtl/[A-Za-z_][A-Za-z0-9_]*\.sv")  # of what LIST holds
WATCHDOG_CYCLES = 50_000  # beside two frame intervals: longer than any pause of a healthy design


def library() -> dict[str, Path]:
    """The static RTL library: module or package -> its file."""
    return {path.stem: path for path in (templates_dir() / "verilog").glob("*/*.sv")}


def is_package(name: str) -> bool:
    """Whether this is a package of the library: read before every module."""
    return name.endswith("_pkg")


def cells() -> list[Path]:
    """What rvg_multiply is made of on each family of FPGAs."""
    return sorted((templates_dir() / "verilog" / "cells").glob("*.v"))


def library_sources(modules: set[str]) -> list[Path]:
    """The files of the static RTL library that these modules are made of: packages first, then by name."""
    files = library()
    needed: set[str] = set()
    waiting = set(modules)

    def order(path: Path) -> tuple[bool, bool, str]:
        return not is_package(path.stem), path.stem != PACKAGE, path.name

    while waiting:
        name = waiting.pop()
        needed.add(name)
        text = files[name].read_text()
        used = re.findall(r"^ *(\w+) (?:#\(|u_\w+ \()", text, re.MULTILINE) + re.findall(r"\b(\w+)::", text)
        waiting |= {module for module in used if module in files} - needed
    return sorted((files[name] for name in needed), key=order)


def emit(design: Design[Plan]) -> None:
    """Write every file of a Verilog design into its folder; files that do not change are left untouched."""
    directory, plan = design.directory, design.plan
    net = build(plan)
    top = top_module(plan.name)
    env = environment(templates_dir() / "verilog", sim_dir())
    context: dict[str, Any] = {
        "top": top,
        "plan": plan,
        "rate": rate(plan, design.request),
        "kind": design.kind,
        "version": __version__,
        "units": net.units,
        "streams": net.streams,
        "probes": net.probes,
        "source": net.source,
        "sink": net.units[-1].sink,
        "settle": settle_cycles(plan.quiet_cycles),
        "watchdog": 2 * plan.frame_interval + WATCHDOG_CYCLES,
        "options": design.options,
        "scale": design.network.output_scale,
    }
    modules = {unit.module for unit in net.units} | TOP_MODULES
    if "rvg_conv3x3_winograd" in modules:
        modules.add("rvg_shift_add")  # of which the constant networks are made
    sources = library_sources(modules)
    files = {f"rtl/{path.name}": path.read_text() for path in sources}
    rendered = dict(_networks(plan, env))
    files |= {f"rtl/{name}": text for name, text in rendered.items()}
    files[f"rtl/{top}.sv"] = env.get_template("top.sv.j2").render(context)
    files |= {f"cells/{path.name}": path.read_text() for path in cells()}
    files["lint.vlt"] = (templates_dir() / "verilog" / "lint.vlt").read_text()
    files["sim/bench.sv"] = env.get_template("bench.sv.j2").render(context)
    files |= {f"sim/{name}": (sim_dir() / name).read_text() for name in BENCH_SOURCES}
    files |= {f"{MEMORY_FOLDER}/{name}": text for name, text in memory_files(design.network, plan).items()}
    files[LIST] = "".join(
        f"rtl/{name}\n" for name in (*(path.name for path in sources), *rendered, f"{top}.sv")
    )
    files["README.md"] = env.get_template("README.md.j2").render(context)
    for name, text in files.items():
        write_if_changed(directory / name, text)


def _networks(plan: Plan, env: jinja2.Environment) -> Iterator[tuple[str, str]]:
    """The constant networks of the Winograd tiles that the plan uses: (file name, text)."""
    for name, template, context in rendered_modules(plan.tiles):
        yield name, env.get_template(template).render(version=__version__, **context)


def listed_sources(directory: Path) -> list[str]:
    """The sources of an emitted folder as files.f lists them, for any tool that reads them.

    Raises InputError where the list is missing or names what is no source of a design: a tool's option, a
    path outside of the folder, words of a script; or where it leaves out a source that belongs to the design.
    """
    found = read_table(directory, LIST).split()
    for name in found:
        if not SOURCE_NAME.fullmatch(name):
            raise InputError(f"{directory / LIST}: {name!r} is no source of a design: generate it again")
    if not found:
        raise InputError(f"{directory / LIST} is missing or empty: generate the design again")
    left = [name for name in listed(directory) if SOURCE_NAME.fullmatch(name) and name not in found]
    if left:
        raise InputError(f"{directory / LIST} leaves out {left[0]}: generate the design again")
    return found


def differing_tables(design: Design[Plan]) -> list[tuple[str, str]]:
    """Tables on disk that are not what the network says: (layer, message), in the network's order."""
    layers = {layer.ident: layer.name for layer in design.plan.layers}
    differing = []
    for name, expected in memory_files(design.network, design.plan).items():
        word = first_difference(expected, read_table(design.directory, f"{MEMORY_FOLDER}/{name}"))
        if word is not None:
            message = f"{MEMORY_FOLDER}/{name}, word {word} is not the network's"
            differing.append((layers[layer_of(name)], message))
    return differing
