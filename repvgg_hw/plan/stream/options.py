"""Every way to build each layer with what it takes of a device, without those that another one beats."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from repvgg_hw.plan.request import Algorithms
from repvgg_hw.plan.resources import Resources
from repvgg_hw.plan.stream.candidates import alike, foldings, linear_foldings, ways
from repvgg_hw.plan.stream.direct import ConvPlan
from repvgg_hw.plan.stream.layers import AnyConvPlan
from repvgg_hw.plan.stream.linear import LinearPlan
from repvgg_hw.plan.stream.resources import of_unit


@dataclass(frozen=True)
class Option:
    """One way to build a layer: the layer, or the last convolution with the head behind it.

    units  the layers that it is, folded
    """

    units: tuple[AnyConvPlan | LinearPlan, ...]
    cycles: int
    takes: Resources


@dataclass(frozen=True)
class Group:
    """Layers that are alike, by their indices, and the options of each."""

    layers: tuple[int, ...]
    options: tuple[Option, ...]


def _option(units: Sequence[AnyConvPlan | LinearPlan], family: str) -> Option:
    takes = Resources()
    for unit in units:
        takes += of_unit(unit, family)
    return Option(tuple(units), max(unit.cycles for unit in units), takes)


def undominated(options: Iterable[Option]) -> tuple[Option, ...]:
    """Those that no other option equals or beats in cycles and in every resource, fastest first."""
    every = sorted(options, key=lambda o: (o.cycles, o.takes.counts))
    table = np.array([(o.cycles, *o.takes.counts) for o in every])
    kept: list[int] = []
    for i, row in enumerate(table):
        if not kept or not (table[kept] <= row).all(axis=1).any():
            kept.append(i)
    return tuple(every[i] for i in kept)


def conv_options(conv: ConvPlan, algorithms: Algorithms, family: str) -> tuple[Option, ...]:
    """Of one convolution that is not fixed."""
    every = (folded for way in ways(conv, algorithms) for folded in foldings(way))
    return undominated(_option([unit], family) for unit in every)


def fixed_option(unit: AnyConvPlan | LinearPlan, family: str) -> tuple[Option, ...]:
    """The only one of a layer whose folding is given."""
    return (_option([unit], family),)


def with_head(
    convs: Sequence[Option], linear: LinearPlan, folded: LinearPlan | None, family: str
) -> tuple[Option, ...]:
    """The last convolution's options, each with the options of the head behind it.

    The head's pool takes as many channels at a time as the convolution gives; folded: as it is asked for.
    """
    heads: dict[int, tuple[Option, ...]] = {}
    found = []
    for option in convs:
        (conv,) = option.units
        lanes = conv.out_lanes
        if lanes not in heads:
            choices = linear_foldings(replace(linear, in_lanes=lanes))
            if folded is not None:
                choices = iter([replace(folded, in_lanes=lanes)])
            heads[lanes] = undominated(_option([head], family) for head in choices)
        for head in heads[lanes]:
            cycles = max(option.cycles, head.cycles)
            found.append(Option((conv, *head.units), cycles, option.takes + head.takes))
    return undominated(found)


def grouped(
    convs: Sequence[ConvPlan],
    fixed: dict[int, AnyConvPlan],
    linear: LinearPlan | None,
    folded: LinearPlan | None,
    algorithms: Algorithms,
    family: str,
) -> list[Group]:
    """All layers in groups of alike ones; the last convolution, with the head, is a group of its own.

    fixed   index of a convolution -> itself, folded as asked for
    folded  the linear layer, where its folding is asked for
    """
    members: dict[object, list[int]] = {}
    for i, conv in enumerate(convs):
        last = linear is not None and i == len(convs) - 1
        members.setdefault(("alone", i) if i in fixed or last else (alike(conv), conv.acc_bits), []).append(i)
    groups = []
    for indices in members.values():
        i = indices[0]
        options = fixed_option(fixed[i], family) if i in fixed else conv_options(convs[i], algorithms, family)
        if linear is not None and i == len(convs) - 1:
            options = with_head(options, linear, folded, family)
        groups.append(Group(tuple(indices), options))
    return groups
