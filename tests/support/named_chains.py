"""Chains of trained blocks under names of one's choice, as state dicts, and what import says of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import torch
import trained_blocks as blocks
from torch import Tensor, nn

from repvgg_hw.checkpoint import Checkpoint, Imported, import_state

State = dict[str, Tensor]


class Fused(nn.Module):
    """A deployed block."""

    def __init__(self, c_in: int, c_out: int, stride: int, groups: int) -> None:
        super().__init__()
        self.rbr_reparam = nn.Conv2d(c_in, c_out, 3, stride, 1, groups=groups)


def named_chain(
    family: type[nn.Module],
    names: list[str],
    widths: list[int],
    strides: list[int] | None = None,
    groups: list[int] | None = None,
) -> State:
    """A network's state dict: blocks under names, then the linear layer fc. None stands for ones."""
    torch.manual_seed(0)
    state: State = {}
    for i, name in enumerate(names):
        stride, number = strides[i] if strides else 1, groups[i] if groups else 1
        module = blocks.trained(family(widths[i], widths[i + 1], stride, number), seed=i)
        state |= {f"{name}.{key}": value for key, value in module.state_dict().items()}
    return state | {"fc.weight": torch.randn(4, widths[-1]), "fc.bias": torch.randn(4)}


def without(state: State, *starts: str) -> State:
    """state without the keys that start so."""
    kept = {key: value for key, value in state.items() if not key.startswith(starts)}
    assert len(kept) < len(state), starts
    return kept


def renamed(state: State, *rules: tuple[str, str]) -> State:
    """state with patterns in its keys replaced."""
    found = {}
    for key, value in state.items():
        for pattern, replacement in rules:
            key = re.sub(pattern, replacement, key)
        found[key] = value
    return found


def read(state: Mapping[str, Tensor], *, ordered: bool = True, **options: Any) -> Imported:
    """state imported; ordered as in a pickle, or not, as in a safetensors file."""
    arrays = {key: value.numpy() for key, value in state.items()}
    return import_state(Checkpoint(arrays, source="net", ordered=ordered), **options)


def said(got: Imported, subject: str) -> str:
    """The line that says a decision."""
    return next(a.line() for a in got.assumptions if a.subject == subject)
