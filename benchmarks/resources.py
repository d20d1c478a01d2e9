"""How near the estimates of resources are to synthesis, and what they are fitted on.

    .venv/bin/python benchmarks/resources.py --measure    synthesise each case for each family (an hour)
    .venv/bin/python benchmarks/resources.py --fit        coefficients, from the cases of FIT
    .venv/bin/python benchmarks/resources.py --check      the table of docs/devices.md

The measured cells are in benchmarks/data/resources.json, each with a digest of the RTL that it is of. A case
whose RTL is the same still is not measured again; --jobs synthesises several at once. Needs pyosys 0.70.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import click

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.resource_cases import CHECK, FIT, Case, digests
from benchmarks.resource_fit import FITTED, errors, fit, measured
from repvgg_hw.plan.parts import FAMILIES
from repvgg_hw.plan.stream.resources import COEFFICIENTS, coefficients, library
from repvgg_hw.synth import netlist, yosys
from repvgg_hw.synth.family import FAMILIES as SYNTHESIS

DATA = Path(__file__).parent / "data" / "resources.json"


def synthesise(case: Case, family: str) -> dict[str, int]:
    """Cells of the case's whole design, made and counted as `repvgg-hw synth` does: memories apart."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        case.write(folder)
        top = next(path.stem for path in (folder / "rtl").glob("repvgg_*.sv"))
        files = (folder / "files.f").read_text().split()
        script = [
            yosys.reading(files, f"cells/{family}.v"),
            *netlist.of_design(SYNTHESIS[family], top, "design"),
        ]
        yosys.run(script, folder)
        counts = json.loads((folder / "design.stat.json").read_text())
        cells: dict[str, int] = counts["design"]["num_cells_by_type"]
    return cells


def load() -> dict[str, Any]:
    """What was measured: by "CASE FAMILY" the digest of its RTL, and the cells of each kind."""
    return json.loads(DATA.read_text()) if DATA.is_file() else {}


def current(data: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    """The cells of what was measured on the cases' RTL as it is."""
    return {
        key: data[key]["cells"]
        for case in (*FIT, *CHECK)
        for family, digest in digests(case).items()
        if (key := f"{case.name} {family}") in data and data[key]["digest"] == digest
    }


def timed(case: Case, family: str) -> tuple[dict[str, int], float]:
    """Cells, and the seconds that they took."""
    started = time.monotonic()
    return synthesise(case, family), time.monotonic() - started


def measure(families: list[str], jobs: int) -> None:
    """Every case that was not measured on its RTL as it is, so many at once; what is done is kept at once."""
    data = load()
    there = current(data)

    def size(case: Case) -> int:
        return 9 * case.pi * case.po * (1 if case.m is None else 3 * case.m)

    # quick ones first: what is there can be used at any time
    every = [(case, family) for case in sorted((*FIT, *CHECK), key=size) for family in families]
    missing = [(case, family) for case, family in every if f"{case.name} {family}" not in there]
    print(f"{len(every) - len(missing)} of {len(every)} are there", flush=True)
    with ProcessPoolExecutor(jobs) as pool:
        running = {pool.submit(timed, case, family): (case, family) for case, family in missing}
        try:
            for done in as_completed(running):
                case, family = running[done]
                cells, seconds = done.result()
                data[f"{case.name} {family}"] = {"digest": digests(case)[family], "cells": cells}
                DATA.parent.mkdir(exist_ok=True)
                DATA.write_text(json.dumps(data, indent=1, sort_keys=True) + "\n")
                print(f"{case.name} {family}: {seconds:.0f} s", flush=True)
        finally:
            pool.shutdown(cancel_futures=True)


def fit_all() -> None:
    """Write the coefficients that the estimates use, with the library's digest if every case is of it."""
    cells = current(load())
    families = {}
    for family in FAMILIES:
        rows = list(measured(FIT, family, cells))
        families[family] = {what: fit(rows, family, what) for what in FITTED}
    whole = len(cells) == len(FAMILIES) * len((*FIT, *CHECK))
    content = {"library": library() if whole else "", "families": families}
    COEFFICIENTS.write_text(json.dumps(content, indent=1) + "\n")


def check() -> None:
    """Print the table of errors: DSP and block RAM as counts that are not right, LUT and FF in percent."""
    cells = current(load())
    print(f"{len(cells)} of {len(FAMILIES) * len((*FIT, *CHECK))} syntheses are of the RTL as it is")
    print("| family | cases | DSP wrong | BRAM wrong | LUT: mean, worst | FF: mean, worst |")
    print("|---|---|---|---|---|---|")
    for family in FAMILIES:
        for title, cases in (("fitted", FIT), ("not fitted", CHECK)):
            rows = list(measured(cases, family, cells))
            wrong = [
                sum(getattr(r.estimated, what) != getattr(r.counted, what) for r in rows)
                for what in ("dsp", "bram")
            ]
            if not rows:
                continue
            columns = []
            for what in FITTED:
                found = errors(rows, what)
                worst = max(range(len(found)), key=lambda i: abs(found[i]))
                mean = sum(map(abs, found)) / len(found)
                columns.append(f"{mean:.1%}, {found[worst]:+.1%} ({rows[worst].case.name})")
            print(f"| {family}, {title} | {len(rows)} | {wrong[0]} | {wrong[1]} | {' | '.join(columns)} |")


@click.command()
@click.option("--measure", "measuring", is_flag=True, help="Synthesise.")
@click.option("--fit", "fitting", is_flag=True, help="Write coefficients.")
@click.option("--check", "checking", is_flag=True, help="Compare.")
@click.option("--family", multiple=True, type=click.Choice(list(FAMILIES)), help="Measure only these.")
@click.option("--jobs", type=click.IntRange(1), default=1, show_default=True, help="Syntheses at once.")
def main(measuring: bool, fitting: bool, checking: bool, family: tuple[str, ...], jobs: int) -> None:
    """Measure, fit, check."""
    if measuring:
        os.nice(5)
        measure(list(family or FAMILIES), jobs)
    if fitting:
        fit_all()
        coefficients.cache_clear()
    if checking:
        check()


if __name__ == "__main__":
    main()
