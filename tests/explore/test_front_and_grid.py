"""Which points a sweep has, and which of them nothing beats."""

from __future__ import annotations

import itertools
import random

import pytest

from repvgg_hw.errors import InputError
from repvgg_hw.explore import grid
from repvgg_hw.explore.front import front


def test_of_two_that_each_win_something_both_stay() -> None:
    assert front([(1.0, 2.0), (2.0, 1.0), (2.0, 2.0)]) == [True, True, False]


def test_of_equal_points_none_beats_the_other() -> None:
    assert front([(1.0, 1.0), (1.0, 1.0), (1.0, 2.0)]) == [True, True, False]


def test_the_front_is_what_no_point_dominates() -> None:
    """Against the textbook's definition, by minimal elements of the product order."""
    rng = random.Random(1)
    for _ in range(50):
        costs = [tuple(float(rng.randrange(4)) for _ in range(3)) for _ in range(12)]
        kept = {cost for cost, on in zip(costs, front(costs), strict=True) if on}
        for cost in costs:
            below = [c for c in costs if c != cost and max(a - b for a, b in zip(c, cost, strict=True)) <= 0]
            assert (cost in kept) == (not below)
        for one, other in itertools.permutations(kept, 2):
            assert any(a < b for a, b in zip(one, other, strict=True))


def points(**words: object) -> list[tuple[str, str, str, str]]:
    found = grid(["a"], **words)  # type: ignore[arg-type]
    return [(p.network, p.budget, p.request.architecture, p.tiles) for p in found]


def test_every_combination_once() -> None:
    assert points(multipliers=[128, 64, 128], winograd=["off", 4]) == [
        ("a", "128 multipliers", "stream", "off"),
        ("a", "128 multipliers", "stream", "4"),
        ("a", "64 multipliers", "stream", "off"),
        ("a", "64 multipliers", "stream", "4"),
    ]
    both = grid(["a", "b"], multipliers=[64])
    assert [point.network for point in both] == ["a", "b"]


def test_an_engine_searches_its_own_tiles_and_no_rate() -> None:
    assert points(device=["KV260"], winograd=["off", "auto"]) == [
        ("a", "kv260", "stream", "off"),
        ("a", "kv260", "stream", "auto"),
        ("a", "kv260", "engine", ""),
    ]
    asked = {"fps": [100.0], "multipliers": [64], "architecture": ["stream", "engine"]}
    assert points(**asked) == [
        ("a", "64 multipliers", "stream", "off"),
        ("a", "64 multipliers", "engine", ""),
        ("a", "100 frames/s", "stream", "off"),
    ]


def test_fill_is_of_devices_alone() -> None:
    found = grid(["a"], device=["kv260"], multipliers=[64], fill=0.5, architecture=["stream"])
    assert [point.request.device and point.request.device.fill for point in found] == [None, 0.5]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ({}, "needs budgets"),
        ({"fps": [9.0], "architecture": ["engine"]}, "nothing to plan"),
        ({"multipliers": [1], "fill": 0.5}, "fill belongs to a device"),
        ({"device": ["kv261"]}, "did you mean kv260"),
        ({"multipliers": [9], "architecture": ["streams"]}, "streams"),
        ({"multipliers": [9], "winograd": [9]}, "--winograd is auto, off or a tile"),
        ({"multipliers": [9], "architecture": ["engine"], "winograd": ["auto"]}, "its own tiles"),
        ({"multipliers": range(1, 10_002)}, "10,001 points are more than 10,000"),
    ],
)
def test_what_means_nothing_is_said(words: dict[str, object], says: str) -> None:
    with pytest.raises(InputError, match=says):
        points(**words)
