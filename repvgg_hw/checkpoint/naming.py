"""Split a checkpoint's keys into blocks and linear layer: the only file that knows how networks are named.

Official (`stage2.1.`), RepVGGplus (`stage3_first.blocks.4.`), timm (`stages.2.5.`, `stem.`), mmpretrain
(`backbone.stage_1.0.`), YOLO-style and plain chains (`model.3.`, `features.0.`), DiracNet (`group0.block1.`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from repvgg_hw.errors import InputError
from repvgg_hw.fuse.keys import OWN_KEY

_STAGED = (
    ("official", re.compile(r"(?P<stem>stage0)(\.|$)|(?P<stage>stage\d+)\.(?P<block>\d+)(\.|$)")),
    ("RepVGGplus", re.compile(r"(?P<stage>stage\d+)(_first|_second)?\.blocks\.(?P<block>\d+)(\.|$)")),
    ("timm", re.compile(r"stages\.(?P<stage>\d+)\.(?P<block>\d+)(\.|$)|(?P<stem>stem)(\.|$)")),
    ("mmpretrain", re.compile(r"backbone\.((?P<stage>stage_\d+)\.(?P<block>\d+)|(?P<stem>stem))(\.|$)")),
    ("DiracNet", re.compile(r"(?P<stage>group\d+)\.(?P<block>block\d+)(\.|$)")),
)
_AUXILIARY = re.compile(r"(^|\.|_)aux(iliary)?(\.|_|\d|$)")
_BN_KEYS = {"weight", "bias", "running_mean", "running_var", "num_batches_tracked"}


@dataclass(frozen=True)
class NamedBlock:
    """One block's keys, without prefix, and where they stood."""

    prefix: str
    stage: str | None  # as the file names it; None in a plain chain
    state: dict[str, np.ndarray]


@dataclass(frozen=True)
class NamedNetwork:
    """A checkpoint sorted into blocks, in order, and the linear layer."""

    naming: str
    blocks: tuple[NamedBlock, ...]
    linear_key: str
    linear_weight: np.ndarray  # (classes, C)
    linear_bias: np.ndarray  # (classes,)
    unused: tuple[str, ...]  # auxiliary heads and the like


def read_names(state: Mapping[str, np.ndarray]) -> NamedNetwork:
    """Sort a state dict's keys. Raises InputError if there are no blocks or not exactly one linear layer."""
    unused = sorted(key for key in state if _AUXILIARY.search(key))
    used = {key: value for key, value in state.items() if not _AUXILIARY.search(key)}
    linear_key, weight, bias = _linear(used)
    own = {k: v for k, v in used.items() if k not in (f"{linear_key}.weight", f"{linear_key}.bias")}
    naming = "chain"
    grouped: dict[tuple[str, str | None], dict[str, np.ndarray]] = {}
    for key, value in own.items():
        found, prefix, stage, rest = _split(key)
        naming = naming if found == "chain" else found
        grouped.setdefault((prefix, stage), {})[rest] = value
    blocks = [NamedBlock(prefix, stage, keys) for (prefix, stage), keys in grouped.items()]
    blocks = _merge_expanded(sorted(blocks, key=lambda block: _natural(block.prefix)))
    blocks = _merge_batch_norms(blocks)
    if not blocks:
        raise InputError(f"no convolution in the checkpoint; its keys are {_some(sorted(state))}")
    return NamedNetwork(naming, tuple(blocks), linear_key, weight, bias, tuple(unused))


def _linear(state: Mapping[str, np.ndarray]) -> tuple[str, np.ndarray, np.ndarray]:
    """The one linear layer: the only two-dimensional weight."""
    names = [key[: -len(".weight")] for key, v in state.items() if key.endswith(".weight") and v.ndim == 2]
    if len(names) != 1:
        found = _some(names) if names else f"none; the keys are {_some(sorted(state))}"
        raise InputError(
            f"exactly one linear layer is needed (linear.weight, head.fc.weight); there is {found}"
        )
    weight = state[f"{names[0]}.weight"]
    bias = state.get(f"{names[0]}.bias", np.zeros(weight.shape[0], weight.dtype))
    if bias.shape != weight.shape[:1]:
        raise InputError(f"{names[0]}: bias {bias.shape} does not fit weight {weight.shape}")
    return names[0], weight, bias


def _split(key: str) -> tuple[str, str, str | None, str]:
    """key -> (naming, block's prefix, stage, the block's own key)."""
    for naming, pattern in _STAGED:
        if match := pattern.match(key):
            stage = match.groupdict().get("stem") or match["stage"]
            return naming, key[: match.end()].rstrip("."), stage, key[match.end() :]
    parts = key.split(".")
    first = next((i for i in range(len(parts)) if OWN_KEY.match(".".join(parts[i:]))), len(parts) - 1)
    prefix, rest = ".".join(parts[:first]), ".".join(parts[first:])
    return "chain", prefix, None, rest


def _merge_expanded(blocks: list[NamedBlock]) -> list[NamedBlock]:
    """In a plain chain, a 1x1, 3x3, 1x1 numbered 0, 1, 2 without a gap for a ReLU is one ExpandNet block."""
    merged: list[NamedBlock] = []
    for block in blocks:
        merged.append(block)
        three = merged[-3:]
        parents = {b.prefix.rpartition(".")[0] for b in three}
        numbers = [b.prefix.rpartition(".")[2] for b in three]
        kernels = [getattr(b.state.get("weight"), "shape", ())[2:] for b in three]
        if numbers == ["0", "1", "2"] and len(parents) == 1 and kernels == [(1, 1), (3, 3), (1, 1)]:
            state = {f"{n}.{k}": v for n, b in zip(numbers, three, strict=True) for k, v in b.state.items()}
            merged[-3:] = [NamedBlock(parents.pop(), block.stage, state)]
    return merged


def _merge_batch_norms(blocks: list[NamedBlock]) -> list[NamedBlock]:
    """In a plain chain, a BN that stands on its own belongs to the convolution before it."""
    merged: list[NamedBlock] = []
    for block in blocks:
        is_bn = "running_mean" in block.state and set(block.state) <= _BN_KEYS
        if is_bn and merged and set(merged[-1].state) <= {"weight", "bias"}:
            conv = merged.pop()
            state = {f"conv.{k}": v for k, v in conv.state.items()}
            state |= {f"bn.{k}": v for k, v in block.state.items()}
            block = NamedBlock(conv.prefix, None, state)
        merged.append(block)
    return merged


def _natural(prefix: str) -> tuple[bool, list[tuple[int, str]]]:
    """Sort key: a stem first, numbers by value."""
    is_stem = prefix.rpartition(".")[2] == "stem"
    return not is_stem, [(int(p), "") if p.isdigit() else (-1, p) for p in re.split(r"(\d+)", prefix)]


def _some(keys: list[str], limit: int = 6) -> str:
    return ", ".join(keys[:limit]) + (f", ... ({len(keys)} in all)" if len(keys) > limit else "")
