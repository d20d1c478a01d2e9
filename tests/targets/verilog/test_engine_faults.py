"""A whole engine and what may go wrong around it: bus, image, program, driver, reset; in one simulator."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from engine_cases import network_of
from engine_faults import SIZE, differences, set_up

from repvgg_hw.design import Design
from repvgg_hw.files import sim_dir
from repvgg_hw.plan.engine import schedule
from repvgg_hw.plan.engine.array import Array
from repvgg_hw.plan.engine.plan import EnginePlan
from repvgg_hw.plan.request import parse
from repvgg_hw.targets import generate
from repvgg_hw.targets.verilog.engine import run as engine_run
from repvgg_hw.targets.verilog.engine.job import Job
from repvgg_hw.targets.verilog.simulator import verilator
from repvgg_hw.targets.verilog.simulator.promises import ASSERTIONS

NETWORK = network_of([(5, 2, 1), (4, 1, 1), (6, 1, 2)], (3, 11, 8), classes=10)
ARRAY = Array(
    n=5, pi=2, po=2, lanes=1, t_max=6, word_depth=32, line_depth=4, out_words=16, c_max=16, acc_w=24
)
TESTS = re.findall(r"^@board\nasync def (\w+)", (sim_dir() / "tb_engine_faults.py").read_text(), re.MULTILINE)


def emitted(folder: Path) -> Design[EnginePlan]:
    request = parse("verilog", multipliers=ARRAY.multipliers, architecture="engine")
    plan = EnginePlan(schedule.plan(NETWORK, ARRAY), request.clock_mhz)
    design = Design(folder, request, NETWORK, plan, {})
    generate.write(design)
    return design


def found(design: Design[EnginePlan]) -> dict[str, str]:
    """Build and run the bench of faults on a design: test -> what went wrong, empty where nothing did."""
    folder, work = design.directory.resolve(), design.directory.resolve() / "faults"
    work.mkdir()
    setup = set_up(Job.of(design.plan.schedule), work)
    (work / "writes.bin").touch()
    (work / "sums.bin").touch()
    verilator.build(
        [sim_dir() / "engine_faults.vlt", *engine_run.sources(folder)], "bench", work / "sim",
        parameters={"SIZE": SIZE}, arguments=ASSERTIONS, optimize="-O0",
    )  # fmt: skip
    plusargs = [f"+data={work}", f"+log={work / 'check.log'}", "+sums=0"]
    plusargs += [f"+dram_load0={work / 'memory.bin'}", f"+dram_dump={work / 'dump.bin'}"]
    files = {"REPVGG_HW_FAULTS": "faults.json", "REPVGG_HW_COMPARE": "compare.json"}
    verilator.run(
        work / "sim", "bench", "tb_engine_faults", modules_path=sim_dir(), work=work, plusargs=plusargs,
        environment={name: str(work / file) for name, file in files.items()}, results=work / "results.xml",
        log=work / "run.log",
    )  # fmt: skip
    log = (work / "run.log").read_text()
    said = re.findall(r"^(?:dram_model: |broken promise in |rvg_\w+: ).*$", log, re.MULTILINE)
    results = {}
    if (work / "results.xml").is_file():
        for case in ET.parse(work / "results.xml").iter("testcase"):
            failure = case.find("failure")
            error = failure if failure is not None else case.find("error")
            text = "" if error is None else (error.get("error_msg") or error.get("message") or "failed")
            results[case.get("name", "").split(".")[-1]] = text
    if (work / "dump.bin").is_file():
        wrong = differences(setup, work)
        results = {test: text or wrong.get(test, "") for test, text in results.items()}
    return {test: results.get(test, said[0] if said else f"not run: {log[-1000:]}") for test in TESTS}


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return found(emitted(tmp_path_factory.mktemp("faults") / "design"))


@pytest.mark.parametrize("test", TESTS)
def test_ends_cleanly(outcome: dict[str, str], test: str) -> None:
    assert outcome[test] == ""
