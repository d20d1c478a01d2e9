"""Channels and groups of every block: from shapes, checked where a block says its input's width itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from repvgg_hw.checkpoint.blocks import RawBlock
from repvgg_hw.checkpoint.decisions import Decisions, names, refusal
from repvgg_hw.errors import InputError, context
from repvgg_hw.fuse.block import RawShape, block_shape
from repvgg_hw.fuse.keys import canonical_state

# a block's own arrays whose first axis has one entry per input channel, whatever its groups are
_PER_INPUT = (
    "rbr_identity.running_mean",
    "rbr_skip.running_mean",
    "bn_identity.running_mean",
    "scale_identity.weight",
    "dbb_1x1_kxk.idconv1.weight",
    "dbb_1x1_kxk.idconv1.conv.weight",
    "weight_orepa_1x1_kxk_idconv1",
    "rbr_dense.weight_rbr_1x1_kxk_idconv1",
    "D",
    "conv.D",
)
IMAGE_CHANNELS = (1, 2, 3, 4)


@dataclass(frozen=True)
class BlockShape:
    """What can be said of a block before it is fused."""

    c_in: int
    c_out: int
    groups: int
    identity: bool | None  # kept branches show one, show its absence, or cannot tell


@dataclass(frozen=True)
class Shapes:
    """The raw shapes of blocks by their paths, and their input widths where they say them."""

    raw: dict[str, RawShape]
    inputs: dict[str, int]

    def reads(self, path: str) -> int:
        """Input channels, of one group where the block does not say how many groups it has."""
        return self.inputs.get(path, self.raw[path].c_in_per_group)

    def chain(self, blocks: Sequence[RawBlock], features: int | None) -> bool:
        """Do the widths fit in this order, without groups that must be guessed?

        features  that the linear layer reads, None without one
        """
        given = [self.raw[block.path].c_out for block in blocks]
        read = [self.reads(block.path) for block in blocks[1:]]
        return given == [*read, given[-1] if features is None else features]


def read_shapes(blocks: Iterable[RawBlock]) -> Shapes:
    """The shape of every block. Raises InputError, naming the block, if no family has its keys."""
    raw: dict[str, RawShape] = {}
    inputs: dict[str, int] = {}
    for block in blocks:
        with context(block.path):
            raw[block.path] = block_shape(block.state)
            width = _input_width(block.state)
            if width is not None:
                inputs[block.path] = width
    return Shapes(raw, inputs)


def _input_width(state: dict[str, np.ndarray]) -> int | None:
    own = canonical_state(state)
    widths = {len(own[key]) for key in _PER_INPUT if key in own and own[key].ndim}
    if len(widths) > 1:
        raise InputError(f"its branches read different numbers of channels: {sorted(widths)}")
    return widths.pop() if widths else None


def chain_shapes(
    shapes: Shapes,
    blocks: Sequence[RawBlock],
    linear: tuple[str, int] | None,
    *,
    staged: bool,
    groups: Sequence[int] | None,
    decisions: Decisions,
) -> list[BlockShape]:
    """Channels and groups of every block of a chain, and whether the linear layer reads what it gives.

    linear  its path and the features that it reads; None without one
    staged  the naming is one whose stages are known, so that a block between two others would be missed;
            there, groups follow from widths. In a plain chain they are checked by a block's own arrays, or
            given, one per layer; else they are refused.
    """
    if groups is not None and len(groups) != len(blocks):
        raise InputError(f"{len(groups)} groups given; needed is one per layer ({len(blocks)})")
    chain: list[BlockShape] = []
    guessed: list[str] = []
    for index, block in enumerate(blocks):
        raw = shapes.raw[block.path]
        before = chain[-1].c_out if chain else None
        with context(block.path):
            if groups is not None:
                number = groups[index]
                if number < 1 or raw.c_out % number:
                    raise InputError(f"--groups {number}: {raw.c_out} outputs cannot be divided so")
                c_in = raw.c_in_per_group * number
            else:
                c_in = shapes.reads(block.path)
                if before is not None and block.path not in shapes.inputs and c_in != before:
                    _require_divisible(before, raw)
                    c_in = before
                    guessed.append(block.path)
                number = c_in // raw.c_in_per_group
            if before is not None and c_in != before:
                raise InputError(f"the layer before gives {before} channels, this one reads {c_in}")
            if number * raw.c_in_per_group != c_in or raw.c_out % number:
                raise InputError(f"{raw.c_in_per_group} channels per group do not fit {c_in} and {raw.c_out}")
            chain.append(BlockShape(c_in, raw.c_out, number, raw.identity))
    if linear is not None and linear[1] != chain[-1].c_out:
        raise InputError(
            f"{linear[0]}.weight reads {linear[1]} features, the last block gives {chain[-1].c_out}"
        )
    _say_groups(blocks, chain, guessed, groups is not None, staged, decisions)
    return chain


def _require_divisible(before: int, raw: RawShape) -> None:
    if before % raw.c_in_per_group or raw.c_out % (before // raw.c_in_per_group):
        raise InputError(
            f"the layer before gives {before} channels, this one reads {raw.c_in_per_group} per group "
            f"and gives {raw.c_out}"
        )


def _say_groups(
    blocks: Sequence[RawBlock],
    chain: Sequence[BlockShape],
    guessed: Sequence[str],
    given: bool,
    staged: bool,
    decisions: Decisions,
) -> None:
    grouped = [f"{b.path} {s.groups}" for b, s in zip(blocks, chain, strict=True) if s.groups > 1]
    if not grouped:
        return
    if given:
        decisions.record("groups", names(grouped), "the module's own" if decisions.verified else "--groups")
    elif not guessed:
        return  # every grouped block says itself how many channels it reads
    elif staged or decisions.verified:
        decisions.record("groups", names(grouped), "a layer reads all channels that the one before it gives")
    else:
        at = [block.path for block in blocks].index(guessed[0])
        shape = chain[at]
        raise refusal(
            f"{guessed[0]} reads {shape.c_in // shape.groups} channels where the layer before it gives "
            f"{shape.c_in}: either it has {shape.groups} groups, or another layer stands before it (it is "
            "missing or elsewhere, or the two are branches of one block)",
            "--groups, one number per layer",
        )
