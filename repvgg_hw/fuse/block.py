"""One block: recognise its family by its keys, check its shapes, and fuse it into one 3x3."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from repvgg_hw.errors import InputError
from repvgg_hw.fuse.collapse import FusedOverflowError, collapse
from repvgg_hw.fuse.families import FAMILIES, Family
from repvgg_hw.fuse.graph import Array, Node, stride_of
from repvgg_hw.fuse.keys import canonical_state, some, split_squeeze_excite
from repvgg_hw.fuse.reader import Branch, NormStatistics, Reader

AVERAGE_READINGS = (
    "equal widths, stride 1 and an identity without keys: either the input is added (QARepVGG), or the input "
    "and its 3x3 average are (QARepVGGBlockV2 of YOLOv6); the keys are the same"
)


@dataclass(frozen=True)
class Block:
    """A trained block as read: its family and its graph of linear operations, and the same as one 3x3."""

    family: str
    graph: Node
    kernel: Array  # (C_out, C_in / groups, 3, 3)
    bias: Array  # (C_out,)
    se: dict[str, np.ndarray]  # squeeze-and-excitation's keys, kept outside the kernel
    leftover: tuple[str, ...]  # keys that stand beside the block's own, such as a random placeholder
    norms: tuple[NormStatistics, ...]  # every batch normalization: its outliers trip quantization
    branches: tuple[Branch, ...] = ()  # every convolution that may have either a bias or a BN
    keyless_identity: bool = False  # the input is added without a BN of its own, and so without keys
    average_unknown: bool = False  # AVERAGE_READINGS: nobody has said which; read without the average

    def refuse_foreign_keys(self) -> None:
        """Raise InputError, naming the keys, if any but a placeholder `rbr_reparam` is left over."""
        foreign = [key for key in self.leftover if not key.startswith("rbr_reparam.")]
        if foreign:
            raise InputError(f"keys that belong to no branch of a {self.family} block: {some(foreign, 8)}")


def fuse_block(
    state: Mapping[str, np.ndarray],
    *,
    groups: int = 1,
    stride: int = 1,
    eps: float = 1e-5,
    average: bool | None = None,
) -> tuple[Array, Array]:
    """Fuse one trained block into one 3x3 convolution, in float64; state is not changed.

    state    the block's own keys, without prefix (`rbr_dense.conv.weight`, ...) -> arrays
    groups   of the block's convolutions; eps of its batch normalizations (1e-3 in the YOLO families)
    average  whether the 3x3 average of the input is added: needed for a QARepVGG block whose keys allow both
    Returns (kernel (C_out, C_in / groups, 3, 3), bias (C_out,)).
    Raises InputError, naming the keys, if no family has these keys, if one is missing or left over, if they
    are those of squeeze-and-excitation, which is no part of a kernel, or if they allow two readings.
    """
    block = read_block(state, groups=groups, stride=stride, eps=eps, average=average)
    block.refuse_foreign_keys()
    if block.se:
        raise InputError(f"squeeze-and-excitation does not fuse into a kernel: {some(block.se)}")
    if block.average_unknown:
        raise InputError(f"{AVERAGE_READINGS}. Give average=False or average=True")
    return block.kernel, block.bias


def read_block(
    state: Mapping[str, np.ndarray],
    *,
    groups: int = 1,
    stride: int = 1,
    eps: float = 1e-5,
    average: bool | None = None,
) -> Block:
    """Recognise and fuse one block, keeping what the proof and the report need.

    Training branches win over an `rbr_reparam` beside them: some trainers keep a random placeholder there.
    Blocks that cannot have an average branch have none, whatever `average` says.
    """
    own, se = split_squeeze_excite(canonical_state(state))
    reader = Reader(own, groups=groups, stride=stride, eps=eps, average=average)
    family = recognise(reader)
    shape = _shape(family, reader)
    try:
        with np.errstate(over="ignore", invalid="ignore"):  # collapse says it in words
            graph = family.graph(reader)
        kernel, bias = collapse(graph, shape.c_in_per_group * groups, groups)
        if stride_of(graph) != stride:
            raise ValueError(f"the branches have stride {stride_of(graph)}, not {stride}")
    except FusedOverflowError as error:
        raise InputError(f"{family.name} block: {error}") from error
    except ValueError as error:
        raise InputError(f"{family.name} block with {groups} groups: shapes do not fit ({error})") from error
    reader.require_alike()
    if family.norm_behind and any(key.startswith("se.") for key in se):
        raise InputError(f"{family.name} block: squeeze-and-excitation in the middle, before the last BN")
    leftover, norms = tuple(reader.leftover()), tuple(reader.norms)
    return Block(
        *(family.name, graph, kernel, bias, se, leftover, norms, tuple(reader.branches)),
        keyless_identity=reader.keyless_identity,
        average_unknown=reader.keyless_identity and average is None,
    )


def require_alike(blocks: Sequence[tuple[str, Block]]) -> None:
    """Raise InputError if one block of a network lacks what its likes show that it should have.

    blocks  (name, block): all blocks of one network, whose code is the same
    A convolution with neither bias nor BN among others that have one, a convolution before BN without the
    bias of its likes, a BN without weight and bias among others with them, an identity without keys where
    others have a BN: each is a key that was lost.
    """
    bare = [name for name, block in blocks if any(not (b.bias or b.norm) for b in block.branches)]
    dressed = [name for name, _ in blocks if name not in bare]
    if bare and dressed:
        raise InputError(
            f"{bare[0]} has neither bias nor batch normalization, but {dressed[0]} has: keys are missing"
        )
    biased: dict[tuple[str, str], dict[bool, str]] = {}
    affine: dict[bool, str] = {}
    identity: dict[bool, str] = {}
    for name, block in blocks:
        for branch in block.branches:
            if branch.norm:
                biased.setdefault((block.family, branch.name), {})[branch.bias] = f"{name}.{branch.name}"
        for norm in block.norms:
            affine[norm.affine] = f"{name}.{norm.prefix}"
            if norm.prefix == "rbr_identity":
                identity[True] = name
        if block.keyless_identity:
            identity[False] = name
    alike = [(users, "bias") for users in biased.values()]
    for users, what in (
        *alike,
        (affine, "weight and bias"),
        (identity, "BN in its identity"),
    ):
        if len(users) > 1:
            raise InputError(f"{users[False]} has no {what}, but {users[True]} has: keys are missing")


@dataclass(frozen=True)
class RawShape:
    """What a block's keys say before strides and groups are known."""

    c_in_per_group: int
    c_out: int
    identity: bool | None  # None: this family's keys cannot tell


def block_shape(state: Mapping[str, np.ndarray]) -> RawShape:
    """Channels and identity of one block, from its keys and shapes alone."""
    own, _ = split_squeeze_excite(canonical_state(state))
    reader = Reader(own, groups=1, stride=1, eps=0.0)
    return _shape(recognise(reader), reader)


def _shape(family: Family, reader: Reader) -> RawShape:
    first, last = (_convolution_shape(reader, keys) for keys in (family.weight, family.last or family.weight))
    return RawShape(first[1], last[0], family.shows_identity(reader))


def _convolution_shape(reader: Reader, keys: tuple[str, ...]) -> tuple[int, ...]:
    """Shape of the first of keys that is there."""
    key = next((key for key in keys if key in reader), keys[0])
    shape = reader.shape(key)
    if len(shape) < 3 or 0 in shape:
        raise InputError(f"{key} has shape {shape}, which is no convolution's")
    return shape


def recognise(reader: Reader) -> Family:
    """The first family whose keys are there; InputError, naming the keys, if there is none."""
    for family in FAMILIES:
        if family.matches(reader):
            return family
    names = ", ".join(family.name for family in FAMILIES)
    raise InputError(f"no known block has the keys {some(reader, 8)}; known are {names}")
