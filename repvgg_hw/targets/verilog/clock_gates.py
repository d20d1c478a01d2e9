"""When a layer's clock may stop in a simulation: sim/clock_gate.sv."""

from __future__ import annotations

from repvgg_hw.plan.stream.layers import AnyConvPlan

CLOCK_GATES = ("-DRVG_CLOCK_GATING",)  # arguments of a build in which layers at rest have no clock
PIPELINE_CYCLES = 512  # through everything of a layer that is not counted below


def rest_cycles(conv: AnyConvPlan) -> int:
    """Longer than a layer at work is without a beat in or out and without reading its tables.

    It is so while a set's windows are fetched, a column or a part of it per cycle, and transformed.
    """
    c = conv
    columns = c.lines.kernel * (c.lines.kernel // c.fetch_rows)
    return c.words * (columns + c.lines.kernel + 1) + PIPELINE_CYCLES
