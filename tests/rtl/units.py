"""Build one simulator with an instance per case of a unit, and run the unit's bench on all of them."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from repvgg_hw import __version__
from repvgg_hw.files import environment, sim_dir, templates_dir
from repvgg_hw.targets.verilog.emit import library_sources
from repvgg_hw.targets.verilog.simulator import verilator
from repvgg_hw.winograd.networks import rendered_modules

Cases = Mapping[str, Mapping[str, int | bool | str]]


def write_networks(folder: Path, kinds: Iterable[tuple[int, int]]) -> list[Path]:
    """Render the constant networks of these (m, stride) into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    env, written = environment(templates_dir() / "verilog"), []
    for name, template, context in rendered_modules(kinds):
        path = folder / name
        path.write_text(env.get_template(template).render(version=__version__, **context))
        written.append(path)
    return written


def check(folder: Path, module: str, cases: Cases) -> None:
    """Run sim/tb_<module>.py on every case; each case is a set of parameters.

    Raises AssertionError naming the cocotb tests that failed.
    """
    top = folder / "bench.sv"
    context: dict[str, Any] = {"module": module, "cases": cases, "clocked": module != "rvg_constant"}
    top.write_text(environment(sim_dir()).get_template("units.sv.j2").render(context))
    # Python needs the unit's own ports; publishing what is inside, too, makes a large unit slow to compile.
    publish = folder / "publish.vlt"
    names = "".join(f'public_flat_rw -module "{name}" -var "*"\n' for name in ("bench", module))
    publish.write_text(f"`verilator_config\n{names}")
    sources = [publish, *library_sources({module}), top]
    verilator.build(sources, "bench", folder / "build", arguments=["-Wno-PINMISSING"], optimize="-O0")
    passed = verilator.run(
        folder / "build",
        "bench",
        f"tb_{module}",
        modules_path=sim_dir(),
        work=folder,
        environment={"UNIT_CASES": json.dumps({name: dict(case) for name, case in cases.items()})},
    )
    results = folder / f"tb_{module}.xml"
    assert results.is_file(), (folder / f"tb_{module}.log").read_text()[-4000:]
    tests = ET.parse(results).findall(".//testcase")
    failed = {
        t.get("name"): f.get("message") for t in tests for f in (*t.findall("failure"), *t.findall("error"))
    }
    assert not failed, "\n".join(f"{name}: {message}" for name, message in failed.items())
    assert passed
    assert len(tests) >= len(cases)
