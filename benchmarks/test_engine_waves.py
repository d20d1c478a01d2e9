"""Waves of an engine, whole and of one layer, within a window; their simulator takes long to build."""

from __future__ import annotations

from pathlib import Path

import engine_designs
import numpy as np
import pytest
import waves_reader
from engine_cases import random_frame

from repvgg_hw.design import Design
from repvgg_hw.plan.engine.plan import EnginePlan
from repvgg_hw.targets import registry as targets
from repvgg_hw.targets.target import ProofOptions


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Design[EnginePlan]:
    return engine_designs.write(tmp_path_factory.mktemp("engine") / "design")


@pytest.mark.parametrize(("layer", "file"), [(None, "engine.fst"), ("stage1.0", "layers/stage1_0/layer.fst")])
def test_a_window_is_recorded(engine: Design[EnginePlan], layer: str | None, file: str) -> None:
    frames = np.stack([random_frame(engine_designs.NETWORK)])
    options = ProofOptions(layer=layer, waves=(10, 40))
    result = targets.get("verilog").prove(engine, frames, options)
    assert result.problems == ()
    assert any(file in note for note in result.notes)
    dump = Path(engine.directory) / "build" / file
    groups = waves_reader.check(dump, "bench.u_dut")
    assert list(groups)[:2] == ["clock and control", "streams"]
    assert any(path.endswith("arvalid") for path in groups["streams"])
    assert any(title.startswith("u_engine") for title in groups)
    assert 2 < len(waves_reader.times(dump)) <= 2 * 32 + 2
