"""What a live torch module says of itself where a state dict is silent: eps, strides, groups, order, use."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from repvgg_hw.checkpoint.naming import NamedBlock
from repvgg_hw.errors import InputError

State = dict[str, np.ndarray]
_IMAGES = (3, 1)  # channels of images, where kernels are not those of torch's own layers
_LAYERS = (nn.Conv2d, nn.Linear, _BatchNorm)  # what is used by being called, as a rule


def state_with_one_eps(module: nn.Module) -> tuple[float | None, State]:
    """(eps, state dict) that mean the same where batch normalizations have different eps.

    A BN uses var + eps alone, so that what its eps is above the smallest is added to its variance.
    """
    state = {key: value.detach().cpu().numpy() for key, value in module.state_dict().items()}
    norms = {name: m.eps for name, m in module.named_modules() if isinstance(m, _BatchNorm)}
    smallest = min(norms.values(), default=None)
    for name, eps in norms.items():
        key = f"{name}.running_var" if name else "running_var"
        if smallest is not None and eps != smallest and key in state:
            state[key] = state[key].astype(np.float64) + (eps - smallest)
    return smallest, state


def input_channels(module: nn.Module) -> list[int]:
    """How many channels the module may read: those of its kernels, in the order of their definition."""
    convs = [m.in_channels for m in module.modules() if isinstance(m, nn.Conv2d)]
    kernels = [int(length) for p in module.parameters() if p.ndim in (3, 4) for length in p.shape[:2]]
    return list(dict.fromkeys((*convs, *_IMAGES, *kernels)))


def executed(module: nn.Module, state: State, called: Sequence[str]) -> State:
    """state without the keys of layers that were never called, such as an auxiliary head's."""
    unused = {
        name for name, m in module.named_modules() if isinstance(m, _LAYERS) and name not in set(called)
    }
    return {key: value for key, value in state.items() if key.rpartition(".")[0] not in unused}


class Blocks:
    """The modules of each block: a block's name is that of a module, without what all names share."""

    def __init__(self, module: nn.Module, outside: str, called: Sequence[str]) -> None:
        self._modules = dict(module.named_modules())
        self._outside = outside
        self._called = {name: index for index, name in enumerate(called)}

    def in_order(self, blocks: Sequence[NamedBlock]) -> list[NamedBlock]:
        """Blocks by the first call of one of their modules; one that is never called stays behind."""
        return sorted(blocks, key=self._first_call)

    def stride(self, block: NamedBlock) -> int:
        """The largest stride of its layers: the inner ones of a branch have 1."""
        return max((_stride(m) for _, m in self._inside(block)), default=1)

    def groups(self, block: NamedBlock) -> int | None:
        """The groups that its largest kernels have in common (a gate's 1x1 have none), None if unknown."""
        convs = [m for _, m in self._inside(block) if isinstance(m, nn.Conv2d)]
        if convs:
            largest = max(max(conv.kernel_size) for conv in convs)
            return math.gcd(*(conv.groups for conv in convs if max(conv.kernel_size) == largest))
        others = [getattr(m, "groups", None) for _, m in self._inside(block)]
        known = [number for number in others if isinstance(number, int)]
        return math.gcd(*known) if known else None

    def _inside(self, block: NamedBlock) -> Iterator[tuple[str, nn.Module]]:
        path = f"{self._outside}{block.prefix}"
        for name, module in self._modules.items():
            if name == path or name.startswith(f"{path}."):
                yield name, module

    def _first_call(self, block: NamedBlock) -> int:
        calls = [self._called[name] for name, _ in self._inside(block) if name in self._called]
        return min(calls, default=len(self._called))


def _stride(module: nn.Module) -> int:
    """A layer's stride, 1 for layers without one."""
    stride = getattr(module, "stride", 1)
    height, width = stride if isinstance(stride, tuple) else (stride, stride)
    if height != width:
        raise InputError(f"a {type(module).__name__} has stride {stride}; height and width must agree")
    return int(height)
