"""The latency path on a machine without a GPU: counting, statistics, ratios, reports, errors."""

from __future__ import annotations

import importlib
import json
from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import pytest
import torch

from repvgg_hw.errors import InputError
from repvgg_hw.measure.latency import baselines, plot, report
from repvgg_hw.measure.latency.forms import PRECISIONS, float_mode, float_model
from repvgg_hw.measure.latency.limits import Machine, Work, work_of
from repvgg_hw.measure.latency.measurement import CPU_CACHE_BYTES, Timing, measure, rotating_inputs
from repvgg_hw.measure.latency.rows import AcceleratorRow, Row, Survey
from repvgg_hw.measure.latency.runtimes import NotPossible, parts_of, prepare
from repvgg_hw.measure.latency.survey import Surveyor, SurveyRequest, integer_runtimes
from repvgg_hw.model.repvgg import build_model
from repvgg_hw.model.variants import get_variant
from repvgg_hw.network import Architecture

CPU = torch.device("cpu")


def make_row(**fields: Any) -> Row:
    row = Row(
        model="A0", form="fused", precision="fp16", runtime="eager", batch=128,
        timing=Timing(0.010, 0.009, 0.012, 50), macs=10**9, bytes=10**9,
        operations_limit=0.002, bytes_limit=0.005, peak_memory=3_000_000,
    )  # fmt: skip
    return replace(row, **fields)


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
        baselines.build_baseline("vgg16")
    with pytest.raises(InputError, match="neither timm nor torchvision"):
        baselines.check(["vgg16"])
    layers = {"regnet_x_3_2gf": torch.nn.Linear(1, 1), "resnet18": torch.nn.Linear(2, 2)}
    library = SimpleNamespace(
        list_models=lambda: list(layers), get_model=lambda name, weights, num_classes: layers[name]
    )
    monkeypatch.setattr(baselines, "libraries", lambda: ("torchvision",))
    monkeypatch.setattr(importlib, "import_module", lambda name: library)
    assert baselines.build_baseline("regnetx_032") is layers["regnet_x_3_2gf"]
    assert not baselines.build_baseline("resnet18").training
    with pytest.raises(InputError, match="'nonsense': torchvision has no such model"):
        baselines.build_baseline("nonsense")
    baselines.check(["regnetx_032", "resnet18"])
    with pytest.raises(InputError, match="'nonsense': no installed library has it"):
        baselines.check(["resnet18", "nonsense"])


def test_a_broken_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A torchvision built for another torch raises RuntimeError when it is imported."""

    def broken(name: str) -> None:
        raise RuntimeError(f"operator {name}::nms does not exist")

    monkeypatch.setattr(baselines, "libraries", lambda: ("timm", "torchvision"))
    monkeypatch.setattr(importlib, "import_module", broken)
    with pytest.raises(InputError, match=r"timm cannot be used .*torchvision cannot be used"):
        baselines.build_baseline("vgg16")
    baselines.check(["vgg16"])  # whether it would have it, nobody knows


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


@pytest.mark.parametrize(
    ("name", "parameters", "gmacs"),
    [("resnet18", 11_689_512, 1.81), ("resnet34", 21_797_672, 3.66), ("resnet50", 25_557_032, 4.09)],
)
def test_resnets_without_a_library(
    name: str, parameters: int, gmacs: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their parameters and operations are those that torchvision publishes of its own."""
    monkeypatch.setattr(baselines, "libraries", lambda: ())
    baselines.check([name])
    with torch.device("meta"):
        model = baselines.build_baseline(name)
        assert model(torch.empty(2, 3, 224, 224)).shape == (2, 1000)
    assert sum(p.numel() for p in model.parameters()) == parameters
    assert not model.training
    assert work_of(model, (3, 224, 224)).macs / 1e9 == pytest.approx(gmacs, abs=0.01)


def test_rounds_measure_every_row_in_turn() -> None:
    """Each row is there once, with the times of all its rounds; the rounds go over all rows."""
    order: list[str] = []
    tiny = Architecture("", widths=(4, 4), depths=(1, 1), strides=(2, 2), num_classes=3)
    models = (replace(tiny, name="one"), replace(tiny, name="other"))
    request = SurveyRequest(models, (16, 16), (1,), ("fused",), ("fp32",), ("eager",), seconds=0.0, rounds=5)
    surveyor = Surveyor(CPU, request, machine=Machine(1e9, {"fp32": 1e12}), progress=order.append)
    survey = surveyor.run()
    assert [row.model for row in survey.rows] == ["one", "other"]
    assert [row.timing.repeats for row in survey.rows] == [10, 10]
    assert [line.split()[0] for line in order if "fused" in line] == ["one", "other"] * 5
    assert "; 5 rounds;" in report.headline(survey)
