"""Build one simulator with an instance per case of one or several units, and run the units' benches on them.

Faults are instances, too: of a copy of the unit in which one text is replaced. So one simulator shows that
the unit passes its bench, and that the bench can fail.
"""

from __future__ import annotations

import json
import os
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from repvgg_hw import __version__
from repvgg_hw.files import environment, sim_dir, templates_dir
from repvgg_hw.targets.verilog.emit import is_package, library_sources
from repvgg_hw.targets.verilog.engine.networks import rendered_modules as engine_modules
from repvgg_hw.targets.verilog.simulator import verilator
from repvgg_hw.targets.verilog.simulator.promises import ASSERTIONS
from repvgg_hw.winograd.networks import rendered_modules

Parameters = Mapping[str, int | bool | str]
Cases = Mapping[str, Parameters]
MOST = 3  # faults of a unit in `make test`
# Patterns of stalls (sim/streams.py) in `make test`: none, and both sides at once.
PATTERNS = ("flowing", "both")
EVERY_PATTERN = ("flowing", "idle", "backpressure", "both")
INSIDE = {"rvg_linear": ("acc_valid", "biased_valid_q")}  # unit -> what its bench reads beside its ports
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


def write_engine_networks(folder: Path, n: int) -> list[Path]:
    """Render the constant networks of an engine of n x n positions into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    env, written = environment(templates_dir() / "verilog"), []
    for name, template, context in engine_modules(n):
        path = folder / name
        path.write_text(env.get_template(template).render(version=__version__, **context))
        written.append(path)
    return written


def unit_sources(folder: Path, module: str, cases: Iterable[Parameters]) -> list[Path]:
    """The library's files, and the constant networks where the cases have tiles or are of an engine's N."""
    if module.startswith("rvg_engine"):
        return engine_sources(folder, module, cases)
    kinds = sorted(
        {(int(case["M"]), int(case["STRIDE"])) for case in cases if "M" in case and "STRIDE" in case}
    )
    if not kinds:
        return library_sources({module})
    networks = write_networks(folder / "networks", kinds)
    return [*library_sources({module, "rvg_shift_add"}), *networks]


def engine_sources(folder: Path, module: str, cases: Iterable[Parameters]) -> list[Path]:
    """The library's files, and the networks of the cases' N, which is one: their names do not tell it."""
    library = library_sources({module})
    network = re.compile(r"^ *rvg_engine_\w+_network #", re.MULTILINE)
    if not any(network.search(path.read_text()) for path in library):
        return library
    (n,) = {int(case["N"]) for case in cases}
    return [*library_sources({module, "rvg_shift_add"}), *write_engine_networks(folder / "networks", n)]


def faulty_sources(folder: Path, sources: list[Path], name: str, module: str, fault: Fault) -> list[Path]:
    """Copies of all sources; every module's name ends in that of the fault, and one text is replaced."""
    copied = [path for path in sources if not is_package(path.stem)]
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


def tried_source(folder: Path, source: Path) -> Path:
    """A copy of a unit under a name of its own, which other units, made of it, do not instantiate.

    Python may write whatever of a module it sees, so a clock that it sees inside is a clock of its own for
    Verilator: of what lies inside a unit that is tried it sees nothing.
    """
    folder.mkdir(exist_ok=True)
    copy = folder / f"{tried_name(source.stem)}.sv"
    text, found = re.subn(rf"^module {source.stem}\b", f"module {copy.stem}", source.read_text(), flags=re.M)
    assert found == 1, source
    copy.write_text(text)
    return copy


def tried_name(module: str) -> str:
    """Of the copy of a unit that is tried."""
    return f"{module}_tried"


def port_names(source: Path) -> list[str]:
    """Names of the ports of a module of the library: one on each line."""
    port = r"^ *(?:input|output)\s+(?:wire\s+)?[\w:]+\s*(?:\[.*\]\s*)?\b(\w+)"
    return re.findall(port, source.read_text(), re.M)


@dataclass(frozen=True)
class Trials:
    """What a unit is tried with."""

    cases: Cases
    faults: Mapping[str, Fault] = field(default_factory=dict)

    def instances(self, module: str) -> Iterator[tuple[str, str, Parameters]]:
        """(case, module, parameters), with those that have a fault."""
        for name, case in self.cases.items():
            yield name, module, case
        for name, fault in self.faults.items():
            yield name, f"{module}_{name}", self.cases[fault.case]


def check(folder: Path, module: str, cases: Cases, faults: Mapping[str, Fault] | None = None) -> None:
    """Run sim/tb_<module>.py on every case, and on every fault; raises as check_all."""
    check_all(folder, {module: Trials(cases, faults or {})})


def check_all(folder: Path, units: Mapping[str, Trials]) -> None:
    """Run the benches of several units, in one simulator.

    Raises as `judge`.
    """
    tried = {module: some_faults(unit) for module, unit in units.items()}
    judge(tried, *_run(folder, tried))


def thorough() -> bool:
    """Whether every fault and every pattern of stalls is tried: FAULTS=all, as in test-long."""
    return os.environ.get("FAULTS") == "all"


def some_faults(unit: Trials) -> Trials:
    """Of a unit with many faults MOST, spread over all; every one in test-long."""
    if thorough() or len(unit.faults) <= MOST:
        return unit
    step = -(-len(unit.faults) // MOST)
    return Trials(unit.cases, dict(list(unit.faults.items())[::step]))


def judge(units: Mapping[str, Trials], failed: Mapping[str, list[str]], log: str) -> None:
    """Hold what a run of benches found against what it had to find: see `simulate` for what it found.

    Raises AssertionError naming the cocotb tests that failed, the faults that passed, and the promises that
    were broken without a fault or kept with one.
    """
    broken = set(re.findall(r"^(?:broken promise in \S*: )?(rvg_\w+: .*)$", log, re.MULTILINE))
    wrong = []
    for module, unit in units.items():
        assert failed.keys() >= {f"{module}_{case}" for case, *_ in unit.instances(module)}, log[-4000:]
        wrong += [message for case in unit.cases for message in failed[f"{module}_{case}"]]
        for name, fault in unit.faults.items():
            label = f"{module}_{name}"
            if not failed[label] and not fault.silent:
                wrong.append(f"{label}: passes the bench")
            said = {text for text in broken if text.split(":")[0].endswith(f"__{label}")}
            broken -= said
            if fault.promise and not any(fault.promise in text for text in said):
                wrong.append(f"{label}: no assertion says {fault.promise!r}, but {said}")
    wrong += [f"without a fault: {text}" for text in broken]
    assert not wrong, "\n".join(wrong)


def _run(folder: Path, units: Mapping[str, Trials]) -> tuple[dict[str, list[str]], str]:
    """Build and run the units as they are written, with their promises; returns as `simulate`."""
    sources: dict[str, Path] = {}
    faulty: list[Path] = []
    tried: list[Path] = []
    for module, unit in units.items():
        of_unit = unit_sources(folder, module, unit.cases.values())
        sources |= {path.name: path for path in of_unit}
        tried.append(tried_source(folder / "tried", sources[f"{module}.sv"]))
        for name, fault in unit.faults.items():
            faulty += faulty_sources(folder, of_unit, f"_{module}_{name}", module, fault)
    instances: list[tuple[str, str, Parameters]] = []
    seen: dict[str, Sequence[str]] = {}
    for module, unit in units.items():
        ports = [*port_names(sources[f"{module}.sv"]), *INSIDE.get(module, ())]
        for case, name, parameters in unit.instances(module):
            copy = tried_name(module) if name == module else f"{module}__{name}"
            instances.append((f"{module}_{case}", copy, parameters))
            seen[copy] = ports
    package = [path for path in sources.values() if is_package(path.stem)]
    others = [path for path in sources.values() if not is_package(path.stem)]
    checks = [sim_dir() / "rvg_assert.sv", sim_dir() / "rvg_assert_stream.sv"]
    every = [*package, *others, *tried, *faulty, *checks]
    return simulate(folder, units, instances, every, go_on=bool(faulty), ports=seen)


def simulate(
    folder: Path,
    units: Mapping[str, Trials],
    instances: Sequence[tuple[str, str, Parameters]],
    sources: Sequence[Path],
    *,
    go_on: bool = False,
    arguments: Sequence[str] = (),
    plusargs: Sequence[str] = (),
    ports: Mapping[str, Iterable[str]] | None = None,
    netlists: bool = False,
) -> tuple[dict[str, list[str]], str]:
    """Build one simulator of these instances, (UNIT_CASE, module, parameters), and run the units' benches.

    Returns by unit and case the messages of tests that failed, and what the simulator printed.
    go_on: after a broken promise; arguments: of Verilator; plusargs: of the simulation
    ports: module -> its ports, where Python needs no more of it; else all of a unit's own names are seen
    netlists: the modules are, so benches look at nothing inside
    """
    top, publish = folder / "bench.sv", folder / "publish.vlt"
    top.write_text(environment(sim_dir()).get_template("units.sv.j2").render(instances=instances))
    # Python needs the units' own ports; publishing what is inside, too, makes a large unit slow to compile.
    names = ["bench", *dict.fromkeys(name for _, name, _ in instances)]
    seen = [(name, one) for name in names for one in (ports or {}).get(name, ("*",))]
    publish.write_text(
        "`verilator_config\n" + "".join(f'public_flat_rw -module "{m}" -var "{v}"\n' for m, v in seen)
    )
    build, log, results = folder / "build", folder / "bench.log", folder / "bench.xml"
    verilator.build(
        [publish, *sources, top],
        "bench",
        build,
        arguments=["-Wno-PINMISSING", *ASSERTIONS, *arguments],
        optimize="-O0",
    )
    cases = {
        module: {case: dict(p) for case, _, p in unit.instances(module)} for module, unit in units.items()
    }
    stalls = {f"{m}_{name}": fault.stalls for m, unit in units.items() for name, fault in unit.faults.items()}
    verilator.run(
        build,
        "bench",
        ",".join(f"tb_{module}" for module in units),
        modules_path=sim_dir(),
        work=folder,
        plusargs=[*([GO_ON] if go_on else []), *plusargs],
        environment={
            "UNIT_CASES": json.dumps(cases),
            "UNIT_FAULTY": json.dumps(stalls),
            "UNIT_PATTERNS": json.dumps(EVERY_PATTERN if thorough() else PATTERNS),
            "UNIT_INSTANCES": json.dumps([name for name, *_ in instances]),
            **({"UNIT_NETLISTS": "1"} if netlists else {}),
        },
        results=results,
        log=log,
    )
    printed = log.read_text(errors="replace")
    assert results.is_file(), printed[-4000:]
    failed: dict[str, list[str]] = {}
    for test in ET.parse(results).findall(".//testcase"):
        label = test.get("name", "")
        bad = [f"{label}: {one.get('message')}" for one in test if one.tag in ("failure", "error")]
        failed.setdefault(label.rpartition("=")[2].partition("__")[0], []).extend(bad)
    return failed, printed
