"""Estimates of resources against synthesis, as benchmarks/resources.py recorded it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import pytest

from benchmarks.resource_cases import CHECK, FIT
from benchmarks.resource_fit import Measured, errors, fit, measured
from benchmarks.resources import current, load
from repvgg_hw.plan.device import get
from repvgg_hw.plan.parts import FAMILIES
from repvgg_hw.plan.resources import Resources, of_device, summary
from repvgg_hw.plan.stream.resources import coefficients, multipliers, plan_features

CASES = (*FIT, *CHECK)
Cells = Mapping[str, Mapping[str, int]]


@pytest.fixture(scope="module")
def cells() -> Cells:
    found = current(load())
    if len(found) < len(FAMILIES) * len(CASES):
        pytest.skip("resources.json is of other RTL: benchmarks/resources.py --measure --fit")
    return found


def rows(cells: Cells, family: str, *, seen: bool) -> list[Measured]:
    return list(measured(FIT if seen else CHECK, family, cells))


@pytest.mark.parametrize("family", FAMILIES)
def test_dsps_and_block_rams_are_exact(cells: Cells, family: str) -> None:
    every = rows(cells, family, seen=True) + rows(cells, family, seen=False)
    assert len(every) == len(CASES)
    for row in every:
        for what in ("dsp", "bram", "lutram"):
            wanted, found = getattr(row.counted, what), getattr(row.estimated, what)
            assert found == wanted, f"{row.case.name}: {what}"


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("what", ["lut", "ff"])
def test_logic_is_within_ten_percent(cells: Cells, family: str, what: str) -> None:
    """Of every case, those that no coefficient was fitted to among them."""
    unseen = rows(cells, family, seen=False)
    assert len(unseen) == len(CHECK)
    assert max(map(abs, errors(rows(cells, family, seen=True) + unseen, what))) < 0.10


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("what", ["lut", "ff"])
def test_the_coefficients_are_those_of_the_recorded_cases(cells: Cells, family: str, what: str) -> None:
    fitted = fit(rows(cells, family, seen=True), family, what)
    assert coefficients()[family][what] == pytest.approx(fitted, rel=1e-2)


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
    for case in CASES:
        _, plan = case.build()
        features = plan_features(plan, "xc7")
        assert isinstance(features, Counter)
        assert min(features.values()) >= 0
