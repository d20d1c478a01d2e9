"""Netlists of units, by Yosys, under the units' own benches: what is synthesised is what was proven."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from units import Parameters, Trials, faulty_sources, judge, simulate, unit_sources

from repvgg_hw import __version__
from repvgg_hw.files import environment, sim_dir
from repvgg_hw.synth import levels
from repvgg_hw.synth.family import Family
from repvgg_hw.synth.netlist import included, memories, models, multipliers, ports, write_netlist
from repvgg_hw.targets.verilog.emit import library

CELLS = "cells"  # as the module of a fault: it is in what multipliers are made of
LEVELS = {"xc7": 6, "xcup": 6}  # family -> LUTs between registers, at most, in any unit
# Units that take more. A shift is a constant in a layer's network, and at pins here; in an engine it is none.
# An engine's sets of weights pass through a chain of handshakes without a register: docs/engine.md.
ALONE = {"rvg_requant_relu": 9, "rvg_engine_output": 9, "rvg_engine_weights": 8}


def some(trials: Trials, cases: Iterable[str], faults: Iterable[str]) -> Trials:
    """These cases and faults of a unit's."""
    return Trials(
        {name: trials.cases[name] for name in cases}, {name: trials.faults[name] for name in faults}
    )


def check_netlists(folder: Path, families: Sequence[Family], units: Mapping[str, Trials]) -> None:
    """Synthesise every case and every fault of the units for the families; run the units' benches on them.

    families  whose cells have different names, or the same models: they are simulated together
    Raises AssertionError as units.judge: what a unit's bench finds in RTL, it must find in the netlist.
    """
    instances: list[tuple[str, str, Parameters]] = []
    written: list[Path] = []
    tried: dict[str, Trials] = {}
    for module, unit in units.items():
        cases, faults = {}, {}
        for family in families:
            for case, name, parameters in unit.instances(module):
                label = f"{case}_{family.name}"
                netlist = f"net_{module}_{label}"
                written.append(_netlist(folder, family, module, unit, case, name, parameters, netlist))
                instances.append((f"{module}_{label}", netlist, {}))
                if case in unit.faults:
                    fault = unit.faults[case]
                    faults[label] = replace(fault, case=f"{fault.case}_{family.name}", promise="")
                else:
                    cases[label] = parameters
                    check_structure(written[-1], family, ALONE.get(module, 0))
        tried[module] = Trials(cases, faults)
    of_cells = [_copied(folder, path) for path in dict.fromkeys(p for f in families for p in models(f))]
    sources = [*of_cells, *_memories(folder, written), *written]
    # A netlist is flat: with every net of it public, Verilator could simplify nothing.
    seen = {one.stem: ports(one.with_suffix(".ports.json"), one.stem) for one in written}
    run = simulate(folder, tried, instances, sources, arguments=["-Wno-lint"], ports=seen, netlists=True)
    judge(tried, *run)


def check_structure(netlist: Path, family: Family, alone: int = 0) -> None:
    """Every multiplier has its registers, and no path between registers is too deep for the family.

    alone  LUTs that the unit may have in a row where that is more than the family's number
    """
    found = levels.structure(levels.read(netlist.with_suffix(".json")))
    assert found.registered_multipliers == found.multipliers, f"{netlist.stem}: {found}"
    most = max(alone, LEVELS.get(family.name, found.longest.levels))
    assert found.longest.levels <= most, f"{netlist.stem}: {found}"


def _copied(folder: Path, model: Path) -> Path:
    """A model of cells, with what it includes in its place."""
    path = folder / f"cells_{model.stem}.sv"
    path.write_text(included(model))
    return path


def _memories(folder: Path, netlists: Sequence[Path]) -> list[Path]:
    """RTL of the netlists' memories: the library's, or its copy in a unit with a fault, and their names."""
    found = {one.name: one for path in netlists for one in memories(path.with_suffix(".memories.json"))}
    template = environment(sim_dir()).get_template("netlist_memories.sv.j2")
    named = folder / "netlist_memories.sv"
    named.write_text(template.render(memories=list(found.values()), version=__version__))
    files = {path.stem: path for path in folder.rglob("*.sv")} | library()
    return [*(files[module] for module in sorted({one.module for one in found.values()})), named]


def _netlist(
    folder: Path,
    family: Family,
    module: str,
    unit: Trials,
    case: str,
    name: str,
    parameters: Parameters,
    netlist: str,
) -> Path:
    """The netlist of one case or fault."""
    place = folder / f"{module}_{family.name}"
    sources, cells = unit_sources(place, module, unit.cases.values()), multipliers(family)
    fault = unit.faults.get(case)
    if fault is not None and fault.module == CELLS:
        text, cells, name = cells.read_text(), place / f"{case}.v", module
        assert text.count(fault.old) == 1, f"{case}: the fault no longer fits the cells of {family.name}"
        place.mkdir(exist_ok=True, parents=True)
        cells.write_text(text.replace(fault.old, fault.new))
    elif fault is not None:
        # beside the sound library, of which the cells' file makes what a family has no cell for
        sources = [*sources, *faulty_sources(place, sources, f"_{module}_{case}", module, fault)]
        name = f"{module}__{name}"
    values = {key: int(value) for key, value in parameters.items()}
    return write_netlist(folder, family, sources, name, values, netlist, cells=cells)
