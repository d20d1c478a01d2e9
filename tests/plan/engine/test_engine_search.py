"""The search's engine fits what it was given, and no other that fits is faster."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from engine_cases import network_of

from repvgg_hw.errors import InputError
from repvgg_hw.plan import device, rate
from repvgg_hw.plan.choose import choose
from repvgg_hw.plan.engine import limits
from repvgg_hw.plan.engine.array import Array
from repvgg_hw.plan.engine.plan import EnginePlan
from repvgg_hw.plan.engine.resources import dsps
from repvgg_hw.plan.engine.schedule import plan
from repvgg_hw.plan.engine.search import Budget, candidates, fit, search
from repvgg_hw.plan.request import parse
from repvgg_hw.plan.resources import Resources

NETWORK = network_of([(16, 2, 1), (16, 1, 1), (24, 2, 2)], (3, 30, 30), 10)
SMALL = Budget("xc7", Resources(dsp=60, bram=60, lut=20_000, ff=40_000, lutram=8_000))


def all_fitting() -> Iterator[Array]:
    """Every array of a grid that fits the budget."""
    (some, *_) = candidates([NETWORK], SMALL)
    for n, pi, po, depth in itertools.product((3, 5, 7), range(1, 5), range(1, 7), (1024, 4096)):
        for lanes in (lanes for lanes in range(1, po + 1) if po % lanes == 0):
            array = replace(some, n=n, pi=pi, po=po, lanes=lanes, word_depth=depth, pool_w=24)
            if fit(array, SMALL) is not None:
                yield array


def test_no_other_that_fits_is_faster() -> None:
    found = search(NETWORK, SMALL)
    assert fit(found.array, SMALL) == found.resources
    assert not list(found.resources.over(SMALL.resources))
    others = [(plan(NETWORK, array).frame().interval, array) for array in all_fitting()]
    assert len(others) > 20
    assert found.frame.interval <= min(cycles for cycles, _ in others)


def test_more_of_a_device_is_not_slower() -> None:
    larger = replace(SMALL, resources=Resources(*(2 * count for count in SMALL.resources.counts)))
    assert search(NETWORK, larger).frame.interval < search(NETWORK, SMALL).frame.interval


def test_nothing_fits_nothing() -> None:
    with pytest.raises(InputError, match="no engine for this network fits"):
        search(NETWORK, replace(SMALL, resources=replace(SMALL.resources, dsp=10)))


def test_budget_is_a_share_of_the_device() -> None:
    budget = Budget.of(device.get("pynq-z2"))
    assert (budget.family, budget.resources.dsp, budget.resources.bram) == ("xc7", 198, 252)


@pytest.mark.parametrize(
    ("a", "b", "ports", "count"),
    [
        (24, 16, (25, 18), 1),
        (24, 16, (18, 18), 2),
        (28, 18, (25, 18), 2),
        (18, 14, (18, 18), 1),
        (32, 8, (27, 18), 2),
    ],
)
def test_dsps_of_a_product(a: int, b: int, ports: tuple[int, int], count: int) -> None:
    assert dsps(a, b, ports) == dsps(b, a, ports) == count


def test_an_engine_has_room_for_others() -> None:
    """Wider sums, more pooled channels, wider maps: what the engine of the first alone cannot run."""
    other = network_of([(40, 2, 1), (70, 2, 1), (80, 2, 1)], (3, 30, 200), 10)
    with pytest.raises(InputError, match="does not fit this engine"):
        limits.check(other, search(NETWORK, SMALL).array)
    found = search(NETWORK, SMALL, [other])
    limits.check(other, found.array)
    limits.check(NETWORK, found.array)
    assert fit(found.array, SMALL) is not None
    assert found.frame.interval >= search(NETWORK, SMALL).frame.interval


def test_words_go_to_ultraram_where_block_ram_does_not_hold_them() -> None:
    block = search(NETWORK, SMALL)
    less = replace(SMALL, resources=replace(SMALL.resources, bram=block.resources.bram - 1))
    ultra = search(NETWORK, replace(less, resources=replace(less.resources, uram=16)))
    assert (block.array.word_uram, ultra.array.word_uram) == (0, 1)
    assert 0 < ultra.resources.uram <= 16
    assert ultra.resources.bram < block.resources.bram
    assert ultra.frame.interval <= search(NETWORK, less).frame.interval
    same = replace(block.array, word_uram=1)
    assert same.identity == block.array.identity  # images do not care
    assert fit(same, SMALL) is None


def test_what_the_search_found_fits_in_words_too() -> None:
    """UltraRAM was counted as block RAM, and "does not fit" was said of what does."""
    request = parse("verilog", device="kv260", fill=0.8, architecture="engine")
    array = search(NETWORK, SMALL).array
    said = rate.fits(EnginePlan(plan(NETWORK, replace(array, word_uram=1)), None), request)
    assert said is not None
    assert said.startswith("fits kv260")
    assert "UltraRAM" in said


def test_the_search_tells_of_its_way() -> None:
    told = list[tuple[float | None, str]]()
    choose(
        NETWORK, [parse("verilog", multipliers=300, architecture="engine")], (), lambda *one: told.append(one)
    )
    shares = [share for share, _ in told if share is not None]
    assert len(shares) == len(told) > 10
    assert (shares[0], shares[-1]) == (0.0, 1.0)
    assert shares == sorted(shares)
    assert told[0][1] == "engines that fit"
    assert re.fullmatch(r"\d+ of \d+ engines", told[1][1])
