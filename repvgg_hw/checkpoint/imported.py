"""An imported network: what the file said, the fused layers, and the proof that they are the same."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import torch

from repvgg_hw.checkpoint.decisions import Assumption
from repvgg_hw.checkpoint.files import save_state
from repvgg_hw.checkpoint.infer import architecture
from repvgg_hw.checkpoint.naming import NamedNetwork
from repvgg_hw.checkpoint.shapes import BlockShape
from repvgg_hw.errors import InputError
from repvgg_hw.fuse.block import Block
from repvgg_hw.fuse.proof import Proof, prove
from repvgg_hw.model.repvgg import RepVGG, build_model
from repvgg_hw.network import Architecture, FusedConv, FusedLinear, FusedNetwork

_TOLD = ("assumptions", "reference_evaluator", "expect")  # of its provenance a fused file keeps, for people
METADATA = "repvgg_hw"  # .safetensors metadata for what shapes cannot say: JSON {"strides": [...], ...}


@dataclass(frozen=True)
class Imported:
    """A checkpoint, read, fused and proven.

    architecture  inferred from shapes; its name is a variant's or "custom"
    blocks        per layer: family, trained graph, fused kernel, squeeze-and-excitation, leftover keys
    proof         trained against fused in float64
    unused        keys of the file that play no part (auxiliary heads, placeholders)
    assumptions   what the file does not say, and the rule or the option that decided it
    """

    architecture: Architecture
    blocks: tuple[Block, ...]
    convs: tuple[FusedConv, ...]
    linear: FusedLinear | None
    naming: str
    source: str
    eps: float
    prefixes: tuple[str, ...]
    unused: tuple[str, ...] = ()
    assumptions: tuple[Assumption, ...] = ()
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
        return FusedNetwork(self.architecture.name, self.convs, self.linear, self.provenance)

    @cached_property
    def proof(self) -> Proof:
        """Trained against fused on random input in float64; computed when first asked for."""
        return prove([block.graph for block in self.blocks], self.chain)

    def recording(self, **entries: Any) -> Imported:
        """The same network, its proof included, with more entries in its provenance."""
        recorded = copy.copy(self)  # dataclasses.replace would lose the proof that is already computed
        object.__setattr__(recorded, "provenance", self.provenance | entries)
        return recorded

    def model(self) -> RepVGG:
        """The fused network as a torch module in float32 and eval mode, squeeze-and-excitation included."""
        module = build_model(self.architecture, deploy=True)
        tensors = {
            key: torch.from_numpy(value.astype(np.float32)) for key, value in fused_state(self).items()
        }
        module.load_state_dict(tensors)
        return module.eval()


def fused_state(imported: Imported) -> dict[str, np.ndarray]:
    """The fused network in float64, official keys: stage0.rbr_reparam.weight, ..., linear.bias."""
    state: dict[str, np.ndarray] = {}
    for conv, block in zip(imported.convs, imported.blocks, strict=True):
        state[f"{conv.name}.rbr_reparam.weight"] = conv.weight
        state[f"{conv.name}.rbr_reparam.bias"] = conv.bias
        state |= {f"{conv.name}.{key}": np.asarray(value) for key, value in block.se.items()}
    if imported.linear is not None:
        state |= {"linear.weight": imported.linear.weight, "linear.bias": imported.linear.bias}
    return state


def save_fused(path: str | os.PathLike[str], imported: Imported) -> None:
    """Write the fused network as .safetensors, float32, official fused key names.

    Its metadata are its strides and groups, whether it has no head, what was assumed in reading it and,
    where there was one, the proof from outside (`expect`). Raises InputError, naming the layer, for values
    that float32 cannot hold.
    """
    with np.errstate(over="ignore"):
        state = {key: value.astype(np.float32) for key, value in fused_state(imported).items()}
    for key, value in state.items():
        if not np.isfinite(value).all():
            raise InputError(f"{imported.source}: {key} overflows float32; nothing is written")
    told: dict[str, Any] = {} if imported.linear is not None else {"head": "none"}
    told |= {key: imported.provenance[key] for key in _TOLD if key in imported.provenance}
    groups = [conv.groups for conv in imported.convs]
    save_state(path, state, stride_metadata([conv.stride for conv in imported.convs], groups=groups, **told))


def stride_metadata(strides: Sequence[int], **more: Any) -> dict[str, str]:
    """The .safetensors metadata by which a file of this package carries its strides, one per layer.

    more  groups and head, which import reads likewise, and entries for people and scripts
    """
    return {"format": "pt", METADATA: json.dumps({"strides": list(strides), **more})}


def assemble(
    source: str,
    named: NamedNetwork,
    shapes: Sequence[BlockShape],
    strides: Sequence[int],
    blocks: Sequence[Block],
    eps: float,
    assumptions: tuple[Assumption, ...] = (),
) -> Imported:
    """The imported network of fused blocks, its layers named as in official checkpoints."""
    se = _squeeze_excite(blocks)
    linear = None
    if named.linear is not None:
        weight, bias = named.linear.weight, named.linear.bias
        linear = FusedLinear(weight.astype(np.float64), bias.astype(np.float64))
    classes = 0 if linear is None else len(linear.weight)
    inferred = architecture(shapes, strides, named.blocks, num_classes=classes, se=se)
    convs = tuple(
        FusedConv(layer.name, block.kernel, block.bias, layer.stride, layer.groups)
        for layer, block in zip(inferred.convs(), blocks, strict=True)
    )
    prefixes = tuple(block.prefix for block in named.blocks)
    unused = [f"{p}.{key}" for p, block in zip(prefixes, blocks, strict=True) for key in block.leftover]
    return Imported(
        architecture=inferred,
        blocks=tuple(blocks),
        convs=convs,
        linear=linear,
        naming=named.naming,
        source=source,
        eps=eps,
        prefixes=prefixes,
        unused=(*named.unused, *unused),
        assumptions=assumptions,
        provenance={
            "source": os.path.basename(source),
            "naming": named.naming,
            "eps": eps,
            "assumptions": [assumption.to_json() for assumption in assumptions],
        },
    )


def _squeeze_excite(blocks: Sequence[Block]) -> str | None:
    """Where squeeze-and-excitation sits: "D2se" before ReLU, "plus" after it; None without."""
    keys = {key.partition(".")[0] for block in blocks for key in block.se}
    return "plus" if "post_se" in keys else "D2se" if keys else None
