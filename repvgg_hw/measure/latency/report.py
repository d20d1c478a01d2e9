"""A survey as a table and as Markdown."""

from __future__ import annotations

from collections.abc import Iterator

from repvgg_hw.measure.latency.baselines import published_ratio
from repvgg_hw.measure.latency.rows import AcceleratorRow, Row, Survey

COLUMNS = (
    "model", "form", "precision", "runtime", "batch", "ms", "p10", "p90", "img/s", "ops ms", "bytes ms",
    "x limit", "peak MB",
)  # fmt: skip
WORDS = 4  # of COLUMNS: the first are words, the others numbers
LEGEND = (
    "ms: median time of a batch; ops ms, bytes ms: what its operations need at the measured matrix rate and "
    "its least traffic at the measured bandwidth; x limit: ms over the larger of the two."
)


def milliseconds(seconds: float | None) -> str:
    """Three significant digits; a dash for what is not known."""
    return "-" if seconds is None else f"{seconds * 1e3:.3g}" if seconds < 1 else f"{seconds * 1e3:.0f}"


def cells(row: Row) -> tuple[str, ...]:
    """The row under COLUMNS."""
    times = (row.timing.median, row.timing.p10, row.timing.p90)
    return (
        row.model, row.form, row.precision, row.runtime, str(row.batch), *map(milliseconds, times),
        _rate(row.images_per_second), milliseconds(row.operations_limit), milliseconds(row.bytes_limit),
        f"{row.over_limit:.2f}", "-" if row.peak_memory is None else f"{row.peak_memory / 1e6:.0f}",
    )  # fmt: skip


def design_cells(row: AcceleratorRow) -> tuple[str, ...]:
    """The design under COLUMNS: one frame at a time is what it does."""
    clock = f"{row.clock_mhz:g} MHz"
    known = (
        row.name,
        "design",
        "int8",
        clock,
        "1",
        milliseconds(row.latency),
        "-",
        "-",
        _rate(row.images_per_second),
    )
    return (*known, *("-" for _ in range(len(COLUMNS) - len(known))))


def table_rows(survey: Survey) -> Iterator[tuple[str, ...]]:
    """Every row under COLUMNS, the design last."""
    yield from map(cells, survey.rows)
    if survey.accelerator:
        yield design_cells(survey.accelerator)


def _rate(value: float) -> str:
    return f"{value:.0f}" if value >= 10 else f"{value:.2g}"


def headline(survey: Survey) -> str:
    """Device, versions and measured limits in one line."""
    versions = ", ".join(f"{name} {version}" for name, version in survey.environment["packages"].items())
    rates = ", ".join(f"{name} {rate / 1e12:.3g} Tops/s" for name, rate in survey.rates.items())
    _, height, width = survey.size
    rounds = survey.environment.get("rounds", 1)
    turns = f"; {rounds} rounds" if rounds > 1 else ""
    return (
        f"{survey.environment['device']}; {versions}; input {height}x{width}{turns}; "
        f"measured: {survey.bandwidth / 1e9:.4g} GB/s, {rates}"
    )


def accelerator_line(row: AcceleratorRow) -> str:
    """The design in one line, for below the table."""
    name = row.name if row.name == row.directory else f"{row.directory} ({row.name})"
    latency = "latency not simulated" if row.latency is None else f"latency {milliseconds(row.latency)} ms"
    return (
        f"design {name} at {row.clock_mhz:g} MHz, {row.status}: {latency}, "
        f"{row.images_per_second:.1f} frames/s, {row.macs / 1e6:.1f} MMAC/frame, "
        f"{row.multipliers} multipliers, {row.bytes} bytes/frame in and out"
    )


def ratios(survey: Survey) -> Iterator[str]:
    """Fused RepVGG over each baseline at equal precision, runtime and batch, beside the published ratio."""
    baselines = [row for row in survey.rows if row.form == "baseline"]
    for row in survey.rows:
        if row.form != "fused":
            continue
        for other in baselines:
            setting = (other.precision, other.runtime, other.batch)
            if setting != (row.precision, row.runtime, row.batch):
                continue
            measured = row.images_per_second / other.images_per_second
            published = published_ratio(row.model, other.model)
            known = f"published {published:.2f} (1080Ti, fp32, bs 128)" if published else "none published"
            yield (
                f"{row.model} over {other.model}, {row.precision}, {row.runtime}, batch {row.batch}: "
                f"{measured:.2f}; {known}"
            )


def markdown(survey: Survey) -> str:
    """The same as Markdown."""
    lines = [headline(survey), "", f"| {' | '.join(COLUMNS)} |", f"|{'---|' * len(COLUMNS)}"]
    lines += [f"| {' | '.join(row)} |" for row in table_rows(survey)]
    lines += ["", LEGEND, "", *(f"- {line}" for line in below(survey))]
    return "\n".join(lines) + "\n"


def below(survey: Survey) -> Iterator[str]:
    """What stands below the table: ratios, the design, what was not measured."""
    yield from ratios(survey)
    if survey.accelerator:
        yield accelerator_line(survey.accelerator)
    for note in survey.notes:
        yield f"not measured: {note}"
