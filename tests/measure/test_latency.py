"""The latency path on a machine without a GPU: counting, statistics, ratios, reports, errors."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

import pytest
import torch
from click.testing import CliRunner, Result

from repvgg_hw.cli import main
from repvgg_hw.design import results
from repvgg_hw.errors import InputError
from repvgg_hw.measure.latency import accelerator, baselines, plot, report
from repvgg_hw.measure.latency.forms import PRECISIONS, float_mode, float_model
from repvgg_hw.measure.latency.limits import Machine, Work, work_of
from repvgg_hw.measure.latency.measurement import CPU_CACHE_BYTES, Timing, measure, rotating_inputs
from repvgg_hw.measure.latency.rows import AcceleratorRow, Row, Survey
from repvgg_hw.measure.latency.runtimes import NotPossible, parts_of, prepare
from repvgg_hw.measure.latency.survey import integer_runtimes
from repvgg_hw.model.repvgg import build_model
from repvgg_hw.model.variants import get_variant

CPU = torch.device("cpu")


def make_row(**fields: object) -> Row:
    row = Row(
        model="A0", form="fused", precision="fp16", runtime="eager", batch=128,
        timing=Timing(0.010, 0.009, 0.012, 50), macs=10**9, bytes=10**9,
        operations_limit=0.002, bytes_limit=0.005, peak_memory=3_000_000,
    )  # fmt: skip
    return replace(row, **fields)  # type: ignore[arg-type]


DESIGN = AcceleratorRow(
    "A0", "net", "simulated", 200.0, 400_000, 500_000, (3, 224, 224), 1000, 10**9, 4096, 151_528
)
ENVIRONMENT = {"device": "a <device>", "packages": {"torch": "2"}}


def make_survey(*rows: Row, design: AcceleratorRow | None = DESIGN) -> Survey:
    return Survey(ENVIRONMENT, 1e12, {"fp16": 5e14}, (3, 224, 224), rows, design, ("tf32: no reason",))


def test_percentiles() -> None:
    timing = Timing.of([float(i) for i in range(101)])
    assert (timing.p10, timing.median, timing.p90, timing.repeats) == (10, 50, 90, 101)


def test_measure_calls_with_every_index_in_order() -> None:
    seen: list[int] = []
    timing = measure(seen.append, CPU, 0.0)
    warm_up = len(seen) - timing.repeats
    assert warm_up >= 3
    assert seen[warm_up:] == list(range(timing.repeats))
    assert timing.p10 <= timing.median <= timing.p90


def test_inputs_outgrow_the_cache() -> None:
    shape = (8, 3, 512, 512)
    inputs = rotating_inputs(shape, torch.float32, CPU, torch.channels_last)
    assert sum(x.numel() * 4 for x in inputs) > 2 * CPU_CACHE_BYTES
    assert len({x.data_ptr() for x in inputs}) == len(inputs)
    assert inputs[0].is_contiguous(memory_format=torch.channels_last)
    assert not torch.equal(inputs[0], inputs[1])


def test_work_is_what_the_architecture_says() -> None:
    """MACs and parameters counted by hooks equal those from the shapes; the training form costs more."""
    architecture = get_variant("A0")
    fused = work_of(float_model(architecture, "fused"), (3, 224, 224))
    training = work_of(float_model(architecture, "training"), (3, 224, 224))
    biases = sum(conv.c_out for conv in architecture.convs()) + 1000
    assert fused.macs == architecture.macs(224, 224)
    assert fused.weights == architecture.parameters() - biases
    assert training.macs > fused.macs
    assert training.maps > fused.maps


@pytest.mark.parametrize("form", ["training", "fused"])
def test_timed_model_is_the_network(form: str) -> None:
    """The chain that is timed computes what RepVGG computes."""
    architecture = get_variant("A0", num_classes=5)
    torch.manual_seed(0)
    network = build_model(architecture, deploy=form == "fused").eval()
    x = torch.randn(1, 3, 16, 16)
    with torch.inference_mode():
        assert torch.equal(float_model(architecture, form)(x), network(x))


def test_limits_are_the_roofline() -> None:
    machine = Machine(bandwidth=1e12, rates={"fp16": 1e14})
    work = Work(macs=10**9, weights=10**7, maps=10**6)
    operations, traffic = machine.limits(work, 100, PRECISIONS["fp16"])
    assert operations == pytest.approx(2e9 * 100 / 1e14)
    assert traffic == pytest.approx((1e7 + 1e8) * 2 / 1e12)
    assert machine.limits(work, 100, PRECISIONS["bf16"])[0] is None  # not measured, so not guessed
    assert make_row().over_limit == pytest.approx(2)
    assert make_row(operations_limit=None).over_limit == pytest.approx(2)
    assert make_row(operations_limit=0.02).over_limit == pytest.approx(0.5)


def test_tf32_is_on_only_where_asked_and_restored() -> None:
    before = torch.backends.cudnn.allow_tf32
    for name, expected in (("fp32", False), ("tf32", True), ("fp16", False)):
        with float_mode(PRECISIONS[name]):
            assert torch.backends.cudnn.allow_tf32 is expected
            assert torch.backends.cuda.matmul.allow_tf32 is expected
            assert torch.is_inference_mode_enabled()
    assert torch.backends.cudnn.allow_tf32 is before


def test_every_cpu_runtime_computes_the_model() -> None:
    model = torch.nn.Conv2d(3, 4, 3).eval()
    inputs = [torch.randn(2, 3, 8, 8) for _ in range(2)]
    expected = [model(x) for x in inputs]
    with torch.inference_mode():
        for runtime in ("eager", "channels_last"):
            call = prepare(model, inputs, runtime)
            for i in range(4):  # rotates
                torch.testing.assert_close(call(i), expected[i % 2])
        with pytest.raises(NotPossible, match="CUDA"):
            prepare(model, inputs, "channels_last+graph")
    with pytest.raises(InputError, match="'fast'"):
        parts_of("eager+fast")


def test_integer_runtimes() -> None:
    assert integer_runtimes(["eager", "channels_last", "compile+graph"]) == ("eager", "graph")
    assert integer_runtimes(["graph"]) == ("graph",)


def test_published_ratios() -> None:
    assert baselines.published_ratio("A0", "resnet18") == pytest.approx(1.33, abs=0.005)
    assert baselines.published_ratio("A1", "resnet34") == pytest.approx(1.65, abs=0.005)
    assert baselines.published_ratio("A2", "resnet50") == pytest.approx(1.84, abs=0.005)
    assert baselines.published_ratio("A0", "densenet121") is None


def test_baselines_come_from_what_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(baselines, "libraries", lambda: ())
    with pytest.raises(InputError, match="neither timm nor torchvision"):
        baselines.build_baseline("resnet18")
    layers = {"regnet_x_3_2gf": torch.nn.Linear(1, 1), "resnet18": torch.nn.Linear(2, 2)}
    library = SimpleNamespace(
        list_models=lambda: list(layers), get_model=lambda name, weights, num_classes: layers[name]
    )
    monkeypatch.setattr(baselines, "libraries", lambda: ("torchvision",))
    monkeypatch.setattr(baselines.importlib, "import_module", lambda name: library)
    assert baselines.build_baseline("regnetx_032") is layers["regnet_x_3_2gf"]
    assert not baselines.build_baseline("resnet18").training
    with pytest.raises(InputError, match="'nonsense': torchvision has no such model"):
        baselines.build_baseline("nonsense")


def test_a_broken_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A torchvision built for another torch raises RuntimeError when it is imported."""

    def broken(name: str) -> None:
        raise RuntimeError(f"operator {name}::nms does not exist")

    monkeypatch.setattr(baselines, "libraries", lambda: ("timm", "torchvision"))
    monkeypatch.setattr(baselines.importlib, "import_module", broken)
    with pytest.raises(InputError, match=r"timm cannot be used .*torchvision cannot be used"):
        baselines.build_baseline("resnet18")


def test_ratios_compare_equal_settings_only() -> None:
    rows = (
        make_row(),
        make_row(model="resnet18", form="baseline", timing=Timing(0.020, 0.02, 0.02, 9)),
        make_row(model="resnet18", form="baseline", precision="fp32", timing=Timing(1, 1, 1, 9)),
        make_row(model="densenet121", form="baseline", timing=Timing(0.030, 0.03, 0.03, 9)),
        make_row(form="training"),
    )
    lines = list(report.ratios(make_survey(*rows)))
    assert len(lines) == 2
    assert lines[0].startswith("A0 over resnet18, fp16, eager, batch 128: 2.00; published 1.33")
    assert lines[1].endswith("3.00; none published")


def test_design_row_is_cycles_at_the_clock() -> None:
    assert DESIGN.images_per_second == pytest.approx(500)
    assert DESIGN.latency == pytest.approx(2.5e-3)
    line = report.accelerator_line(DESIGN)
    assert "simulated: latency 2.5 ms, 500.0 frames/s, 1000.0 MMAC/frame, 4096 multipliers" in line
    planned = replace(DESIGN, status="planned", latency_cycles=None)
    assert "planned: latency not simulated" in report.accelerator_line(planned)


def test_markdown_and_json_hold_every_row() -> None:
    survey = make_survey(make_row(), make_row(form="training", peak_memory=None))
    text = report.markdown(survey)
    assert "| A0 | fused | fp16 | eager | 128 | 10 | 9 | 12 | 12800 | 2 | 5 | 2.00 | 3 |" in text
    assert "| A0 | design | int8 | 200 MHz | 1 | 2.5 |" in text
    assert "- not measured: tf32: no reason" in text
    data = json.loads(json.dumps(survey.to_json()))
    assert data["rows"][0]["images_per_second"] == 12800
    assert data["rows"][0]["timing"]["p90"] == 0.012
    assert data["accelerator"]["latency_seconds"] == 0.0025
    assert data["not_measured"] == ["tf32: no reason"]


def test_plot_is_a_drawing_of_the_numbers() -> None:
    survey = make_survey(
        make_row(batch=1, timing=Timing(0.001, 0.001, 0.001, 9)),
        make_row(),
        make_row(form="training", batch=1),
    )
    latency, throughput = plot.latency_bars(survey), plot.throughput_bars(survey)
    assert [bar.kind for bar in latency] == ["fused", "design", "training"]
    assert [round(bar.value) for bar in throughput] == [12800, 500, 100]
    root = ElementTree.fromstring(plot.svg(survey))
    widths = [
        float(r.get("width", "0"))
        for r in root.findall(".//{*}rect")
        if r.get("fill") in plot.COLOURS.values()
    ]
    assert len(widths) == 6
    assert widths[0] / widths[2] == pytest.approx(0.1, abs=0.01)
    assert ElementTree.fromstring(plot.svg(make_survey(design=None))) is not None


@pytest.fixture
def design_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose design.json is taken as read: a plan with the fields that the row needs."""
    plan = SimpleNamespace(
        name="net", in_shape=(3, 32, 32), clock_mhz=100.0, frame_interval=2000, macs=5000,
        multipliers=30, requant_multipliers=2,
    )  # fmt: skip
    network = SimpleNamespace(num_classes=10, convs=[SimpleNamespace(in_bits=8)])
    design = SimpleNamespace(plan=plan, network=network)
    monkeypatch.setattr(accelerator.design, "load", lambda directory: design)
    for name, text in (("files.json", '["design.json"]'), ("design.json", "{}")):
        (tmp_path / name).write_text(text)
    return tmp_path


def simulation(**fields: object) -> results.SimulationResult:
    result = results.SimulationResult(
        target="verilog", mode="network", images=2, bit_exact=2, stalls=0, layers=(), problems=(),
        planned_interval=2000, frame_interval=2100, latency_cycles=9000,
    )  # fmt: skip
    return replace(result, **fields)  # type: ignore[arg-type]


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


def test_command_takes_size_and_classes_from_the_design(design_folder: Path) -> None:
    """And says so where the design's network is another than the model."""
    result = run(
        "--device", "cpu", "--design", str(design_folder), "--batch", "1", "--seconds", "0.01",
        "--form", "fused", "--runtime", "eager", "--baseline", "none", "--json",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "they are not the same network" in result.output
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
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    assert "not measured: GPU figures: no CUDA device here" in result.output
    assert "A0 integer int8 eager: the int8 kernels are timed on CUDA" in result.output
    assert "A0 fused tf32 eager: TF32 is a mode of CUDA devices" in result.output
    assert "channels_last+graph: CUDA graphs need a CUDA device" in result.output
    data = json.loads(run(*arguments, "--json").stdout)
    settings = [(r["form"], r["precision"], r["runtime"], r["batch"]) for r in data["rows"]]
    assert settings == [("training", "fp32", "eager", 1), ("fused", "fp32", "eager", 1)]
    assert data["measured_limits"]["bandwidth"] > 0
    assert all(row["operations_limit"] > 0 and row["bytes_limit"] > 0 for row in data["rows"])
    assert files[0].read_text().startswith(data["environment"]["device"])
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
