"""What the numbers of a Sequential hide: layers without parameters, of which a gap is the only trace.

In a Sequential of torch's own layers, convolution, BN, ReLU, exactly one number is missing behind each unit:
the ReLU. In one of modules that bring their ReLU along, none is missing. Anything else hides a layer or
shows that one is not there, and is refused.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass

from repvgg_hw.checkpoint.decisions import Decisions
from repvgg_hw.checkpoint.tree import pattern

BEHIND_LAST = 3  # ReLU, pooling, Flatten between the last convolution of a Sequential and its linear layer
_POOLING = 2  # pooling and Flatten
# Modules of the published code bases whose numbers count blocks: a missing one is no ReLU there.
_STAGE = re.compile(r"(^|\.)(stage_?\d+|stage\d+(_first|_second)?\.blocks|stages\.\d+)$")


@dataclass(frozen=True)
class Item:
    """A part of a module: its first and last name (its BN's), and whether it is a bare convolution."""

    name: str
    last: str
    bare: bool


def require_no_gap(
    path: str, items: Sequence[Item], linear: str | None, norms: Sequence[str], decisions: Decisions
) -> None:
    """Raise InputError for a module whose parts' numbers leave room for a layer that is not read.

    linear  the name of the linear layer, or of what holds it, if it stands in the same module
    norms   names of batch normalizations that belong to nobody: they are refused for themselves
    """
    if not items or norms:
        return
    where = path or "the network"
    if all(item.name.isdigit() and item.last.isdigit() for item in items):
        _check_sequential(where, sorted(items, key=lambda item: int(item.name)), linear, decisions)
    else:
        _check_names(where, items, decisions)


def _check_sequential(where: str, items: list[Item], linear: str | None, decisions: Decisions) -> None:
    first = int(items[0].name)
    if first:
        _gap(
            decisions,
            f"{where}: the first number is {first}, not 0: either a layer without parameters stands there, "
            "or a block is missing",
        )
    counts_blocks = bool(_STAGE.search(where))
    for item, following in itertools.pairwise(items):
        room = int(following.name) - int(item.last) - 1
        if room == (1 if item.bare else 0) and not (item.bare and counts_blocks):
            continue
        if room == 0:
            problem = (
                f"{where}: no number is free for a ReLU between {item.last} and {following.name}: either it "
                "is applied elsewhere, or there is none"
            )
        else:
            problem = (
                f"{where}: {room} numbers without keys between {item.last} and {following.name}: either they "
                "hide a ReLU and no more, or another layer such as a pooling, or blocks are missing"
            )
        _gap(decisions, problem)
    if linear is not None and linear.isdigit():
        room = int(linear) - int(items[-1].last) - 1
        if room == BEHIND_LAST if items[-1].bare else 0 <= room <= _POOLING:
            return
        _gap(
            decisions,
            f"{where}: {room} numbers without keys between the last block {items[-1].name} and the linear "
            f"layer {linear}: either they hide {'ReLU, ' if items[-1].bare else ''}pooling and Flatten, or "
            "another layer too, or blocks are missing",
        )


def _check_names(where: str, items: Sequence[Item], decisions: Decisions) -> None:
    """Names with a number, such as block1, block2: none may be missing between two of them."""
    kinds: dict[str, list[tuple[int, ...]]] = {}
    for item in items:
        kind, numbers = pattern(item.name)
        if numbers:
            kinds.setdefault(kind, []).append(numbers)
    for kind, counted in kinds.items():
        missing = _missing(sorted(counted)) if len(counted) > 1 else None  # resnet50 alone counts nothing
        if missing is not None:
            name = kind
            for number in missing:
                name = name.replace("#", str(number), 1)
            _gap(
                decisions,
                f"{where}: {name} is not there: either it is a layer without parameters, or a block is "
                "missing",
            )


def _missing(counted: list[tuple[int, ...]]) -> tuple[int, ...] | None:
    """The first tuple that a sequence leaves out: each number counts from 0 or 1, or goes on by 1."""
    for index, numbers in enumerate(counted):
        before = counted[index - 1] if index else None
        same = 0
        while before is not None and same < len(numbers) and numbers[same] == before[same]:
            same += 1
        for place in range(same, len(numbers)):
            counts_on = before is not None and place == same
            if counts_on and before is not None and numbers[place] != before[place] + 1:
                return (*numbers[:place], before[place] + 1, *numbers[place + 1 :])
            if not counts_on and numbers[place] > 1:
                return (*numbers[:place], 1, *numbers[place + 1 :])
    return None


def _gap(decisions: Decisions, problem: str) -> None:
    decisions.need("between", problem, first="relu", subject="layers without keys")
