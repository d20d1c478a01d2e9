"""Estimates of resources against synthesis, as benchmarks/resources.py recorded it."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from benchmarks.resource_cases import CHECK, FIT
from benchmarks.resource_fit import Measured, errors, fit, measured
from repvgg_hw.plan.device import get
from repvgg_hw.plan.parts import FAMILIES
from repvgg_hw.plan.resources import Resources, of_device, summary
from repvgg_hw.plan.stream.resources import coefficients, library, multipliers

DATA: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "benchmarks" / "data" / "resources.json").read_text()
)

of_this_library = pytest.mark.skipif(
    DATA["library"] != library(),
    reason="resources.json is of another Verilog library: benchmarks/resources.py --measure --fit",
)
# Where the rule is not Yosys': a linear layer of 4 x 2 on ECP5 gets one multiplier more than it has products.
KNOWN = {("l3", "ecp5", "dsp")}


def rows(family: str, *, seen: bool) -> list[Measured]:
    return list(measured(FIT if seen else CHECK, family, DATA["cells"]))


@of_this_library
@pytest.mark.parametrize("family", FAMILIES)
def test_dsps_and_block_rams_are_exact(family: str) -> None:
    every = rows(family, seen=True) + rows(family, seen=False)
    assert len(every) >= 10
    for row in every:
        for what in ("dsp", "bram", "lutram"):
            if (row.case.name, family, what) in KNOWN:
                continue
            wanted, found = getattr(row.counted, what), getattr(row.estimated, what)
            assert found == wanted, f"{row.case.name}: {what}"


@of_this_library
@pytest.mark.parametrize("family", FAMILIES)
def test_flip_flops_are_within_ten_percent(family: str) -> None:
    assert max(map(abs, errors(rows(family, seen=True) + rows(family, seen=False), "ff"))) < 0.10


@of_this_library
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("what", ["lut", "ff"])
def test_the_coefficients_are_those_of_the_recorded_cases(family: str, what: str) -> None:
    assert coefficients()[family][what] == pytest.approx(fit(rows(family, seen=True), family, what), rel=1e-2)


def test_a_product_wider_than_the_ports_takes_more() -> None:
    """By hand, from cells/: one port of 25, 27 or 18 bits, two with 17 more; wider: Yosys, on xc7 LUTs."""
    assert [multipliers(a, 18, "ecp5") for a in (8, 18, 19, 35, 36)] == [1, 1, 2, 2, 3]
    assert [multipliers(18, b, "xc7") for b in (25, 26, 42, 43)] == [1, 2, 2, 0]
    assert multipliers(20, 20, "xcup") == 2
    assert [multipliers(9, 8, f) for f in ("xc7", "xcup", "ecp5")] == [1, 1, 1]
    assert [multipliers(24, 18, f) for f in ("xc7", "xcup", "ecp5")] == [1, 1, 2]
    assert [multipliers(28, 18, f) for f in ("xc7", "xcup", "ecp5")] == [2, 2, 2]


def test_shares_and_limits() -> None:
    kv260 = get("kv260")
    limits = of_device(kv260, 0.5)
    assert limits == Resources(624, 144, 58_560, 117_120, 28_800, uram=32)
    taken = Resources(dsp=625, bram=144)
    assert list(taken.over(limits)) == [("dsp", 625, 624)]
    assert summary(taken, kv260).startswith("DSP 625 of 1,248 (50%), BRAM 144 of 288 (50%), LUT 0 of 117,120")
    assert taken + taken == Resources(dsp=1250, bram=288)


def test_features_are_counts() -> None:
    for row in rows("xc7", seen=True):
        assert isinstance(row.features, Counter)
        assert min(row.features.values()) >= 0
