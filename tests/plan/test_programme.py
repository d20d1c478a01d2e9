"""The mixed-integer programme against all combinations of small sets of options."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from repvgg_hw.plan.resources import Resources, total
from repvgg_hw.plan.stream.options import Group, Option, undominated
from repvgg_hw.plan.stream.programme import fastest, share, smallest, solve

LIMITS = Resources(70, 70, 700, 1400, 350)


def random_groups(seed: int) -> list[Group]:
    """Three groups of one or two layers, three or four options each: faster ones take more."""
    rng = np.random.default_rng(seed)
    groups, layer = [], 0
    for _ in range(3):
        count = int(rng.integers(1, 3))
        options = []
        for _ in range(int(rng.integers(3, 5))):
            cycles = int(rng.integers(10, 100))
            spread = rng.uniform(0.3, 1.7, 5) * (60 / cycles)
            takes = (spread * np.array([15, 15, 150, 300, 70])).astype(int)
            options.append(Option((), cycles, Resources(*map(int, takes))))
        groups.append(Group(tuple(range(layer, layer + count)), tuple(options)))
        layer += count
    return groups


def combinations(groups: list[Group]) -> list[tuple[int, Resources]]:
    """(slowest layer, what all take) of every way to build every layer."""
    layers = [group.options for group in groups for _ in group.layers]
    ways = itertools.product(*layers)
    return [(max(o.cycles for o in way), total(o.takes for o in way)) for way in ways]


@pytest.mark.parametrize("seed", range(8))
def test_no_combination_is_faster_or_takes_less(seed: int) -> None:
    groups = random_groups(seed)
    every = combinations(groups)
    fitting = [cycles for cycles, takes in every if not list(takes.over(LIMITS))]
    found = fastest(groups, LIMITS, floor=1)
    assert (found is not None) == bool(fitting)
    if found is None:
        return
    cycles = max(option.cycles for option in found.chosen.values())
    assert cycles == min(fitting)
    assert sorted(found.chosen) == list(range(sum(len(group.layers) for group in groups)))
    assert not list(found.takes.over(LIMITS))
    best = min(share(takes, LIMITS) for slowest, takes in every if slowest <= cycles)
    assert found.share == pytest.approx(best, rel=0.02)  # what it minimises, beside a little of all shares


@pytest.mark.parametrize("seed", range(4))
def test_the_plan_that_is_nearest_lacks_least(seed: int) -> None:
    groups, tight = random_groups(seed), Resources(20, 400, 4000, 8000, 2000)

    def lacking(takes: Resources) -> float:
        return sum(wanted / there - 1 for _, wanted, there in takes.over(tight))

    found = lacking(smallest(groups, tight).takes)
    assert found <= min(lacking(takes) for _, takes in combinations(groups)) + 0.02


def test_an_interval_that_a_layer_cannot_keep_has_no_solution() -> None:
    groups = random_groups(0)
    assert solve(groups, min(o.cycles for g in groups for o in g.options) - 1, LIMITS) is None


def test_none_of_a_resource_is_never_enough() -> None:
    group = Group((0,), (Option((), 5, Resources(dsp=1)), Option((), 9, Resources(lut=10))))
    found = fastest([group], Resources(0, 0, 100, 100, 100), floor=1)
    assert found is not None
    assert found.chosen[0].cycles == 9


def test_options_that_another_beats_in_all_are_left_out() -> None:
    quick, slow = Option((), 5, Resources(dsp=9)), Option((), 9, Resources(dsp=3))
    worse = Option((), 9, Resources(dsp=4, lut=1))
    assert undominated([worse, slow, quick]) == (quick, slow)
    assert undominated([slow, slow]) == (slow,)
