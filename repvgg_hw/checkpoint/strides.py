"""Strides, which no state dict holds: from identity branches, from a block's place, or from the user."""

from __future__ import annotations

from collections.abc import Sequence

from repvgg_hw.checkpoint.decisions import Decisions, refusal
from repvgg_hw.checkpoint.naming import NamedBlock, NamedNetwork
from repvgg_hw.checkpoint.shapes import BlockShape
from repvgg_hw.errors import InputError

STAGE_RULE = "the first block of each stage has 2, every other 1"
CHAIN_RULE = "a plain chain: the first block and each that changes the width have 2, every other 1"
IDENTITY_RULE = "a block with an identity branch has 1, one that keeps the width and lacks it among others 2"


def infer_strides(
    named: NamedNetwork, shapes: Sequence[BlockShape], given: Sequence[int] | None, decisions: Decisions
) -> list[int]:
    """One stride per layer: those given, per stage or per layer, else by the rules above.

    Raises InputError if given strides contradict an identity branch or fit neither stages nor layers, and
    where a block's place says one stride and its width or its missing identity another.
    """
    if given is not None:
        return _given(given, named.blocks, shapes)
    strides = [_by_rule(named, index, shapes, decisions) for index in range(len(shapes))]
    rules = [STAGE_RULE if named.staged else CHAIN_RULE]
    if any(shape.identity is not None for shape in shapes):
        rules.insert(0, IDENTITY_RULE)
    decisions.record("strides", _named(named.blocks, strides), f"{'; '.join(rules)}; --strides overrides")
    return strides


def _named(blocks: Sequence[NamedBlock], strides: Sequence[int]) -> str:
    """Which blocks have stride 2, by their names: a list of numbers is hard to check."""
    twos = [
        block.prefix or "the only block" for block, stride in zip(blocks, strides, strict=True) if stride == 2
    ]
    return f"2 in {', '.join(twos)}, else 1" if twos else "1 everywhere"


def _by_rule(named: NamedNetwork, index: int, shapes: Sequence[BlockShape], decisions: Decisions) -> int:
    block, blocks, shape = named.blocks[index], named.blocks, shapes[index]
    others_show_identity = any(other.identity for other in shapes)
    same_width = shape.c_in == shape.c_out
    if shape.identity and same_width:
        return 1
    first_of_stage = index == 0 or blocks[index - 1].stage != block.stage
    first_of_group = index > 0 and block.group is not None and blocks[index - 1].group != block.group
    if named.staged and block.stage is None:
        problem = "it stands outside of the stages: its stride may be 1 or 2"
    elif named.staged:
        if shape.identity is None or not same_width or first_of_stage:
            return 2 if first_of_stage else 1
        problem = (
            "equal widths and no identity branch inside a stage: either its stride is 2, or the keys of its "
            "identity are missing"
        )
    elif shape.identity is not None and same_width and index > 0:
        if first_of_group or (block.group is None and others_show_identity):
            return 2
        problem = (
            "equal widths and no identity branch: either its stride is 2, or it is 1 and the network has no "
            "identities (or the keys of this one are missing)"
        )
    elif block.group is not None and index > 0 and first_of_group == same_width:
        begins = "begins" if first_of_group else "stands inside"
        width = "keeps" if same_width else "changes"
        problem = f"it {begins} {block.group} and {width} the width: its stride may be 1 or 2"
    else:
        return 1 if same_width and index else 2
    if decisions.verified:
        return 2 if first_of_stage else 1
    raise refusal(f"{block.prefix}: {problem}", "--strides, one per stage or layer")


def _given(given: Sequence[int], blocks: Sequence[NamedBlock], shapes: Sequence[BlockShape]) -> list[int]:
    if any(stride not in (1, 2) for stride in given):
        raise InputError(f"strides are 1 or 2, not {list(given)}")
    first = [i for i, b in enumerate(blocks) if i == 0 or b.stage is None or blocks[i - 1].stage != b.stage]
    if len(given) == len(blocks):
        strides = list(given)
    elif len(given) == len(first):
        strides = [1] * len(blocks)
        for index, stride in zip(first, given, strict=True):
            strides[index] = stride
    else:
        raise InputError(
            f"{len(given)} strides given; needed is one per stage ({len(first)}) or layer ({len(blocks)})"
        )
    for stride, shape, block in zip(strides, shapes, blocks, strict=True):
        if stride == 2 and shape.identity:
            raise InputError(f"{block.prefix}: stride 2 contradicts the identity branch in the file")
    return strides
