"""The tables that `evaluate` prints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from repvgg_hw.measure.accuracy import Evaluation
    from repvgg_hw.quantize.diagnose import LayerReport


def print_table(evaluations: Sequence[Evaluation], calibrated: int) -> None:
    """One line per method; calibrated: images of calibration."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"Top-1 on {evaluations[0].integer.total} images, {calibrated} for calibration")
    table.add_column("method", no_wrap=True)
    for heading in ("float", "fake", "integer", "95 %", "drop", "agree", "s"):
        table.add_column(heading, justify="right")
    for e in evaluations:
        low, high = e.integer.interval
        cells: list[Any] = [
            e.method,
            f"{e.float_.percent:.2f}",
            f"{e.fake.percent:.2f}",
            f"{e.integer.percent:.2f}",
            f"{low:.1f}-{high:.1f}",
            f"{e.drop:+.2f} ± {e.drop_margin:.2f}",
            f"{e.agreement:.2f}",
            f"{e.seconds:.1f}",
        ]
        table.add_row(*cells)
    Console().print(table)


def print_layers(method: str, layers: Sequence[LayerReport]) -> None:
    """One line per layer: where the method loses."""
    from rich.console import Console
    from rich.table import Table

    worst = max(layers, key=lambda layer: layer.added_noise)
    title = f"{method}: {worst.name} adds most noise, {worst.added_noise:.2f} % of its signal"
    table = Table(title=title)
    table.add_column("layer", no_wrap=True)
    headings = ("w/a", "SQNR,\ndB", "added,\n%", "peak", "clip,\n%", "dead", "spread", "gamma/\nsigma")
    for heading in headings:
        table.add_column(heading, justify="right")
    for layer in layers:
        table.add_row(
            layer.name,
            f"{layer.weight_bits}/{layer.activation_bits}",
            f"{layer.sqnr_db:.1f}",
            f"{layer.added_noise:.2f}",
            f"{layer.peak:.3g}",
            f"{layer.clipped:.3f}",
            str(layer.dead_channels),
            f"{layer.weight_spread:.1f}",
            "-" if layer.norm_gain is None else f"{layer.norm_gain:.1f}",
        )
    Console().print(table)
