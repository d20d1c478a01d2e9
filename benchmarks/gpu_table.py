"""Fill the GPU path's table in one run: every figure that it promises, measured, as JSON and Markdown.

    PYTHONPATH=. python3 benchmarks/gpu_table.py --output DIR        (needs a CUDA device; about 6 minutes)

Writes DIR/gpu_table.json and DIR/gpu_table.md. What the time budget, the device or a missing library leaves
out is listed as not measured. Exit code: 0 every criterion was measured and holds, 1 otherwise.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch

from repvgg_hw import golden, gpu
from repvgg_hw.errors import RepVGGHWError
from repvgg_hw.files import write_if_changed
from repvgg_hw.gpu.synthetic import synthetic_network
from repvgg_hw.measure.latency import report
from repvgg_hw.measure.latency.rows import Row, Survey
from repvgg_hw.measure.latency.survey import Surveyor, SurveyRequest
from repvgg_hw.model.variants import get_variant

COMPILED = "channels_last+compile"
GRAPH = "channels_last+graph"
COMPILED_GRAPH = "channels_last+compile+graph"


@dataclass(frozen=True)
class Criterion:
    """A figure to reach; measured is None where it was not measured."""

    name: str
    reach: float
    measured: float | None

    @property
    def holds(self) -> bool:
        return self.measured is not None and self.measured >= self.reach


@dataclass(frozen=True)
class Equality:
    """Images whose int8 logits equal golden's, of how many."""

    model: str
    size: int
    images: int
    equal: int


def requests(size: int, batch: int, seconds: float) -> tuple[SurveyRequest, ...]:
    """What the criteria need, the most telling first."""

    def request(
        models: str, batch: int, forms: str, precisions: str, runtimes: Iterable[str], baselines: str = ""
    ) -> SurveyRequest:
        return SurveyRequest(
            models=tuple(get_variant(name) for name in models.split()),
            size=(size, size),
            batches=(batch,),
            forms=tuple(forms.split()),
            precisions=tuple(precisions.split()),
            runtimes=tuple(runtimes),
            baselines=tuple(baselines.split()),
            seconds=seconds,
        )

    return (
        request("A0 B1", batch, "integer", "", ("eager", "graph")),
        request("A0 B1", batch, "fused", "bf16", (COMPILED,)),
        request("A0", batch, "training fused", "fp16", ("channels_last", COMPILED)),
        request("A1 A2", batch, "fused", "fp16", ("channels_last", COMPILED)),
        request("A0", batch, "", "fp16", ("channels_last", COMPILED), "resnet18 resnet34 resnet50"),
        request("A0", 1, "training", "fp32", ("eager",)),
        request("A0", 1, "fused", "fp32 fp16", ("eager", GRAPH, COMPILED_GRAPH)),
        request("A0", 1, "integer", "", ("graph",)),
        request("A0", batch, "training fused", "fp32 tf32 bf16", ("channels_last",)),
    )


def criteria(rows: Iterable[Row], batch: int) -> list[Criterion]:
    """Ratios of the fastest rows; precision and batch are always equal, the runtime is each side's best."""
    rows = list(rows)

    def fastest(where: Callable[[Row], bool]) -> float | None:
        return min((row.timing.median for row in rows if where(row)), default=None)

    def speedup(slow: Callable[[Row], bool], fast: Callable[[Row], bool]) -> float | None:
        a, b = fastest(slow), fastest(fast)
        return a / b if a and b else None

    def row_is(model: str, form: str, precision: str, size: int, runtime: str = "") -> Callable[[Row], bool]:
        return lambda row: (
            (row.model, row.form, row.precision, row.batch) == (model, form, precision, size)
            and runtime in ("", row.runtime)
        )

    found = [
        Criterion(
            f"A0 fused over training form, fp16, batch {batch}",
            1.8,
            speedup(row_is("A0", "training", "fp16", batch), row_is("A0", "fused", "fp16", batch)),
        )
    ]
    for model, baseline, published in (
        ("A0", "resnet18", 1.33),
        ("A1", "resnet34", 1.65),
        ("A2", "resnet50", 1.84),
    ):
        ratio = speedup(row_is(baseline, "baseline", "fp16", batch), row_is(model, "fused", "fp16", batch))
        found.append(
            Criterion(
                f"{model} fused over {baseline}, fp16, batch {batch} (published ratio)", published, ratio
            )
        )
    eager = row_is("A0", "training", "fp32", 1, "eager")
    found.append(
        Criterion(
            "A0 batch 1: best fused float row over eager fp32 training form",
            5.0,
            speedup(eager, lambda row: (row.model, row.form, row.batch) == ("A0", "fused", 1)),
        )
    )
    for model in ("A0", "B1"):
        compiled = row_is(model, "fused", "bf16", batch, COMPILED)
        ratio = speedup(compiled, row_is(model, "integer", "int8", batch))
        found.append(Criterion(f"{model} int8 Triton over fused bf16 compiled, batch {batch}", 1.3, ratio))
    return found


def compare_logits(model: str, size: int, images: int, device: str) -> Equality:
    """Run random images through golden and the GPU backend."""
    network = synthetic_network(get_variant(model), (size, size))
    x = np.random.default_rng(1).integers(-128, 128, (images, 3, size, size)).astype(np.int8)
    same = (gpu.logits(x, network, device) == golden.forward(x, network)).all(axis=1)
    return Equality(model, size, images, int(same.sum()))


def markdown(survey: Survey, found: list[Criterion], equalities: list[Equality]) -> str:
    """The criteria first, then every row."""
    lines = ["| criterion | reach | measured | holds |", "|---|---|---|---|"]
    for c in found:
        measured = "not measured" if c.measured is None else f"{c.measured:.2f}"
        verdict = "-" if c.measured is None else "yes" if c.holds else "no"
        lines.append(f"| {c.name} | {c.reach:g} | {measured} | {verdict} |")
    for e in equalities:
        verdict = "yes" if e.equal == e.images else "no"
        name = f"{e.model} at {e.size}: images with int8 logits equal to golden's"
        lines.append(f"| {name} | {e.images} | {e.equal} | {verdict} |")
    if not equalities:
        lines.append("| int8 logits equal to golden's | every image | not measured | - |")
    return "\n".join(lines) + "\n\n" + report.markdown(survey)


def main() -> int:
    """Measure, write, judge."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--output", type=Path, required=True, help="folder for the two files")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--input-size", dest="size", type=int, default=224)
    parser.add_argument("--batch", type=int, default=128, help="of the throughput rows")
    parser.add_argument("--seconds", type=float, default=0.5, help="measuring time per row")
    parser.add_argument("--budget", type=float, default=450, help="seconds after which no row is begun")
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    device = torch.device(options.device)
    if device.type == "cuda" and not torch.cuda.is_available():
        print("error: no CUDA device here; every figure stays not measured", file=sys.stderr)
        return 1

    deadline = time.monotonic() + options.budget
    equalities, notes = [], []
    for model, size, images in (("A0", options.size, 16), ("B1", options.size, 4), ("B1g4", 64, 8)):
        try:
            if time.monotonic() < deadline:
                equalities.append(compare_logits(model, size, images, options.device))
                print(equalities[-1], flush=True)
        except RepVGGHWError as error:
            notes.append(f"int8 logits of {model}: {error}")
    surveys: list[Survey] = []
    machine = None
    for request in requests(options.size, options.batch, options.seconds):
        surveyor = Surveyor(device, request, deadline=deadline, machine=machine)
        surveyor.progress = lambda text: print(
            f"{deadline - time.monotonic():5.0f} s left: {text}", flush=True
        )
        if machine is None:  # once, for every precision of the table
            surveyor.request = replace(request, precisions=("fp32", "tf32", "fp16", "bf16"))
        surveys.append(surveyor.run())
        machine = surveyor.machine
        write(
            options.output, surveys, equalities, notes, options.batch
        )  # what is measured survives a timeout
    found = criteria((row for survey in surveys for row in survey.rows), options.batch)
    print((options.output / "gpu_table.md").read_text())
    whole = len(equalities) == 3 and all(e.equal == e.images for e in equalities)
    return 0 if whole and all(c.holds for c in found) else 1


def write(
    folder: Path, surveys: list[Survey], equalities: list[Equality], notes: list[str], batch: int
) -> None:
    """Both files, from what was measured until now."""
    rows = tuple(row for survey in surveys for row in survey.rows)
    missing = dict.fromkeys([*notes, *(note for survey in surveys for note in survey.notes)])
    survey = replace(surveys[-1], rows=rows, notes=tuple(missing))
    found = criteria(rows, batch)
    content = {
        "criteria": [{**asdict(c), "holds": c.holds} for c in found],
        "logits": [asdict(e) for e in equalities],
        **survey.to_json(),
    }
    write_if_changed(folder / "gpu_table.json", json.dumps(content, indent=2) + "\n")
    write_if_changed(folder / "gpu_table.md", markdown(survey, found, equalities))


if __name__ == "__main__":
    sys.exit(main())
