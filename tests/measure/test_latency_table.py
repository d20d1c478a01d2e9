"""benchmarks/gpu_table.py without a GPU: its ratios, and that it never invents a figure."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

from repvgg_hw.measure.latency.limits import Machine
from repvgg_hw.measure.latency.measurement import Timing
from repvgg_hw.measure.latency.rows import Row

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "gpu_table.py"


@pytest.fixture(scope="module")
def table() -> ModuleType:
    spec = importlib.util.spec_from_file_location("gpu_table", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["gpu_table"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def row(
    model: str, form: str, precision: str, seconds: float, batch: int = 128, runtime: str = "eager"
) -> Row:
    timing = Timing(seconds, seconds, seconds, 10)
    return Row(model, form, precision, runtime, batch, timing, 1, 1, None, 1.0, None)


def test_ratios_take_each_side_at_its_best(table: ModuleType) -> None:
    rows = [
        row("A0", "training", "fp16", 0.020),
        row("A0", "training", "fp16", 0.016, runtime=table.COMPILED),
        row("A0", "fused", "fp16", 0.008),
        row("A0", "fused", "fp32", 0.001),  # another precision, never compared
        row("resnet18", "baseline", "fp16", 0.012),
        row("A0", "training", "fp32", 0.005, batch=1),
        row("A0", "training", "fp32", 0.001, batch=1, runtime=table.GRAPH),  # the reference is eager
        row("A0", "fused", "fp32", 0.002, batch=1),
        row("A0", "fused", "fp16", 0.0005, batch=1, runtime=table.COMPILED_GRAPH),
        row("B1", "fused", "bf16", 0.0, runtime="eager"),  # the reference is compiled
        row("B1", "fused", "bf16", 0.030, runtime=table.COMPILED),
        row("B1", "integer", "int8", 0.020, runtime="graph"),
    ]
    found = {c.name.split(",")[0]: c for c in table.criteria(rows, 128)}
    assert found["A0 fused over training form"].measured == pytest.approx(2)
    assert found["A0 fused over training form"].holds
    assert found["A0 fused over resnet18"].measured == pytest.approx(1.5)
    assert found["A1 fused over resnet34"].measured is None
    assert not found["A1 fused over resnet34"].holds
    assert found["A0 batch 1: best fused float row over eager fp32 training form"].measured == pytest.approx(
        10
    )
    assert found["B1 int8 Triton over fused bf16 compiled"].measured == pytest.approx(1.5)
    assert found["A0 int8 Triton over fused bf16 compiled"].measured is None


def test_every_criterion_can_be_measured(table: ModuleType) -> None:
    """The requested rows, had they all been measured, leave no criterion open."""
    rows = []
    for request in table.requests(224, 128, 0.5):
        batch = request.batches[0]
        models = [architecture.name for architecture in request.models]
        for form in request.forms:
            precisions = ("int8",) if form == "integer" else request.precisions
            rows += [
                row(m, form, p, 1.0, batch, r) for m in models for p in precisions for r in request.runtimes
            ]
        rows += [
            row(b, "baseline", p, 1.0, batch, r)
            for b in request.baselines for p in request.precisions for r in request.runtimes
        ]  # fmt: skip
    assert all(criterion.measured == 1 for criterion in table.criteria(rows, 128))


def test_nothing_measured_is_said(
    table: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [
        "--device",
        "cpu",
        "--input-size",
        "32",
        "--batch",
        "2",
        "--budget",
        "0",
        "--output",
        str(tmp_path),
    ]
    monkeypatch.setattr(sys, "argv", ["gpu_table.py", *arguments])
    monkeypatch.setattr("repvgg_hw.measure.latency.survey.measure_machine", lambda *_: Machine(bandwidth=1e9))
    assert table.main() == 1
    text = (tmp_path / "gpu_table.md").read_text()
    assert "| A0 fused over training form, fp16, batch 2 | 1.8 | not measured | - |" in text
    assert "| int8 logits equal to golden's | every image | not measured | - |" in text
    content = json.loads((tmp_path / "gpu_table.json").read_text())
    assert all(c["measured"] is None and not c["holds"] for c in content["criteria"])
    assert content["rows"] == []
    assert any("time budget was spent" in note for note in content["not_measured"])
    assert "not measured" in capsys.readouterr().out


def test_unequal_logits_are_counted(table: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison is per image, and one wrong logit makes the image wrong."""
    golden = table.golden

    def wrong(x: object, network: object, device: str) -> object:
        logits = golden.forward(x, network)
        logits[1, 7] += 1
        return logits

    monkeypatch.setattr(table.gpu, "logits", wrong)
    result = table.compare_logits("A0", 32, 3, "cpu")
    assert (result.images, result.equal) == (3, 2)
    text = table.markdown(_survey(), [], [result])
    assert "| 3 | 2 | no |" in text


def _survey() -> object:
    from repvgg_hw.measure.latency.rows import Survey

    return Survey({"device": "d", "packages": {}}, 1.0, {}, (3, 32, 32), ())
