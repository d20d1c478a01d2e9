"""Emit an engine's Verilog: library sources verbatim, its constant networks, top, bench, and the DRAM image.

The same network and plan give the same bytes. The folder stands on its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from repvgg_hw import __version__
from repvgg_hw.design import Design
from repvgg_hw.errors import InputError
from repvgg_hw.files import environment, sim_dir, templates_dir, write_atomically, write_if_changed
from repvgg_hw.names import top_module
from repvgg_hw.plan.engine import codes, image
from repvgg_hw.plan.engine.array import Array
from repvgg_hw.plan.engine.plan import EnginePlan
from repvgg_hw.plan.engine.registers import CONTROL_BITS, REGISTERS
from repvgg_hw.plan.rate import rate
from repvgg_hw.targets.verilog.emit import cells, library_sources
from repvgg_hw.targets.verilog.engine.bench import bench
from repvgg_hw.targets.verilog.engine.networks import rendered_modules

CORES = {"rvg_engine", "rvg_engine_registers", "rvg_reset"}  # what the top is put together from
IMAGE = "engine.bin"
BENCH_SOURCES = (
    *("rvg_assert.sv", "rvg_assert_stream.sv", "dram_pkg.sv", "dram_pauses.sv", "dram_read_port.sv"),
    *("dram_write_port.sv", "dram_hazards.sv", "dram_model.sv", "dram_write_check.sv", "engine_sum_check.sv"),
)


def parameters(array: Array) -> dict[str, int | str]:
    """Of rvg_engine."""
    found: dict[str, int | str] = {name: value for name, value in array.parameters.items() if name != "X_W"}
    return found | {"ENGINE_ID": f"32'h{array.identity:08x}"}


def rtl(array: Array, top: str) -> Iterator[tuple[str, str]]:
    """(file name, text) of every source, packages first, the top last."""
    env = environment(templates_dir() / "verilog")
    for path in library_sources(CORES | {"rvg_shift_add"}):
        yield path.name, path.read_text()
    for name, template, context in rendered_modules(array.n):
        yield name, env.get_template(template).render(version=__version__, **context)
    values: dict[str, Any] = {
        "top": top,
        "array": array,
        "parameters": parameters(array),
        "control_bits": CONTROL_BITS,
        "version": __version__,
    }
    yield f"{top}.sv", env.get_template("engine_top.sv.j2").render(values)


def emit(design: Design[EnginePlan]) -> None:
    """Write every file of an engine's design into its folder; files that do not change are left untouched."""
    plan, top = design.plan, top_module(design.plan.name)
    sources = dict(rtl(plan.array, top))
    files = {f"rtl/{name}": text for name, text in sources.items()}
    files |= {f"cells/{path.name}": path.read_text() for path in cells()}
    files["lint.vlt"] = (templates_dir() / "verilog" / "lint.vlt").read_text()
    files["sim/bench.sv"] = bench(plan.schedule, top)
    files |= {f"sim/{name}": (sim_dir() / name).read_text() for name in BENCH_SOURCES}
    files["files.f"] = "".join(f"rtl/{name}\n" for name in sources)
    context = {
        "top": top,
        "plan": plan,
        "rate": rate(plan, design.request),
        "kind": design.kind,
        "version": __version__,
        "options": design.options,
        "scale": design.network.output_scale,
        "control_bits": CONTROL_BITS,
        "registers": REGISTERS,
        "codes": codes.ERRORS.values(),
    }
    files["README.md"] = environment(sim_dir()).get_template("engine_README.md.j2").render(context)
    for name, text in files.items():
        write_if_changed(design.directory / name, text)
    write_image(design)


def write_image(design: Design[EnginePlan]) -> None:
    """Program and weights, into the design's folder."""
    design.directory.mkdir(parents=True, exist_ok=True)
    write_atomically(design.directory / IMAGE, image.build(design.plan.schedule))


def is_source(name: str) -> bool:
    """Whether a file of the design is of the engine itself, whatever network it runs."""
    return name.startswith(("rtl/", "cells/", "sim/")) or name in ("files.f", "lint.vlt")


def found_image(directory: Path, right: bytes) -> bytes:
    """engine.bin of a folder, where `right` is the network's image.

    Raises InputError where it is missing, no file, or of another size: such a file is not read at all.
    """
    path = directory / IMAGE
    try:
        if not path.is_file():  # a pipe would be waited for, a device has no end
            raise InputError(f"{path} is missing or no file: generate the design again")
        if (size := path.stat().st_size) != len(right):
            wrong = f"has {size:,} bytes, the network's image has {len(right):,}"
            raise InputError(f"{path} {wrong}: generate the design again")
        return path.read_bytes()
    except OSError:
        raise InputError(f"{path} cannot be read: generate the design again") from None


def differences(plan: EnginePlan, found: bytes, right: bytes) -> list[tuple[str, str]]:
    """Where an image is not the network's: nothing, or the first byte as (layer, message)."""
    if found == right:
        return []
    byte = next(at for at, (a, b) in enumerate(zip(found, right, strict=True)) if a != b)
    return [(_layer_at(plan, byte), f"{IMAGE}, byte {byte} is not the network's")]


def differing_image(design: Design[EnginePlan]) -> list[tuple[str, str]]:
    """Where engine.bin on disk is not what the network says: (layer, message)."""
    right = image.build(design.plan.schedule)
    return differences(design.plan, found_image(design.directory, right), right)


def _layer_at(plan: EnginePlan, byte: int) -> str:
    """Whose weights lie there; "image" of the header and the program."""
    names = [layer.name for layer in plan.layers]
    starts = plan.schedule.weight_addresses
    return next(
        (name for name, at in reversed(list(zip(names, starts, strict=False))) if byte >= at), "image"
    )
