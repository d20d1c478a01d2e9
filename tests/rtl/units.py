"""Build one simulator with an instance per case of a unit, and run the unit's bench on all of them.

Faults are instances, too: of a copy of the unit in which one text is replaced. So one simulator shows that
the unit passes its bench, and that the bench can fail.
"""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from repvgg_hw import __version__
from repvgg_hw.files import environment, sim_dir, templates_dir
from repvgg_hw.targets.verilog.emit import PACKAGE, library_sources
from repvgg_hw.targets.verilog.simulator import verilator
from repvgg_hw.targets.verilog.simulator.promises import ASSERTIONS
from repvgg_hw.winograd.networks import rendered_modules

Parameters = Mapping[str, int | bool | str]
Cases = Mapping[str, Parameters]
GO_ON = "+verilator+error+limit+1000000000"  # after a broken promise: the bench is to find the fault itself


@dataclass(frozen=True)
class Fault:
    """One replacement in the text of the unit, or of a module that it is made of, at a case's parameters.

    promise  what the library's own assertion says, where one finds the fault, too
    silent   the bench cannot see it: only the promise does
    stalls   the pattern under which it shows
    """

    case: str
    old: str
    new: str
    promise: str = ""
    module: str = ""
    silent: bool = False
    stalls: str = "both"


def write_networks(folder: Path, kinds: Iterable[tuple[int, int]]) -> list[Path]:
    """Render the constant networks of these (m, stride) into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    env, written = environment(templates_dir() / "verilog"), []
    for name, template, context in rendered_modules(kinds):
        path = folder / name
        path.write_text(env.get_template(template).render(version=__version__, **context))
        written.append(path)
    return written


def unit_sources(folder: Path, module: str, cases: Iterable[Parameters]) -> list[Path]:
    """The library's files, and the constant networks where the cases have tiles."""
    kinds = sorted(
        {(int(case["M"]), int(case["STRIDE"])) for case in cases if "M" in case and "STRIDE" in case}
    )
    if not kinds:
        return library_sources({module})
    return [*library_sources({module, "rvg_shift_add"}), *write_networks(folder / "networks", kinds)]


def faulty_sources(folder: Path, sources: list[Path], name: str, module: str, fault: Fault) -> list[Path]:
    """Copies of all sources; every module's name ends in that of the fault, and one text is replaced."""
    copied = [path for path in sources if path.stem != PACKAGE]
    modules = re.compile(rf"\b({'|'.join(path.stem for path in copied)})\b")
    (folder / name).mkdir(parents=True)
    paths = []
    for path in copied:
        text = path.read_text()
        if path.stem == (fault.module or module):
            generated = "networks" in path.parts  # with many like nodes: the first
            assert text.count(fault.old) == 1 or generated, f"{name}: the fault no longer fits {path.name}"
            text = text.replace(fault.old, fault.new, 1)
        paths.append(folder / name / f"{path.stem}_{name}.sv")
        paths[-1].write_text(modules.sub(rf"\1_{name}", text))
    return paths


def check(folder: Path, module: str, cases: Cases, faults: Mapping[str, Fault] | None = None) -> None:
    """Run sim/tb_<module>.py on every case, and on every fault.

    Raises AssertionError naming the cocotb tests that failed, the faults that passed, and the promises that
    were broken without a fault or kept with one.
    """
    faults = faults or {}
    sources = unit_sources(folder, module, cases.values())
    instances = {name: (module, dict(case)) for name, case in cases.items()}
    faulty: list[Path] = []
    for name, fault in faults.items():
        faulty += faulty_sources(folder, sources, name, module, fault)
        instances[name] = (f"{module}_{name}", dict(cases[fault.case]))
    log = _run(folder, module, [*sources, *faulty], instances, faults)
    failed = _failures(folder / f"tb_{module}.xml", log)
    assert failed.keys() == instances.keys(), log[-4000:]
    wrong = [message for case in cases for message in failed[case]]
    wrong += [f"{name}: passes the bench" for name, f in faults.items() if not failed[name] and not f.silent]
    broken = set(re.findall(r"^(?:broken promise in \S*: )?(rvg_\w+: .*)$", log, re.MULTILINE))
    for name, fault in faults.items():
        said = {text for text in broken if text.split(":")[0].endswith(f"_{name}")}
        broken -= said
        if fault.promise and not any(fault.promise in text for text in said):
            wrong.append(f"{name}: no assertion says {fault.promise!r}, but {said}")
    wrong += [f"without a fault: {text}" for text in broken]
    assert not wrong, "\n".join(wrong)


def _failures(results: Path, log: str) -> dict[str, list[str]]:
    """Case -> the messages of its tests that failed, none where all passed."""
    assert results.is_file(), log[-4000:]
    failed: dict[str, list[str]] = {}
    for test in ET.parse(results).findall(".//testcase"):
        name = test.get("name", "")
        bad = [f"{name}: {one.get('message')}" for one in test if one.tag in ("failure", "error")]
        failed.setdefault(name.rpartition("=")[2].partition("__")[0], []).extend(bad)
    return failed


def _run(
    folder: Path,
    module: str,
    sources: list[Path],
    instances: Mapping[str, tuple[str, Mapping[str, Any]]],
    faults: Mapping[str, Fault],
) -> str:
    """Build and run the bench; what the simulator printed."""
    top = folder / "bench.sv"
    context: dict[str, Any] = {"instances": instances, "clocked": module != "rvg_constant"}
    top.write_text(environment(sim_dir()).get_template("units.sv.j2").render(context))
    # Python needs the unit's own ports; publishing what is inside, too, makes a large unit slow to compile.
    publish = folder / "publish.vlt"
    names = ["bench", *dict.fromkeys(name for name, _ in instances.values())]
    publish.write_text(
        "`verilator_config\n" + "".join(f'public_flat_rw -module "{name}" -var "*"\n' for name in names)
    )
    checks = [sim_dir() / "rvg_assert.sv", sim_dir() / "rvg_assert_stream.sv"]
    verilator.build(
        [publish, *sources, *checks, top],
        "bench",
        folder / "build",
        arguments=["-Wno-PINMISSING", *ASSERTIONS],
        optimize="-O0",
    )
    verilator.run(
        folder / "build",
        "bench",
        f"tb_{module}",
        modules_path=sim_dir(),
        work=folder,
        plusargs=[GO_ON] if faults else [],
        environment={
            "UNIT_CASES": json.dumps({name: case for name, (_, case) in instances.items()}),
            "UNIT_FAULTY": json.dumps({name: fault.stalls for name, fault in faults.items()}),
        },
    )
    return (folder / f"tb_{module}.log").read_text(errors="replace")
