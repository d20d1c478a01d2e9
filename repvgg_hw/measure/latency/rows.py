"""The values that a survey yields: a row per measurement, one for the design, notes of what is missing."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any

from repvgg_hw.measure.latency.measurement import Timing


@dataclass(frozen=True)
class Row:
    """One model in one form, precision, runtime and batch, measured."""

    model: str
    form: str  # training, fused, integer, baseline
    precision: str
    runtime: str
    batch: int
    timing: Timing  # of a batch
    macs: int  # per image
    bytes: int  # least traffic of the batch
    operations_limit: float | None  # seconds for the batch at the chip's measured rate
    bytes_limit: float  # seconds for the batch at the memory's measured bandwidth
    peak_memory: int | None  # bytes, one input batch included; None where the device does not tell
    clocks: dict[str, str] = field(default_factory=dict)  # right after the measurement

    @property
    def images_per_second(self) -> float:
        return self.batch / self.timing.median

    @property
    def over_limit(self) -> float:
        """Median time over the larger physical limit: 1 is as fast as the chip can."""
        return self.timing.median / max(self.operations_limit or 0.0, self.bytes_limit)

    def to_json(self) -> dict[str, Any]:
        """The fields, and what follows from them."""
        return {
            **dataclasses.asdict(self),
            "images_per_second": self.images_per_second,
            "over_limit": self.over_limit,
        }


@dataclass(frozen=True)
class AcceleratorRow:
    """A generated design: its plan and, where a simulation passed, the simulated cycles."""

    name: str
    directory: str
    status: str  # "simulated", "planned" or "simulation failed": where the cycles come from
    clock_mhz: float
    frame_interval: int  # cycles between frames
    latency_cycles: int | None  # from the start to the first frame's last logit; None unless simulated
    in_shape: tuple[int, int, int]  # (C, H, W)
    classes: int
    macs: int
    multipliers: int
    bytes: int  # per frame in and out of the design; weights stay inside

    @property
    def images_per_second(self) -> float:
        return self.clock_mhz * 1e6 / self.frame_interval

    @property
    def latency(self) -> float | None:
        """Seconds from the start to the first frame's last logit."""
        return None if self.latency_cycles is None else self.latency_cycles / (self.clock_mhz * 1e6)

    def to_json(self) -> dict[str, Any]:
        """The fields, and what follows from them."""
        return {
            **dataclasses.asdict(self),
            "images_per_second": self.images_per_second,
            "latency_seconds": self.latency,
        }


@dataclass(frozen=True, repr=False)
class Survey:
    """Everything that one run measured; print() shows it as a table in Markdown."""

    environment: dict[str, Any]
    bandwidth: float  # bytes per second, measured
    rates: dict[str, float]  # operations per second by precision, measured
    size: tuple[int, int, int]  # input (C, H, W)
    rows: tuple[Row, ...]
    accelerator: AcceleratorRow | None = None
    notes: tuple[str, ...] = ()  # what was not measured, and why

    def __repr__(self) -> str:
        return f"<Survey of {len(self.rows)} rows on {self.environment['device']}>"

    def __str__(self) -> str:
        from repvgg_hw.measure.latency import report

        return report.markdown(self)

    def to_json(self) -> dict[str, Any]:
        """As `latency --json` writes it."""
        return {
            "environment": self.environment,
            "measured_limits": {"bandwidth": self.bandwidth, "rates": self.rates},
            "input": list(self.size),
            "rows": [row.to_json() for row in self.rows],
            "accelerator": self.accelerator.to_json() if self.accelerator else None,
            "not_measured": list(self.notes),
        }
