"""Run a live torch module in float64: what it returns, and in which order it calls its parts."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from repvgg_hw.checkpoint.run import Floats
from repvgg_hw.errors import InputError


@dataclass(frozen=True)
class ModuleRun:
    """What a module did with x.

    outputs  every tensor that it returned, float64, under its name in a tuple or dictionary
    called   the names of its modules, in the order of their first call; a module that is never called, such
             as an auxiliary head that only training uses, is not among them
    """

    x: Floats
    outputs: dict[str, Floats]
    called: tuple[str, ...]


@torch.no_grad()
def run_module(module: nn.Module, x: Tensor) -> ModuleRun:
    """Run a copy of module on x (N, C, H, W), on the CPU, in float64 and eval mode; module stays as it is.

    Raises InputError, in one line, if it does not run.
    """
    name, x = type(module).__name__, x.detach().cpu().double()
    called: dict[str, None] = {}
    try:
        mine = copy.deepcopy(module).cpu().double().eval()
        for path, part in mine.named_modules():
            part.register_forward_pre_hook(lambda *_, path=path: called.setdefault(path))
        returned = mine(x)
    except Exception as error:  # whatever a module of the user's raises
        reason = " ".join(str(error).split())[:160]
        raise InputError(f"{name} does not run on {tuple(x.shape)} in float64 ({reason})") from error
    outputs = {key: np.asarray(t.double().cpu().numpy()) for key, t in _tensors(returned)}
    return ModuleRun(np.asarray(x.numpy()), outputs, tuple(called))


def random_input(channels: int, height: int, width: int) -> Tensor:
    """One standard normal image, the same each time."""
    generator = torch.Generator().manual_seed(0)
    return torch.randn(1, channels, height, width, generator=generator, dtype=torch.float64)


def given_input(example: Any) -> Tensor:
    """The user's example input, checked. Raises InputError if it is no batch of images."""
    if not isinstance(example, Tensor) or not example.is_floating_point() or example.ndim != 4:
        shape = getattr(example, "shape", type(example).__name__)
        raise InputError(f"example_input is a floating-point tensor (N, C, H, W), not {shape}")
    if not example.numel() or not bool(torch.isfinite(example).all()):
        raise InputError("example_input is empty or holds numbers that are not finite")
    return example


def _tensors(value: Any, name: str = "") -> Iterator[tuple[str, Tensor]]:
    """Tensors in nested tuples and dictionaries, named as they are reached: "", "logits", "1.aux"."""
    if isinstance(value, Tensor):
        yield name, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _tensors(item, f"{name}.{key}".lstrip("."))
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for index, item in enumerate(value):
            yield from _tensors(item, f"{name}.{index}".lstrip("."))
