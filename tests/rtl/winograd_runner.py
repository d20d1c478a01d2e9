"""Builds and runs the benches of the Winograd units."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from repvgg_hw import __version__
from repvgg_hw.files import environment, sim_dir, templates_dir
from repvgg_hw.targets.verilog.emit import library_sources
from repvgg_hw.targets.verilog.simulator import verilator
from repvgg_hw.winograd.networks import rendered_modules


def write_networks(folder: Path, kinds: Iterable[tuple[int, int]]) -> list[Path]:
    """Render the constant networks of these (m, stride) into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    env, written = environment(templates_dir() / "verilog"), []
    for name, template, context in rendered_modules(kinds):
        path = folder / name
        path.write_text(env.get_template(template).render(version=__version__, **context))
        written.append(path)
    return written


def _with_fault(folder: Path, sources: list[Path], fault: tuple[str, str, str]) -> list[Path]:
    """The sources with the first occurrence of a text in one file replaced, in a copy."""
    name, text, replacement = fault
    original = next(path for path in sources if path.name == name)
    source = original.read_text()
    assert text in source, f"{name} has no {text!r} to break"
    faulty = folder / f"faulty_{name}"
    faulty.write_text(source.replace(text, replacement, 1))
    return [faulty if path == original else path for path in sources]


def run_bench(
    folder: Path,
    top: str,
    bench: str,
    parameters: Mapping[str, Any],
    config: Mapping[str, Any],
    fault: tuple[str, str, str] | None = None,
) -> bool:
    """Build `top` with these parameters and run the cocotb module `bench` on it with this config.

    fault  (file name, text, replacement) to put into the sources
    """
    kind = (int(config["unit"]["m"]), int(config["unit"].get("stride", 1)))
    # Python needs the ports alone; publishing all signals of a thousand adders takes minutes to compile.
    networks = write_networks(folder / "rtl", [kind])
    publish = folder / "publish.vlt"
    publish.write_text(f'`verilator_config\npublic_flat_rw -module "{top}" -var "*"\n')
    sources = [publish, *library_sources({top, "rvg_shift_add"}), *networks]
    if fault:
        sources = _with_fault(folder, sources, fault)
    build = folder / "build"
    verilator.build(
        sources, top, build, parameters=parameters, arguments=["-DREPVGG_HW_ASSERT"], optimize="-O0"
    )
    return verilator.run(
        build,
        top,
        bench,
        modules_path=sim_dir(),
        work=folder,
        environment={"WINOGRAD_CONFIG": json.dumps(config)},
    )
