"""Is anything missing? A block that has fewer keys than another one like it may have lost some."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence

import numpy as np

from repvgg_hw.checkpoint.decisions import Decisions, names
from repvgg_hw.checkpoint.naming import NamedBlock, NamedNetwork, missing_stem
from repvgg_hw.checkpoint.shapes import IMAGE_CHANNELS, BlockShape
from repvgg_hw.checkpoint.tree import pattern
from repvgg_hw.errors import InputError
from repvgg_hw.fuse.block import Block
from repvgg_hw.fuse.keys import canonical_state

_IDENTITY = re.compile(r"(rbr_identity|rbr_skip|bn_identity|scale_identity)\.")
_CONSTANT = re.compile(r"(^|\.)(id_tensor|weight_\w+_(avg_avg|prior)|delta)$")  # the same in every network
_RESIDUAL = re.compile(r"(conv|cv|c)_?\d+")
_AFFINE = {"weight", "bias"}


def require_complete(
    named: NamedNetwork,
    shapes: Sequence[BlockShape],
    blocks: Sequence[Block],
    strides: Sequence[int],
    decisions: Decisions,
) -> None:
    """Raise InputError, naming the block and its keys, if one has a part of another's keys without a reason.

    Reasons are: no identity where width or size change, no depthwise 1x1 in DBB, no scale branch beside 1x1
    kernels and fewer branches in the first block in MobileOne.
    """
    _require_alike_norms(named.blocks)
    _require_whole(named.blocks, decisions)
    keys = [_keys(raw, block) for raw, block in zip(named.blocks, blocks, strict=True)]
    richer = {own: [other for other in set(keys) if own < other] for own in set(keys)}
    for index, (block, own, shape) in enumerate(zip(named.blocks, keys, shapes, strict=True)):
        keeps = shape.c_in == shape.c_out and strides[index] == 1
        for other in richer[own]:
            lacking = sorted(
                k for k in other - own if not _explained(k, own, index, block.state, shape, keeps)
            )
            if not lacking:
                continue
            like = named.blocks[keys.index(other)].prefix
            decisions.need(
                "missing",
                f"{block.prefix} has no {names(lacking, 2)}, which {like} has: either it was trained so, or "
                "keys are missing",
                first="nothing",
                subject="fewer keys than in other blocks",
            )


def _keys(raw: NamedBlock, block: Block) -> frozenset[str]:
    """A block's own keys, but for constants, foreign ones, and the name of the module around one kernel."""
    own = (key for key in canonical_state(raw.state) if not _CONSTANT.search(key))
    return frozenset(key.removeprefix("conv.") for key in own if key not in block.leftover)


def _require_whole(blocks: Sequence[NamedBlock], decisions: Decisions) -> None:
    """What is one part of a block in one place is not a block of its own in another."""
    whole = {_without_numbers(block.prefix): block for block in blocks}
    parts = {key.partition(".")[0]: block for block in blocks for key in block.state}
    for block in blocks:
        parent, _, name = block.prefix.rpartition(".")
        like = whole.get(_without_numbers(parent)) if parent else None
        if not _is_plain(block):
            continue
        if name.isdigit():  # ExpandNet's parts have numbers, but so have whole blocks
            like = like if like and f"{name}.weight" in like.state else None
        elif sum(other.prefix.startswith(f"{parent}.") for other in blocks) == 1:
            like = like or parts.get(name)
        else:
            like = None
        if like is not None:
            decisions.need(
                "missing",
                f"{block.prefix} stands alone, but in {like.prefix} its like is a part of a block: either it "
                "was trained so, or keys are missing",
                first="nothing",
                subject="fewer keys than in other blocks",
            )


def _is_plain(block: NamedBlock) -> bool:
    return all(key.startswith(("conv.", "bn.")) for key in block.state)


def _without_numbers(path: str) -> str:
    return ".".join(pattern(part)[0] for part in path.split("."))


def _explained(
    key: str,
    own: frozenset[str],
    index: int,
    state: Mapping[str, np.ndarray],
    shape: BlockShape,
    keeps: bool,
) -> bool:
    """Is there a reason why a block of this place and shape does not have key?"""
    if _IDENTITY.match(key) or (key.startswith("bn.") and "conv1.conv.weight" in own):
        return not keeps
    if key.startswith(("dbb_1x1.", "dbb_avg.conv.", "dbb_avg.bn.")):
        return shape.groups == shape.c_out
    if key.startswith("rbr_scale."):
        return all(value.shape[2:] == (1, 1) for value in state.values() if value.ndim == 4)
    return key.startswith("rbr_conv.") and index == 0


def _require_alike_norms(blocks: Sequence[NamedBlock]) -> None:
    """A BN without weight and bias is one of a network whose BNs have none at all."""
    seen: dict[frozenset[str], str] = {}
    for block in blocks:
        for key in block.state:
            if key.endswith("running_mean"):
                prefix = key.removesuffix("running_mean")
                affine = frozenset(name for name in _AFFINE if prefix + name in block.state)
                seen.setdefault(affine, f"{block.prefix}.{prefix}".rstrip("."))
    for affine, where in seen.items():
        if affine != _AFFINE and (affine or len(seen) > 1):
            raise InputError(f"{where} has no {' and no '.join(sorted(_AFFINE - affine))}: keys are missing")


def require_first_block(named: NamedNetwork, channels: int, decisions: Decisions) -> None:
    """Raise InputError if the first block reads no image, or names show that a block may stand before it."""
    missing = missing_stem(named)
    if channels in ((1, 3) if missing else IMAGE_CHANNELS):
        return
    decisions.need(
        "input-channels",
        f"{named.blocks[0].prefix} reads {channels} channels: either images have so many, or "
        f"{missing or 'a block before it'} is missing",
        first=str(channels),
        subject="input channels",
    )


def require_no_shortcut(named: NamedNetwork, shapes: Sequence[BlockShape], decisions: Decisions) -> None:
    """Raise InputError for conv1, conv2, ... of one module among several: the body of a residual block.

    The sum with its input leaves no keys. Only where the module keeps its input's width can there be one.
    """
    homes = [block.prefix.rpartition(".")[0] for block in named.blocks]
    for home, members in itertools.groupby(range(len(homes)), key=homes.__getitem__):
        inside = list(members)
        names_inside = [named.blocks[i].prefix.rpartition(".")[2] for i in inside]
        if len(inside) in (1, len(homes)) or not all(map(_RESIDUAL.fullmatch, names_inside)):
            continue
        if shapes[inside[0]].c_in == shapes[inside[-1]].c_out:
            decisions.need(
                "shortcut",
                f"{home} holds {names(names_inside)} and keeps the width: either they are just a chain, or "
                "its input is added to its output, which leaves no keys",
                first="none",
                subject=f"shortcut around {names(names_inside)}",
            )
