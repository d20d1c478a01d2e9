"""From a checkpoint to a fused network with its proof: the one entry of generate, evaluate and fuse."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import torch

from repvgg_hw.checkpoint.files import Checkpoint, load_checkpoint, save_state
from repvgg_hw.checkpoint.infer import BlockShape, apply_strides, architecture, infer_strides
from repvgg_hw.checkpoint.naming import NamedNetwork, read_names
from repvgg_hw.errors import InputError
from repvgg_hw.fuse.block import Block, block_shape, read_block
from repvgg_hw.fuse.proof import LIMIT, Proof, prove
from repvgg_hw.model import RepVGG, build_model
from repvgg_hw.network import Architecture, FusedConv, FusedNetwork

DEFAULT_EPS = 1e-5  # torch's; the YOLO families train with 1e-3
_METADATA = (
    "repvgg_hw"  # what a checkpoint cannot say by shapes, in our own .safetensors: JSON {"strides": [...]}
)


@dataclass(frozen=True)
class Imported:
    """A checkpoint, read, fused and proven.

    architecture  inferred from shapes; its name is a variant's or "custom"
    blocks        per layer: family, trained graph, fused kernel, squeeze-and-excitation, leftover keys
    proof         trained against fused in float64
    unused        keys of the file that play no part (auxiliary heads, placeholders)
    """

    architecture: Architecture
    blocks: tuple[Block, ...]
    convs: tuple[FusedConv, ...]
    linear_weight: np.ndarray
    linear_bias: np.ndarray
    naming: str
    source: str
    eps: float
    prefixes: tuple[str, ...]
    unused: tuple[str, ...] = ()
    provenance: dict[str, Any] = field(default_factory=dict)

    @property
    def fused(self) -> FusedNetwork:
        """The fused network in float64. Raises InputError if it has squeeze-and-excitation (not fusable)."""
        if self.architecture.se is not None:
            raise InputError(
                f"{self.source}: {self.architecture.name} has squeeze-and-excitation, which does not fuse "
                "into a 3x3 convolution and has no hardware unit; choose a variant without it"
            )
        return self.chain

    @property
    def chain(self) -> FusedNetwork:
        """The fused 3x3 chain, also where squeeze-and-excitation stands between its layers."""
        return FusedNetwork(
            self.architecture.name, self.convs, self.linear_weight, self.linear_bias, self.provenance
        )

    @cached_property
    def proof(self) -> Proof:
        """Trained against fused on random input in float64; computed when first asked for."""
        return prove([block.graph for block in self.blocks], self.chain)

    def model(self) -> RepVGG:
        """The fused network as a torch module in float32 and eval mode, squeeze-and-excitation included."""
        module = build_model(self.architecture, deploy=True)
        tensors = {
            key: torch.from_numpy(value.astype(np.float32)) for key, value in fused_state(self).items()
        }
        module.load_state_dict(tensors)
        return module.eval()


def import_network(
    path: str | os.PathLike[str],
    *,
    eps: float | None = None,
    strides: Sequence[int] | None = None,
    check: bool = True,
) -> Imported:
    """Read a checkpoint file (.pth, .safetensors), infer its architecture, fuse it and prove the fusion.

    eps      of every batch normalization; not stored in files, 1e-5 unless given
    strides  one per stage or one per layer, where the rule (infer.STRIDE_RULE) does not fit
    Raises InputError for what cannot be read, and CheckFailed if trained and fused differ by more than 1e-6.
    """
    return import_state(load_checkpoint(path), eps=eps, strides=strides, check=check)


def import_state(
    checkpoint: Checkpoint,
    *,
    eps: float | None = None,
    strides: Sequence[int] | None = None,
    check: bool = True,
) -> Imported:
    """import_network for a checkpoint that is already in memory."""
    with _context(checkpoint.source):
        eps = DEFAULT_EPS if eps is None else eps
        if not 0 <= eps < 1:
            raise InputError(f"eps is a small number such as 1e-5, not {eps}")
        named = read_names(checkpoint.state)
        _check_numbers(checkpoint.state, ignore=named.unused)
        shapes = _shapes(named)
        found = infer_strides(shapes, named.blocks)
        given = strides if strides is not None else _stored_strides(checkpoint.metadata)
        if given is not None:
            found = apply_strides(given, found, shapes, named.blocks)
        imported = _fuse(checkpoint.source, named, shapes, found, eps)
        if check:
            imported.proof.require(LIMIT)
        return imported


def load_fused(
    path: str | os.PathLike[str], *, eps: float | None = None, strides: Sequence[int] | None = None
) -> FusedNetwork:
    """import_network(...).fused: the network that quantization reads."""
    return import_network(path, eps=eps, strides=strides).fused


def fused_state(imported: Imported) -> dict[str, np.ndarray]:
    """The fused network in float64, official keys: stage0.rbr_reparam.weight, ..., linear.bias."""
    state: dict[str, np.ndarray] = {}
    for conv, block in zip(imported.convs, imported.blocks, strict=True):
        state[f"{conv.name}.rbr_reparam.weight"] = conv.weight
        state[f"{conv.name}.rbr_reparam.bias"] = conv.bias
        state |= {f"{conv.name}.{key}": np.asarray(value) for key, value in block.se.items()}
    return state | {"linear.weight": imported.linear_weight, "linear.bias": imported.linear_bias}


def save_fused(path: str | os.PathLike[str], imported: Imported) -> None:
    """Write the fused network as .safetensors, float32, official fused key names, its strides as metadata."""
    state = {key: value.astype(np.float32) for key, value in fused_state(imported).items()}
    save_state(path, state, stride_metadata([conv.stride for conv in imported.convs]))


def stride_metadata(strides: Sequence[int]) -> dict[str, str]:
    """The .safetensors metadata by which a file of this package carries its strides, one per layer."""
    return {"format": "pt", _METADATA: json.dumps({"strides": list(strides)})}


def _stored_strides(metadata: Mapping[str, str]) -> list[int] | None:
    try:
        stored = json.loads(metadata[_METADATA])["strides"] if _METADATA in metadata else None
        return None if stored is None else [int(stride) for stride in stored]
    except (ValueError, KeyError, TypeError) as error:
        raise InputError("the file's own stride metadata is damaged; give the strides") from error


def _shapes(named: NamedNetwork) -> list[BlockShape]:
    """Channels and groups of every block, the chain checked."""
    shapes: list[BlockShape] = []
    for block in named.blocks:
        with _context(block.prefix):
            shape = block_shape(block.state)
            c_in = shapes[-1].c_out if shapes else shape.c_in_per_group
            if c_in % shape.c_in_per_group or shape.c_out % (c_in // shape.c_in_per_group):
                raise InputError(
                    f"the layer before gives {c_in} channels, this one reads {shape.c_in_per_group} "
                    f"per group and gives {shape.c_out}"
                )
            groups = c_in // shape.c_in_per_group
            shapes.append(BlockShape(c_in, shape.c_out, groups, shape.identity))
    features = named.linear_weight.shape[1]
    if features != shapes[-1].c_out:
        raise InputError(
            f"{named.linear_key}.weight reads {features} features, the last block gives {shapes[-1].c_out}"
        )
    return shapes


def _fuse(
    source: str, named: NamedNetwork, shapes: Sequence[BlockShape], strides: Sequence[int], eps: float
) -> Imported:
    blocks: list[Block] = []
    for named_block, shape, stride in zip(named.blocks, shapes, strides, strict=True):
        with _context(named_block.prefix):
            block = read_block(named_block.state, groups=shape.groups, stride=stride, eps=eps)
            block.refuse_foreign_keys()
            blocks.append(block)
    se = _squeeze_excite(blocks)
    found = architecture(shapes, strides, named.blocks, num_classes=named.linear_weight.shape[0], se=se)
    convs = tuple(
        FusedConv(layer.name, block.kernel, block.bias, layer.stride, layer.groups)
        for layer, block in zip(found.convs(), blocks, strict=True)
    )
    prefixes = tuple(block.prefix for block in named.blocks)
    unused = [f"{p}.{key}" for p, block in zip(prefixes, blocks, strict=True) for key in block.leftover]
    return Imported(
        architecture=found,
        blocks=tuple(blocks),
        convs=convs,
        linear_weight=named.linear_weight.astype(np.float64),
        linear_bias=named.linear_bias.astype(np.float64),
        naming=named.naming,
        source=source,
        eps=eps,
        prefixes=prefixes,
        unused=(*named.unused, *unused),
        provenance={"source": os.path.basename(source), "naming": named.naming, "eps": eps},
    )


def _squeeze_excite(blocks: Sequence[Block]) -> str | None:
    """Where squeeze-and-excitation sits: "D2se" before ReLU, "plus" after it; None without."""
    keys = {key.partition(".")[0] for block in blocks for key in block.se}
    return "plus" if "post_se" in keys else "D2se" if keys else None


def _check_numbers(state: Mapping[str, np.ndarray], ignore: Sequence[str]) -> None:
    for key, value in state.items():
        if key in ignore or key.endswith("num_batches_tracked"):
            continue
        if value.dtype.kind != "f":
            raise InputError(f"{key} is {value.dtype}, not floating point; give the float checkpoint")
        if not np.isfinite(value).all():
            where = np.unravel_index(int(np.argmin(np.isfinite(value))), value.shape)
            raise InputError(f"{key} is not finite ({value[where]} at {tuple(int(i) for i in where)})")


@contextmanager
def _context(where: str) -> Iterator[None]:
    """Put the file's or the block's name in front of an InputError."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{where}: {error}") if where else error from error
