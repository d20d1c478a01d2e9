"""One block: recognise its family by its keys, check its shapes, and fuse it into one 3x3."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from repvgg_hw.errors import InputError
from repvgg_hw.fuse.collapse import collapse
from repvgg_hw.fuse.families import FAMILIES, Family
from repvgg_hw.fuse.graph import Affine, Array, Chain, Conv, Node, Pad, Sum
from repvgg_hw.fuse.keys import Reader, canonical_state, split_squeeze_excite


@dataclass(frozen=True)
class Block:
    """A trained block as read: its family and its graph of linear operations, and the same as one 3x3."""

    family: str
    graph: Node
    kernel: Array  # (C_out, C_in / groups, 3, 3)
    bias: Array  # (C_out,)
    se: dict[str, np.ndarray]  # squeeze-and-excitation's keys, kept outside the kernel
    leftover: tuple[str, ...]  # keys that stand beside the block's own, such as a random placeholder
    bn_scales: tuple[Array, ...]  # gamma / sigma of every batch normalization: outliers trip quantization

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
    graph = family.graph(reader)
    try:
        kernel, bias = collapse(graph, _input_channels(graph) * groups, groups)
    except ValueError as error:
        raise InputError(f"{family.name} block with {groups} groups: shapes do not fit ({error})") from error
    scales = tuple(affine.scale for affine in _affines(graph))
    return Block(family.name, graph, kernel, bias, se, tuple(reader.leftover()), scales)


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
    family = recognise(reader)
    key = next((key for key in family.weight if key in reader), family.weight[0])
    weight = reader.take(key)
    if weight.ndim < 3 or 0 in weight.shape:
        raise InputError(f"{key} has shape {weight.shape}, which is no convolution's")
    identity = None if family.identity is None else reader.has(family.identity)
    return RawShape(int(weight.shape[1]), int(weight.shape[0]), identity)


def recognise(reader: Reader) -> Family:
    """The first family whose keys are there; InputError, naming the keys, if there is none."""
    for family in FAMILIES:
        if family.matches(reader):
            return family
    names = ", ".join(family.name for family in FAMILIES)
    raise InputError(f"no known block has the keys {_list(reader.leftover())}; known are {names}")


def _input_channels(node: Node) -> int:
    """C_in / groups of the first operation that knows it."""
    match node:
        case Conv(weight):
            return int(weight.shape[1])
        case Chain(parts):
            return _input_channels(parts[0])
        case Sum(branches):
            convs = [b for b in branches if not _starts_with_affine(b)]
            return _input_channels((convs or branches)[0])
        case Affine(scale):
            return int(scale.shape[0])
        case Pad(value):
            return int(value.shape[0])


def _starts_with_affine(node: Node) -> bool:
    return isinstance(node, Affine) or (isinstance(node, Chain) and _starts_with_affine(node.parts[0]))


def _affines(node: Node) -> list[Affine]:
    """Every batch normalization of a graph, in order."""
    match node:
        case Affine():
            return [node]
        case Chain(nodes) | Sum(nodes):
            return [affine for child in nodes for affine in _affines(child)]
        case _:
            return []


def _list(keys: list[str], limit: int = 8) -> str:
    return ", ".join(keys[:limit]) + (f", ... ({len(keys)} in all)" if len(keys) > limit else "")
