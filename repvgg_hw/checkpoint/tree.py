"""A state dict's keys as the tree of modules that they name, and what kind of module each one looks like."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from repvgg_hw.fuse.keys import OWN_KEY

NORM_KEYS = {"weight", "bias", "running_mean", "running_var", "num_batches_tracked"}
# Names of a block's parts that plain networks use, too, for modules of any kind: they show no block.
_COMMON = NORM_KEYS | {"conv", "bn", "norm"}


@dataclass
class Module:
    """A module: its own arrays and its children, both in the order in which the file names them."""

    path: str
    own: dict[str, np.ndarray] = field(default_factory=dict)
    children: dict[str, Module] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The last component of its path."""
        return self.path.rpartition(".")[2]

    def arrays(self, prefix: str = "") -> Iterator[tuple[str, np.ndarray]]:
        """Every array beneath, by its name relative to this module."""
        for name, value in self.own.items():
            yield prefix + name, value
        for name, child in self.children.items():
            yield from child.arrays(f"{prefix}{name}.")

    @cached_property
    def is_convolution(self) -> bool:
        """A torch convolution: a weight of four axes, perhaps a bias, nothing else."""
        weight = self.own.get("weight")
        return (
            not self.children
            and weight is not None
            and weight.ndim == 4
            and set(self.own) <= {"weight", "bias"}
        )

    @cached_property
    def is_norm(self) -> bool:
        """A batch normalization, perhaps incomplete: anything of one axis that has statistics."""
        return (
            not self.children
            and set(self.own) <= NORM_KEYS
            and bool(set(self.own) & {"running_mean", "running_var", "num_batches_tracked"})
            and all(value.ndim <= 1 for value in self.own.values())
        )

    @cached_property
    def is_block(self) -> bool:
        """Has it parts that only a family of blocks names so? Then all beneath is one block's.

        DiracNet's kernel is an array called conv.
        """
        kernel = self.own.get("conv")
        if kernel is not None and kernel.ndim == 4:
            return True
        return any(OWN_KEY.match(name) and name not in _COMMON for name in (*self.own, *self.children))


def module_tree(state: Mapping[str, np.ndarray]) -> Module:
    """The tree of all keys of state."""
    root = Module("")
    for key, value in state.items():
        module = root
        *parents, name = key.split(".")
        for part in parents:
            path = f"{module.path}.{part}" if module.path else part
            module = module.children.setdefault(part, Module(path))
        module.own[name] = value
    return root


def pattern(name: str) -> tuple[str, tuple[int, ...]]:
    """A name with its numbers taken out, and the numbers: "block10" -> ("block#", (10,)).

    RepVGGplus splits a stage in two: "stage2_first" -> ("stage#", (2, 1)).
    """
    numbers = [int(number) for number in re.findall(r"\d+", name)]
    if half := re.fullmatch(r"(stage\d+)_(first|second)", name):
        return "stage#", (numbers[0], 1 if half[2] == "first" else 2)
    return re.sub(r"\d+", "#", name), tuple(numbers)
