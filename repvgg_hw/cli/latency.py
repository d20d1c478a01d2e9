"""`repvgg-hw latency`: what the network costs on this machine's GPU or CPU, beside the accelerator."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from repvgg_hw.cli.command import Command
from repvgg_hw.cli.progress import bar
from repvgg_hw.cli.tables import show_table
from repvgg_hw.cli.talk import note, say
from repvgg_hw.cli.values import CLASSES, INPUT_SIZE, PLACE, Listed, OutputFile, Real, Whole
from repvgg_hw.errors import InputError

if TYPE_CHECKING:
    import torch

FORMS = ("training", "fused", "integer")  # as latency.forms.FORMS, without importing torch for --help
PRECISIONS = ("fp32", "tf32", "fp16", "bf16")
CUDA_PRECISIONS = ("fp32", "fp16")  # by default


def _names(context: click.Context, parameter: click.Parameter, value: str | None) -> tuple[str, ...] | None:
    if value is None:
        return None
    names = tuple(part.strip() for part in value.split(","))
    if not all(names):
        raise click.BadParameter(f"{value!r} is no list of names by comma", context, parameter)
    return names


@click.command(cls=Command)
@click.option(
    "--model", "models", default="A0", show_default=True, callback=_names, help="Variants, by comma."
)
@click.option(
    "--input-size",
    type=INPUT_SIZE,
    help="Height and width [default: the design's, else 224].",
)
@click.option("--classes", type=CLASSES, help="Outputs [default: the design's, else 1000].")
@click.option(
    "--batch",
    "batches",
    type=Listed(Whole(1, 65536), "1,8,32"),
    help="Batch sizes [default: 1,8,32,128; CPU 1,8].",
)
@click.option("--form", "forms", callback=_names, help=f"Any of {','.join(FORMS)} [default: all].")
@click.option(
    "--precision",
    "precisions",
    callback=_names,
    help=f"Any of {','.join(PRECISIONS)} [default: fp32,fp16; CPU fp32].",
)
@click.option(
    "--runtime",
    "runtimes",
    callback=_names,
    help="Any of eager, channels_last, compile, graph, joined by + [default: eager,channels_last,"
    "channels_last+compile,channels_last+compile+graph; CPU eager,channels_last].",
)
@click.option(
    "--baseline",
    "baselines",
    callback=_names,
    help="Networks of timm or torchvision, timed in the last precision only, or 'none' "
    "[default: ResNet-18/34/50/101, VGG-16, EfficientNet-B0, RegNetX-3.2GF where one of them is there].",
)
@click.option("--design", type=PLACE, help="A generated design to set beside the figures.")
@click.option("--device", default="auto", show_default=True, help="auto, cuda, cuda:N or cpu.")
@click.option("--seconds", type=Real(0.01, 3600), help="Measuring time per row [default: 1; CPU 0.5].")
@click.option("--json", "as_json", is_flag=True, help="Print every number as JSON instead of the table.")
@click.option("--markdown", "markdown_path", type=OutputFile(".md"), help="Write the table here.")
@click.option("--plot", "plot_path", type=OutputFile(".svg"), help="Write a figure (SVG) here.")
def command(
    models: tuple[str, ...],
    input_size: tuple[int, int] | None,
    classes: int | None,
    batches: tuple[int, ...] | None,
    forms: tuple[str, ...] | None,
    precisions: tuple[str, ...] | None,
    runtimes: tuple[str, ...] | None,
    baselines: tuple[str, ...] | None,
    design: Path | None,
    device: str,
    seconds: float | None,
    markdown_path: Path | None,
    plot_path: Path | None,
    as_json: bool,
) -> None:
    """Time the network on the GPU, or where there is none on the CPU, beside the planned accelerator.

    \b
    Examples:
      repvgg-hw latency --model A0
      repvgg-hw latency --model A0,A1 --batch 1,128 --precision fp16 --runtime channels_last+compile+graph
      repvgg-hw latency --model A0 --design build/net --plot latency.svg

    Weights are random: they do not change the time. Exit codes: 0 done, 2 the usage is wrong.
    """
    from repvgg_hw.files import write_if_changed
    from repvgg_hw.measure.latency import accelerator, plot, report
    from repvgg_hw.measure.latency import baselines as others
    from repvgg_hw.measure.latency.runtimes import CPU_DEFAULT, CUDA_DEFAULT, parts_of
    from repvgg_hw.measure.latency.survey import Surveyor, SurveyRequest
    from repvgg_hw.model.variants import get_variant

    row = accelerator.accelerator_row(design) if design else None
    shape = row.in_shape[1:] if row else (224, 224)
    classes = classes or (row.classes if row else 1000)
    chosen = _device(device)
    on_gpu = chosen.type == "cuda"
    if baselines is None:
        baselines = others.DEFAULT if others.libraries() else ()
        missing = (
            None if baselines else "baselines: neither timm nor torchvision is installed (pip install timm)"
        )
    else:
        missing = None
        others.check(name for name in baselines if baselines != ("none",))
    request = SurveyRequest(
        models=tuple(get_variant(name, num_classes=classes) for name in models),
        size=input_size or shape,
        batches=batches or ((1, 8, 32, 128) if on_gpu else (1, 8)),
        forms=_known(forms or FORMS, FORMS, "form"),
        precisions=_known(precisions or (CUDA_PRECISIONS if on_gpu else ("fp32",)), PRECISIONS, "precision"),
        runtimes=runtimes or (CUDA_DEFAULT if on_gpu else CPU_DEFAULT),
        baselines=() if baselines == ("none",) else baselines,
        seconds=seconds or (1.0 if on_gpu else 0.5),
    )
    for runtime in request.runtimes:
        parts_of(runtime)
    if row and row.macs != request.models[0].macs(*request.size):
        note(
            f"warning: the design computes {row.macs / 1e6:.1f} MMAC per frame, {request.models[0].name} at "
            f"{request.size[0]}x{request.size[1]} {request.models[0].macs(*request.size) / 1e6:.1f}: "
            "they are not the same network"
        )
    surveyor = Surveyor(chosen, request)
    if missing:
        surveyor.notes.append(missing)
    with bar("measuring") as update:
        surveyor.progress = lambda text: update(None, text)
        survey = surveyor.run(row)
    if as_json:
        say(json.dumps(survey.to_json(), indent=2))
    else:
        say(report.headline(survey))
        headings = [f"<{name}" for name in report.COLUMNS[: report.WORDS]]
        show_table("", (*headings, *report.COLUMNS[report.WORDS :]), report.table_rows(survey))
        for line in (report.LEGEND, *report.below(survey)):
            say(line)
    if markdown_path:
        write_if_changed(markdown_path, report.markdown(survey))
    if plot_path:
        write_if_changed(plot_path, plot.svg(survey))


def _known(names: tuple[str, ...], known: tuple[str, ...], what: str) -> tuple[str, ...]:
    for name in names:
        if name not in known:
            raise InputError(f"unknown {what} {name!r}; choose any of {', '.join(known)}")
    return names


def _device(name: str) -> torch.device:
    import torch

    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError:
        raise InputError(f"device {name!r} is none of auto, cuda, cuda:N, cpu") from None
    if device.type not in ("cuda", "cpu"):
        raise InputError(f"device {name!r} is none of auto, cuda, cuda:N, cpu")
    if device.type == "cuda" and (device.index or 0) >= max(1, torch.cuda.device_count()):
        raise InputError(f"device {name!r}: this machine has {torch.cuda.device_count()} CUDA devices")
    if device.type == "cuda" and not torch.cuda.is_available():
        raise InputError(f"device {name!r}: torch {torch.__version__} finds no CUDA device; use --device cpu")
    return device
