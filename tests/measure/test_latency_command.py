"""`repvgg-hw latency`: a design beside the network, what it writes, and what it refuses."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from click.testing import CliRunner, Result

from repvgg_hw import design as designs
from repvgg_hw.cli import main
from repvgg_hw.design import results
from repvgg_hw.errors import InputError
from repvgg_hw.measure.latency import accelerator, limits
from repvgg_hw.model.variants import get_variant


@pytest.fixture(autouse=True)
def _a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine's own rates are measured on little, and in no time."""
    monkeypatch.setattr(limits, "SECONDS", 0.01)
    monkeypatch.setitem(limits.SIZES, "cpu", (64, 1 << 20))


@pytest.fixture
def design_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose design.json is taken as read: a plan with the fields that the row needs."""
    plan = SimpleNamespace(
        name="net", in_shape=(3, 32, 32), clock_mhz=100.0, frame_interval=2000, macs=5000,
        multipliers=30, requant_multipliers=2, output=SimpleNamespace(frame_bits=320),
    )  # fmt: skip
    network = SimpleNamespace(num_classes=10, convs=[SimpleNamespace(in_bits=8)])
    design = SimpleNamespace(plan=plan, network=network)
    monkeypatch.setattr(designs, "load", lambda directory: design)
    for name, text in (("files.json", '["design.json"]'), ("design.json", "{}")):
        (tmp_path / name).write_text(text)
    return tmp_path


def simulation(**fields: Any) -> results.SimulationResult:
    result = results.SimulationResult(
        target="verilog", mode="network", images=2, bit_exact=2, stalls=0, layers=(), problems=(),
        planned_interval=2000, frame_interval=2100, latency_cycles=9000,
    )  # fmt: skip
    return replace(result, **fields)


def test_design_without_simulation_shows_the_plan(design_folder: Path) -> None:
    row = accelerator.accelerator_row(design_folder)
    assert (row.frame_interval, row.latency_cycles, row.status) == (2000, None, "planned")
    assert (row.multipliers, row.bytes) == (32, 3 * 32 * 32 + 40)


def test_design_with_simulation_shows_simulated_cycles(design_folder: Path) -> None:
    results.save(simulation(), design_folder)
    row = accelerator.accelerator_row(design_folder)
    assert (row.frame_interval, row.latency_cycles, row.status) == (2100, 9000, "simulated")
    results.save(simulation(images=1, frame_interval=None), design_folder)
    row = accelerator.accelerator_row(design_folder)
    assert (row.frame_interval, row.latency_cycles) == (2000, 9000)


def test_command_takes_size_and_classes_from_the_design(
    design_folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """And says so where the design's network is another than the model."""
    result = run(
        "--device", "cpu", "--design", str(design_folder), "--batch", "1", "--seconds", "0.01",
        "--form", "fused", "--runtime", "eager", "--baseline", "none", "--json",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "they are not the same network" in caplog.text
    data = json.loads(result.stdout)
    assert data["input"] == [3, 32, 32]
    assert data["rows"][0]["macs"] == get_variant("A0", num_classes=10).macs(32, 32)
    assert data["accelerator"]["images_per_second"] == 100e6 / 2000


def test_cycles_of_a_failed_simulation_do_not_count(design_folder: Path) -> None:
    results.save(simulation(bit_exact=1, problems=("stage0: wrong",)), design_folder)
    row = accelerator.accelerator_row(design_folder)
    assert (row.frame_interval, row.latency_cycles, row.status) == (2000, None, "simulation failed")


@pytest.mark.parametrize("text", ["{", "[1]", '{"frame_interval": 7}'])
def test_damaged_results_are_named(design_folder: Path, text: str) -> None:
    (design_folder / "results.json").write_text(text)
    with pytest.raises(InputError, match=r"results\.json"):
        accelerator.accelerator_row(design_folder)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["latency", *arguments])


def test_command_without_a_gpu(tmp_path: Path) -> None:
    """A0 at 32 px on the CPU: rows, the two limits, files, and what was not measured, by name."""
    files = [tmp_path / name for name in ("l.md", "l.svg")]
    arguments = (
        "--device", "cpu", "--input-size", "32", "--batch", "1", "--seconds", "0.01", "--baseline", "none",
        "--runtime", "eager,channels_last+graph", "--precision", "fp32,tf32",
        "--markdown", str(files[0]), "--plot", str(files[1]),
    )  # fmt: skip
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    data = json.loads(result.stdout)
    said = files[0].read_text()
    assert "not measured: GPU figures: no CUDA device here" in said
    assert "A0 integer int8 eager: the int8 kernels are timed on CUDA" in said
    assert "A0 fused tf32 eager: TF32 is a mode of CUDA devices" in said
    assert "channels_last+graph: CUDA graphs need a CUDA device" in said
    settings = [(r["form"], r["precision"], r["runtime"], r["batch"]) for r in data["rows"]]
    assert settings == [("training", "fp32", "eager", 1), ("fused", "fp32", "eager", 1)]
    assert data["measured_limits"]["bandwidth"] > 0
    assert all(row["operations_limit"] > 0 and row["bytes_limit"] > 0 for row in data["rows"])
    assert said.startswith(data["environment"]["device"])
    assert files[1].read_text().startswith("<svg")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--model", "Z9"), "unknown model 'Z9'"),
        (("--form", "frozen"), "unknown form 'frozen'"),
        (("--precision", "fp8"), "unknown precision 'fp8'"),
        (("--runtime", "warp"), "unknown runtime 'warp'"),
        (("--batch", "0"), "whole number from 1"),
        (("--device", "toaster"), "none of auto, cuda"),
        (("--device", "meta"), "none of auto, cuda"),
        (("--design", "nowhere"), "nowhere"),
        (("--plot", "/dev/null/x.svg"), "is not a folder"),
    ],
)
def test_wrong_usage_exits_2_in_one_line(arguments: tuple[str, ...], message: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert message in result.output
    assert "Traceback" not in result.output


def test_help_imports_no_torch() -> None:
    code = (
        "import sys; from click.testing import CliRunner; from repvgg_hw.cli import main;"
        "r = CliRunner().invoke(main, ['latency', '--help']); assert r.exit_code == 0, r.output;"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.gpu
@pytest.mark.skipif(
    not torch.cuda.is_available(), reason="no CUDA device: torch.cuda.is_available() is false"
)
def test_command_on_a_gpu() -> None:
    result = run(
        "--input-size", "64", "--batch", "1,8", "--seconds", "0.05", "--baseline", "none",
        "--precision", "fp16,tf32", "--runtime", "eager,channels_last+compile+graph", "--json",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    data = json.loads(result.stdout)
    assert data["not_measured"] == []
    assert len(data["rows"]) == 2 * (2 * 2 * 2 + 2)
    assert all(row["peak_memory"] > 0 for row in data["rows"])
