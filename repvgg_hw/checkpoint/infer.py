"""The architecture of a chain whose shapes and strides are known: its stages, and its variant's name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from repvgg_hw.checkpoint.naming import NamedBlock
from repvgg_hw.checkpoint.shapes import BlockShape
from repvgg_hw.model.variants import VARIANTS
from repvgg_hw.network import Architecture


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
    inferred = Architecture(
        name="custom",
        widths=tuple(shapes[i].c_out for i in starts),
        depths=tuple(end - start for start, end in zip(starts, ends, strict=True)),
        strides=tuple(strides[i] for i in starts),
        groups={i: shape.groups for i, shape in enumerate(shapes) if shape.groups > 1},
        num_classes=num_classes,
        in_channels=shapes[0].c_in,
        se=se,
    )
    return replace(inferred, name=_variant_name(inferred))


def _variant_name(inferred: Architecture) -> str:
    name, classes, channels = inferred.name, inferred.num_classes, inferred.in_channels
    for variant in VARIANTS.values():
        if replace(variant, name=name, num_classes=classes, in_channels=channels) == inferred:
            return variant.name
    return inferred.name
