"""The tables that `evaluate` prints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from repvgg_hw.cli.tables import show_table

if TYPE_CHECKING:
    from repvgg_hw.measure.accuracy import Evaluation
    from repvgg_hw.quantize.diagnose import LayerReport


def show_evaluations(evaluations: Sequence[Evaluation], calibrated: int | None) -> None:
    """One line per method; calibrated: images of calibration, None where nobody knows."""
    of_calibration = "" if calibrated is None else f", {calibrated} for calibration"
    title = f"Top-1 on {evaluations[0].integer.total} images{of_calibration}"
    rows = []
    for e in evaluations:
        low, high = e.integer.interval
        rows.append(
            (
                e.method,
                f"{e.float_.percent:.2f}",
                f"{e.fake.percent:.2f}",
                f"{e.integer.percent:.2f}",
                f"{low:.1f}-{high:.1f}",
                f"{e.drop:+.2f} ± {e.drop_margin:.2f}",
                f"{e.agreement:.2f}",
                f"{e.seconds:.1f}" if e.seconds else "-",  # quantized earlier
            )
        )
    headings = ("<method", "float", "fake", "integer", "95 %", "drop", "agree", "s")
    show_table(title, headings, rows)


def show_layers(method: str, layers: Sequence[LayerReport]) -> None:
    """One line per layer: where the method loses."""
    worst = max(layers, key=lambda layer: layer.added_noise)
    title = f"{method}: {worst.name} adds most noise, {worst.added_noise:.2f} % of its signal"
    rows = [
        (
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
        for layer in layers
    ]
    measures = ("w/a", "SQNR, dB", "added, %", "peak", "clip, %", "dead", "spread", "gamma/sigma")
    show_table(title, ("<layer", *measures), rows)
