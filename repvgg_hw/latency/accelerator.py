"""A generated design beside the GPU: simulated cycles at the plan's clock."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from repvgg_hw import design
from repvgg_hw.errors import InputError
from repvgg_hw.latency.rows import AcceleratorRow
from repvgg_hw.network import LOGIT_BITS


def accelerator_row(directory: Path) -> AcceleratorRow:
    """Read a folder written by `generate` and, where there is one, its results.json written by `simulate`.

    Raises InputError where the folder holds no design or a file is damaged.
    """
    plan = design.load(directory).plan
    results = _results(directory / "results.json")
    channels, height, width = plan.in_shape
    return AcceleratorRow(
        name=plan.name,
        directory=directory.name,
        clock_mhz=plan.clock_mhz,
        frame_interval=_cycles(results, "frame_interval", directory) or plan.frame_interval,
        latency_cycles=_cycles(results, "latency_cycles", directory),
        simulated=bool(results),
        macs=plan.macs,
        multipliers=plan.multipliers + plan.requant_multipliers,
        bytes=channels * height * width * plan.in_bits // 8 + plan.linear.c_out * LOGIT_BITS // 8,
    )


def _results(path: Path) -> dict[str, Any]:
    """The simulation's results, empty where there was none."""
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text())
    except ValueError as error:
        raise InputError(f"{path} is damaged ({error}): run `repvgg-hw simulate` again") from None
    if not isinstance(content, dict):
        raise InputError(f"{path} is damaged (no object): run `repvgg-hw simulate` again")
    return content


def _cycles(results: dict[str, Any], key: str, directory: Path) -> int | None:
    """A count of cycles; None where it was not simulated (one frame has no interval)."""
    value = results.get(key)
    if value is None:
        return None
    if not isinstance(value, int | float) or value <= 0:
        raise InputError(f"{directory / 'results.json'}: {key} is {value!r}: run `repvgg-hw simulate` again")
    return round(value)
