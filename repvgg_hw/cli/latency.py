"""`repvgg-hw latency`: what the network costs on this machine's GPU or CPU, beside the accelerator."""

from __future__ import annotations

import json
from pathlib import Path

import click

from repvgg_hw.api.timed import FORMS, PRECISIONS
from repvgg_hw.cli.command import Command
from repvgg_hw.cli.progress import bar
from repvgg_hw.cli.tables import show_table
from repvgg_hw.cli.talk import say
from repvgg_hw.cli.values import CLASSES, INPUT_SIZE, PLACE, Listed, OutputFile, Real, Whole


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
    help="Networks of timm or torchvision (ResNets without either), in the last precision, or 'none' "
    "[default: ResNet-18/34/50/101, VGG-16, EfficientNet-B0, RegNetX-3.2GF where one of them is there].",
)
@click.option("--design", type=PLACE, help="A generated design to set beside the figures.")
@click.option("--device", default="auto", show_default=True, help="auto, cuda, cuda:N or cpu.")
@click.option("--seconds", type=Real(0.01, 3600), help="Measuring time per row [default: 1; CPU 0.5].")
@click.option("--rounds", type=Whole(1, 1000), default=1, show_default=True,
              help="Measure all rows in turn, so often: load hits all alike.")  # fmt: skip
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
    rounds: int,
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
    from repvgg_hw import api
    from repvgg_hw.files import write_if_changed
    from repvgg_hw.measure.latency import plot, report

    with bar("measuring") as update:
        survey = api.latency(
            models,
            input_size=input_size,
            classes=classes,
            batches=batches,
            forms=forms,
            precisions=precisions,
            runtimes=runtimes,
            baselines=() if baselines == ("none",) else baselines,
            design=design,
            device=device,
            seconds=seconds,
            rounds=rounds,
            progress=update,
        )
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
