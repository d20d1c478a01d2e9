"""The mixed-integer programme of a streaming plan under all resources of a device (HiGHS, in scipy).

For one frame interval T, x[g, o] of the alike layers of group g are built by option o, which takes at most
T cycles:

    sum over o of x[g, o] = layers of g              every layer is built once
    sum over g, o of takes[o, r] x[g, o] <= z limit[r]     for every resource r
    minimise z, the largest share of the limits

The plan fits at T where z is at most 1. Longer intervals allow every option of shorter ones, so the
smallest T that fits is found by bisection over the cycles that options have, exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

from repvgg_hw.errors import InputError
from repvgg_hw.plan.resources import NAMES, Resources, total
from repvgg_hw.plan.stream.options import Group, Option

GAP = 1e-4  # relative: what two solutions may differ by to count as equally good
LITTLE = 1e-3  # of the sum of all shares, beside the largest
TINY = 1e-3  # a limit of nothing, to divide by
SECONDS = 60.0  # for one interval; a first solution comes in milliseconds


@dataclass(frozen=True)
class Solution:
    """How each layer is built: index of a layer -> option. share is z above, of whole numbers."""

    chosen: dict[int, Option]
    share: float

    @property
    def takes(self) -> Resources:
        return total(option.takes for option in self.chosen.values())


def share(taken: Resources, limits: Resources) -> float:
    """The largest share of the limits; infinite where there is none of something that is taken."""
    pairs = zip(taken.counts, limits.counts, strict=True)
    return max((t / there if there else float("inf")) if t else 0.0 for t, there in pairs)


def solve(
    groups: Sequence[Group], interval: int, limits: Resources, *, short: bool = False
) -> Solution | None:
    """The plan within the interval that uses the least of what is scarcest; None where a layer is slower.

    short  rather the one that lacks least, all resources together: it says what is really short
    """
    within = [[o for o in group.options if o.cycles <= interval] for group in groups]
    if not all(within):
        return None
    if all(len(options) == 1 for options in within):  # nothing to choose
        counts = [[len(group.layers)] for group in groups]
    else:
        counts = _optimum(groups, within, limits, short=short)
    chosen: dict[int, Option] = {}
    for group, options, each in zip(groups, within, counts, strict=True):
        layers = iter(group.layers)
        for option, count in zip(options, each, strict=True):
            chosen |= {next(layers): option for _ in range(count)}
    taken = total(option.takes for option in chosen.values())
    return Solution(chosen, share(taken, limits))


def _optimum(
    groups: Sequence[Group], within: Sequence[Sequence[Option]], limits: Resources, *, short: bool
) -> list[list[int]]:
    """How many layers of each group are built by each of its options."""
    sizes = [len(options) for options in within]
    n, kinds = sum(sizes), len(NAMES)
    shares = np.array([o.takes.counts for options in within for o in options], float)  # (n, resources)
    shares /= np.maximum(np.array(limits.counts, float), TINY)  # of none any use is far too much
    layers = np.array([len(group.layers) for group in groups], float)
    member = np.repeat(np.eye(len(groups)), sizes, axis=1)
    if short:  # one variable for each resource: what of it lacks
        beside, right = -np.eye(kinds), np.ones(kinds)
    else:  # one variable: the largest share
        beside, right = -np.ones((kinds, 1)), np.zeros(kinds)
    others = beside.shape[1]
    # Beside that a little of all shares, so that what is not scarce is not wasted either.
    cost = np.append(LITTLE * shares.sum(axis=1), np.ones(others))
    upper = np.append(np.repeat(layers, sizes), np.full(others, np.inf))
    found = milp(
        cost,
        constraints=[
            LinearConstraint(csr_array(np.hstack([member, np.zeros((len(groups), others))])), layers, layers),
            LinearConstraint(csr_array(np.hstack([shares.T, beside])), -np.inf, right),
        ],
        integrality=np.append(np.ones(n), np.zeros(others)),
        bounds=Bounds(np.zeros(n + others), upper),
        options={"time_limit": SECONDS, "mip_rel_gap": GAP},
    )
    if found.x is None:
        raise InputError(
            f"the search for a plan on the device found nothing in {SECONDS:g} s: {found.message}"
        )
    whole = np.round(found.x[:n]).astype(int)
    return [part.tolist() for part in np.split(whole, np.cumsum(sizes)[:-1])]


def fastest(groups: Sequence[Group], limits: Resources, floor: int) -> Solution | None:
    """The solution at the smallest interval that fits; None where even the longest does not.

    floor  cycles that a frame takes in any case
    """
    intervals = sorted({max(floor, o.cycles) for group in groups for o in group.options})
    low, high, best = 0, len(intervals) - 1, None
    while low <= high:
        middle = (low + high) // 2
        found = solve(groups, intervals[middle], limits)
        if found is not None and found.share <= 1:
            best, high = found, middle - 1
        else:
            low = middle + 1
    return best


def smallest(groups: Sequence[Group], limits: Resources) -> Solution:
    """The solution that lacks least, however slow."""
    found = solve(groups, max(o.cycles for group in groups for o in group.options), limits, short=True)
    assert found is not None
    return found
