"""Infer the architecture from shapes: groups, strides, stages. Never from the file's name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from repvgg_hw.checkpoint.naming import NamedBlock
from repvgg_hw.errors import InputError
from repvgg_hw.model.variants import VARIANTS
from repvgg_hw.network import Architecture

STRIDE_RULE = (
    "stride is not stored: a block whose kept branches show an identity has 1, one with equal widths and "
    "no identity has 2; otherwise the first block of a stage (in a plain chain: a change of width) has 2"
)


@dataclass(frozen=True)
class BlockShape:
    """What can be said of a block before it is fused."""

    c_in: int
    c_out: int
    groups: int
    identity: bool | None  # kept branches show one, show its absence, or cannot tell


def infer_strides(shapes: Sequence[BlockShape], blocks: Sequence[NamedBlock]) -> list[int]:
    """One stride per layer, by STRIDE_RULE."""
    strides = []
    for index, (shape, block) in enumerate(zip(shapes, blocks, strict=True)):
        if block.stage is not None:
            begins = index == 0 or blocks[index - 1].stage != block.stage
        else:
            begins = index == 0 or shape.c_in != shape.c_out
        if shape.identity is not None and shape.c_in == shape.c_out:
            strides.append(1 if shape.identity else 2)
        else:
            strides.append(2 if begins else 1)
    return strides


def apply_strides(
    given: Sequence[int], inferred: Sequence[int], shapes: Sequence[BlockShape], blocks: Sequence[NamedBlock]
) -> list[int]:
    """The user's strides, one per layer or one per stage, in place of the inferred ones.

    Raises InputError if their number fits neither, or if one contradicts a kept identity branch.
    """
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


def architecture(
    shapes: Sequence[BlockShape],
    strides: Sequence[int],
    blocks: Sequence[NamedBlock],
    *,
    num_classes: int,
    se: str | None,
) -> Architecture:
    """The Architecture of a chain; a stage begins where the file says so, the width changes or stride is 2.

    Named after the variant that it is, if it is one, else "custom".
    """
    starts = [
        index
        for index, (shape, stride) in enumerate(zip(shapes, strides, strict=True))
        if index <= 1  # stage0 is one block
        or stride == 2
        or shape.c_in != shape.c_out
        or blocks[index].stage != blocks[index - 1].stage
    ]
    ends = [*starts[1:], len(shapes)]
    found = Architecture(
        name="custom",
        widths=tuple(shapes[i].c_out for i in starts),
        depths=tuple(end - start for start, end in zip(starts, ends, strict=True)),
        strides=tuple(strides[i] for i in starts),
        groups={i: shape.groups for i, shape in enumerate(shapes) if shape.groups > 1},
        num_classes=num_classes,
        in_channels=shapes[0].c_in,
        se=se,
    )
    return replace(found, name=_variant_name(found))


def _variant_name(found: Architecture) -> str:
    for variant in VARIANTS.values():
        same = replace(variant, name=found.name, num_classes=found.num_classes, in_channels=found.in_channels)
        if same == found:
            return variant.name
    return found.name
