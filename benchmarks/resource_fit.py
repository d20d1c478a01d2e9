"""From measured cells to coefficients, and from coefficients to errors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import nnls

from benchmarks.resource_cases import Case
from repvgg_hw.plan.resources import Resources
from repvgg_hw.plan.stream.features import Features
from repvgg_hw.plan.stream.resources import of_plan, plan_features

# Resource -> cell -> how many of it one such cell is.
LUTRAM = {
    "RAM32X1D": 2,
    "RAM64X1D": 2,
    "RAM128X1D": 4,
    "RAM256X1D": 8,
    "RAM32M": 4,
    "RAM64M": 4,
    "RAM32M16": 8,
    "RAM64M8": 8,
    "TRELLIS_DPR16X4": 4,
}
CELLS: dict[str, dict[str, int]] = {
    "dsp": {"DSP48E1": 1, "DSP48E2": 1, "MULT18X18D": 1},
    "bram": {"RAMB18E1": 1, "RAMB36E1": 2, "RAMB18E2": 1, "RAMB36E2": 2, "DP16KD": 1},
    "lut": {**{f"LUT{n}": 1 for n in range(1, 7)}, "INV": 1, "SRL16E": 1, "SRLC32E": 1, "CCU2C": 2, **LUTRAM},
    "ff": {"FDRE": 1, "FDSE": 1, "FDCE": 1, "FDPE": 1, "TRELLIS_FF": 1},
    "lutram": LUTRAM,
}
FITTED = ("lut", "ff")
# What a bit of each feature takes as far as the circuit says so, before anything is measured: an adder is a
# LUT a bit, a register a flip-flop. A fit starts from these, and measurements move it.
LUT6 = {
    "ram in luts": 1.0,
    "rom in luts": 1.0,
    "stacked": 0.5,
    "line select": 0.4,
    "accumulators": 1.0,
    "added bits": 1.0,
    "chosen": 0.4,
    "requantized": 2.0,
    "lanes": 25.0,
    "counters": 2.0,
    "units": 90.0,
    "in parts": 30.0,
    "heads": 60.0,
    "designs": 30.0,
    "beside": 1.0,
    "taken apart": 0.4,
    "converters": 10.0,
    "outputs": 5.0,
    "turned": 1.0,
    "parts": 0.4,
    "data adders": 1.0,
    "output adders": 1.0,
    "dividers": 1.0,
    "raster select": 0.5,
    "tiles": 60.0,
    "logits": 1.5,
    "pooled": 2.0,
}
FF = {
    "data registers": 1.0,
    "transform registers": 1.0,
    "read register": 1.0,
    "rom register": 1.0,
    "accumulators": 1.0,
    "sum registers": 1.0,
    "operands": 1.0,
    "counters": 2.5,
    "units": 80.0,
    "in parts": 10.0,
    "heads": 60.0,
    "designs": 10.0,
    "converters": 5.0,
    "outputs": 3.0,
    "tiles": 60.0,
}
PRIOR: dict[str, dict[str, dict[str, float]]] = {
    "xc7": {"lut": LUT6, "ff": FF},
    "xcup": {"lut": LUT6, "ff": FF},
    "ecp5": {
        "lut": {
            **LUT6,
            "added bits": 1.2,
            "line select": 0.7,
            "stacked": 0.7,
            "requantized": 4.0,
            "turned": 1.0,
        },
        "ff": FF,
    },
}
TRUST = 0.04  # in the prior: a coefficient that is off by all of itself counts as an error of this size


@dataclass(frozen=True)
class Measured:
    """One case in one family: what synthesis counted, and what is estimated."""

    case: Case
    features: Features
    counted: Resources
    estimated: Resources


def counted(cells: Mapping[str, int]) -> Resources:
    """Resources from the cells of a netlist."""
    return Resources(
        **{name: sum(cells.get(cell, 0) * each for cell, each in of.items()) for name, of in CELLS.items()}
    )


def measured(
    cases: Sequence[Case], family: str, cells: Mapping[str, Mapping[str, int]]
) -> Iterator[Measured]:
    """Those of the cases that were measured."""
    for case in cases:
        found = cells.get(f"{case.name} {family}")
        if found is not None:
            _, plan = case.build()
            yield Measured(case, plan_features(plan, family), counted(found), of_plan(plan, family))


def fit(rows: Sequence[Measured], family: str, what: str) -> dict[str, float]:
    """Coefficients, none below zero: least squares of relative errors, drawn towards PRIOR.

    With a few tens of measurements of as many features, plain least squares would follow a case's every whim.
    """
    prior = PRIOR[family][what]
    names = list(prior)
    start = np.array(list(prior.values()))
    truth = np.array([getattr(row.counted, what) for row in rows], float)
    matrix = np.array([[row.features.get(name, 0) for name in names] for row in rows], float)
    system = np.vstack([matrix * start / truth[:, None], TRUST * np.eye(len(names))])
    found, _ = nnls(system, np.append(np.ones(len(rows)), TRUST * np.ones(len(names))))
    return {name: float(f"{c:.4g}") for name, c in zip(names, found * start, strict=True) if c > 0}


def errors(rows: Sequence[Measured], what: str) -> list[float]:
    """Relative errors of the estimates, in the order of the rows."""
    return [getattr(row.estimated, what) / getattr(row.counted, what) - 1 for row in rows]
