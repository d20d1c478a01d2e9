"""Pareto's front: the points that no other point beats in everything that counts."""

from __future__ import annotations

from collections.abc import Sequence


def front(costs: Sequence[tuple[float, ...]]) -> list[bool]:
    """Of each point whether it is on the front.

    costs  for each point as many numbers, each the better the smaller it is
    """
    return [not any(_beats(other, mine) for other in costs) for mine in costs]


def _beats(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    """Whether one is worse in nothing, and better in something: of equal points none beats the other."""
    return one != other and all(a <= b for a, b in zip(one, other, strict=True))
