"""A generated design beside the GPU: simulated cycles at the plan's clock."""

from __future__ import annotations

import math
from pathlib import Path

from repvgg_hw import design
from repvgg_hw.design import folder, results
from repvgg_hw.errors import InputError
from repvgg_hw.measure.latency.rows import AcceleratorRow


def accelerator_row(directory: Path) -> AcceleratorRow:
    """Read a folder written by `generate` and the result that `simulate` left in it, if any.

    Cycles count only from a simulation that passed; else the interval is the plan's and the latency open.
    Raises InputError where the folder holds no design or a file is damaged.
    """
    return folder.steady(directory, lambda: _row(directory))


def _row(directory: Path) -> AcceleratorRow:
    loaded = design.load(directory)
    plan, network = loaded.plan, loaded.network
    if not network.num_classes:
        raise InputError(f"{directory} ends with a map: latency times networks with a linear layer")
    if plan.clock_mhz is None:
        raise InputError(f"{directory} was planned without a clock: generate it with --clock to assume one")
    result = results.load(directory)
    status = "planned" if result is None else "simulated" if result.passed else "simulation failed"
    proven = result if result and result.passed else None
    pixels = math.prod(plan.in_shape)
    return AcceleratorRow(
        name=plan.name,
        directory=directory.resolve().name,
        status=status,
        clock_mhz=plan.clock_mhz,
        frame_interval=(proven and proven.frame_interval) or plan.frame_interval,  # one image has no interval
        latency_cycles=proven.latency_cycles if proven else None,
        in_shape=plan.in_shape,
        classes=network.num_classes,
        macs=plan.macs,
        multipliers=plan.multipliers + plan.requant_multipliers,
        bytes=(pixels * network.convs[0].in_bits + plan.output.frame_bits) // 8,
    )
