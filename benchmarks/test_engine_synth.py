"""Whole engines through Yosys, for every family: what the plan says of them, whole and unit by unit.

Part of `make test-long`: an engine of nine multipliers takes a minute of processor time a family.
"""

from __future__ import annotations

import json
from pathlib import Path

import engine_designs
import pytest
from click.testing import CliRunner

from repvgg_hw.cli import main
from repvgg_hw.plan import device as devices
from repvgg_hw.plan.engine.array import Array

pytest.importorskip("pyosys", reason="pyosys is not installed: pip install repvgg-hw[synth]")

DEVICES = ("pynq-z2", "kv260", "ulx3s-85f")  # one of each family
SMALL = {
    "t_max": 8, "word_depth": 64, "line_depth": 8, "out_words": 16, "c_max": 16, "pool_w": 16, "acc_w": 24
}  # fmt: skip
ARRAYS = {"n3": Array(n=3, pi=1, po=1, lanes=1, **SMALL)}


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("name", ARRAYS)
def test_a_whole_engine(tmp_path: Path, name: str, device: str) -> None:
    engine_designs.write(tmp_path / "engine", array=ARRAYS[name])
    route = () if devices.get(device).part.nextpnr is None else ("--no-route",)
    words = ["-q", "synth", str(tmp_path / "engine"), "--device", device, *route, "--json"]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output
    (part,) = json.loads(done.output)["parts"]
    whole = part["synthesised"]
    assert whole["dsp"] == part["planned"]["dsp"]
    for resource, count in whole.items():
        assert count == sum(unit["synthesised"][resource] for unit in part["units"]), "every cell in one unit"
    for unit in part["units"]:
        assert unit["synthesised"]["dsp"] == unit["planned"]["dsp"], unit["name"]
