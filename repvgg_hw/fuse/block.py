"""One block: recognise its family by its keys, check its shapes, and fuse it into one 3x3."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from repvgg_hw.errors import InputError
from repvgg_hw.fuse.collapse import collapse
from repvgg_hw.fuse.families import FAMILIES, Family
from repvgg_hw.fuse.graph import Array, Node
from repvgg_hw.fuse.keys import NormStatistics, Reader, canonical_state, split_squeeze_excite


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

    def refuse_foreign_keys(self) -> None:
        """Raise InputError, naming the keys, if any but a placeholder `rbr_reparam` is left over."""
        foreign = [key for key in self.leftover if not key.startswith("rbr_reparam.")]
        if foreign:
            raise InputError(f"keys that belong to no branch of a {self.family} block: {_list(foreign)}")


def fuse_block(
    state: Mapping[str, np.ndarray], *, groups: int = 1, stride: int = 1, eps: float = 1e-5
) -> tuple[Array, Array]:
    """Fuse one trained block into one 3x3 convolution, in float64; state is not changed.

    state   the block's own keys, without prefix (`rbr_dense.conv.weight`, ...) -> arrays
    groups  of the block's convolutions; eps of its batch normalizations (1e-3 in the YOLO families)
    Returns (kernel (C_out, C_in / groups, 3, 3), bias (C_out,)). Squeeze-and-excitation keys stay outside.
    Raises InputError, naming the keys, if no family has these keys, if one is missing or one is left over.
    """
    block = read_block(state, groups=groups, stride=stride, eps=eps)
    block.refuse_foreign_keys()
    return block.kernel, block.bias


def read_block(
    state: Mapping[str, np.ndarray], *, groups: int = 1, stride: int = 1, eps: float = 1e-5
) -> Block:
    """Recognise and fuse one block, keeping what the proof and the report need.

    Training branches win over an `rbr_reparam` beside them: some trainers keep a random placeholder there.
    """
    own, se = split_squeeze_excite(canonical_state(state))
    reader = Reader(own, groups=groups, stride=stride, eps=eps)
    family = recognise(reader)
    shape = _shape(family, reader)
    try:
        graph = family.graph(reader)
        kernel, bias = collapse(graph, shape.c_in_per_group * groups, groups)
    except ValueError as error:
        raise InputError(f"{family.name} block with {groups} groups: shapes do not fit ({error})") from error
    return Block(family.name, graph, kernel, bias, se, tuple(reader.leftover()), tuple(reader.norms))


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
    identity = any(reader.has(prefix) for prefix in family.identity) if family.identity else None
    return RawShape(first[1], last[0], identity)


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
    raise InputError(f"no known block has the keys {_list(reader.leftover())}; known are {names}")


def _list(keys: list[str], limit: int = 8) -> str:
    return ", ".join(keys[:limit]) + (f", ... ({len(keys)} in all)" if len(keys) > limit else "")
