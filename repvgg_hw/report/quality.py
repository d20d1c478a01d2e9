"""How good the network is: float, integers, hardware; each layer's noise; and what nobody has measured."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from repvgg_hw.design import Design
from repvgg_hw.design.accuracy import LayerNoise, Measured, of_calibration
from repvgg_hw.design.results import SimulationResult
from repvgg_hw.plan.planner import NetworkPlan
from repvgg_hw.report.provenance import with_digest


@dataclass(frozen=True)
class AccuracyRow:
    """Top-1 of one of the three, as a share, on so many images."""

    of: str
    top1: float
    images: int
    on: str


@dataclass(frozen=True)
class Quality:
    """What is known, and a sentence for each thing that is not."""

    rows: tuple[AccuracyRow, ...]
    noise: LayerNoise | None
    missing: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return dataclasses.asdict(self)

    def lines(self) -> list[str]:
        """For people, in a terminal."""
        found = [f"top-1, {row.of}: {row.top1:.2%} of {row.images:,} images, {row.on}" for row in self.rows]
        if self.noise is not None:
            found.append(noise_line(self.noise))
        return [*found, *self.missing]


def noise_line(noise: LayerNoise) -> str:
    """Where least signal is left over quantization noise, and in what leaves the network."""
    known = {name: value for name, value in noise.layers.items() if value is not None}
    if not known:
        return "no layer differs from the float one"
    least, last = min(known, key=known.__getitem__), list(noise.layers)[-1]
    end = known.get(last)
    behind = "" if end is None or last == least else f", {last} {end:.1f} dB"
    return (
        f"signal over quantization noise, on {noise.images} images of {noise.on}: least in {least}, "
        f"{known[least]:.1f} dB{behind}"
    )


def quality(
    design: Design[NetworkPlan], result: SimulationResult | None, measured: Measured | None
) -> Quality:
    """Of a design, what its simulation found, and what `evaluate` kept."""
    rows, missing = [], []
    if measured is not None:
        of = {"float network": measured.float_correct, "integer model": measured.integer_correct}
        on = with_digest(measured.data, measured.sha256)
        rows += [AccuracyRow(n, c / measured.images, measured.images, on) for n, c in of.items()]
    if result is not None and result.top1_golden is not None and result.top1_simulated is not None:
        on = "as simulated"
        rows.append(AccuracyRow("integer model", result.top1_golden, result.images, on))
        rows.append(AccuracyRow("hardware", result.top1_simulated, result.images, on))
    if design.options.get("random"):
        missing.append("its weights are random: there is no accuracy")
    elif design.network.linear is None:
        missing.append("it ends with a map and has no classes: there is no top-1")
    else:
        if measured is None:
            how = "`repvgg-hw evaluate CHECKPOINT --design DIRECTORY --data IMAGES` measures it"
            missing.append(f"float network: not measured on labelled images; {how}")
        if result is None or result.top1_simulated is None:
            missing.append("hardware: not simulated on labelled images")
    noise = (None if measured is None else measured.noise) or of_calibration(design.network)
    if noise is None and not design.options.get("random"):
        missing.append("each layer's noise: not recorded with these integers")
    return Quality(tuple(rows), noise, tuple(missing))
