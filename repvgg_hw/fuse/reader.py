"""Read a block's arrays by key, in float64: nothing read twice, nothing left unsaid, nothing guessed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from repvgg_hw.errors import InputError
from repvgg_hw.fuse.graph import Affine, Array, Conv, Node, chain, same_conv
from repvgg_hw.fuse.keys import some


@dataclass(frozen=True)
class NormStatistics:
    """One batch normalization as stored; each (C,)."""

    prefix: str
    scale: Array  # gamma / sqrt(var + eps)
    mean: Array
    var: Array
    affine: bool = True  # gamma and beta are stored


@dataclass(frozen=True)
class Branch:
    """What stands behind a convolution's kernel. Neither is a sign of a key that was lost."""

    name: str
    bias: bool
    norm: bool


class Reader:
    """A canonical block's arrays, in float64, and which of them have been read."""

    def __init__(
        self,
        state: Mapping[str, np.ndarray],
        *,
        groups: int,
        stride: int,
        eps: float,
        average: bool | None = None,
    ) -> None:
        self._state = state
        self.groups, self.stride, self.eps = groups, stride, eps
        self.average = average  # a branch that leaves no keys; see branches.qarepvgg
        self.keyless_identity = False  # the block adds its input, and may add the average
        self._read: set[str] = set()
        self.norms: list[NormStatistics] = []  # every BN read so far
        self.branches: list[Branch] = []  # every convolution that may have either a bias or a BN

    def __contains__(self, key: str) -> bool:
        return key in self._state

    def __iter__(self) -> Iterator[str]:
        return iter(self._state)

    def has(self, prefix: str) -> bool:
        """Is there any key that starts with prefix?"""
        return any(key.startswith(prefix) for key in self._state)

    def shape(self, key: str) -> tuple[int, ...]:
        """Shape of the array called key, which stays unread; InputError if the block has none."""
        if key not in self._state:
            raise InputError(f"key {key} is missing; there are {some(self._state)}")
        return self._state[key].shape

    def ndim(self, key: str) -> int:
        """Axes of the array called key, 0 if there is none."""
        return self._state[key].ndim if key in self._state else 0

    def take(self, key: str) -> Array:
        """The array called key; InputError if the block has none."""
        self.shape(key)
        self._read.add(key)
        return np.asarray(self._state[key], dtype=np.float64)

    def take_optional(self, key: str) -> Array | None:
        """The array called key, or None."""
        return self.take(key) if key in self else None

    def ignore(self, *keys: str) -> None:
        """Count keys as read: buffers that a family stores but that carry no information."""
        self._read.update(key for key in keys if key in self)

    def conv(
        self, prefix: str, *, kernel: int | None = None, stride: int | None = None, groups: int | None = None
    ) -> Conv:
        """The convolution prefix.weight, prefix.bias, same-padded, at the block's stride and groups.

        The empty prefix stands for the block's own weight and bias; kernel is the size that it must have.
        """
        dot = f"{prefix}." if prefix else ""
        weight = self.weight(f"{dot}weight")
        if kernel is not None and weight.shape[2:] != (kernel, kernel):
            raise InputError(f"{dot}weight has shape {weight.shape}; a {kernel}x{kernel} kernel is needed")
        return same_conv(
            weight,
            self.take_optional(f"{dot}bias"),
            stride=self.stride if stride is None else stride,
            groups=self.groups if groups is None else groups,
        )

    def branch(self, conv: str, norm: str, *, kernel: int | None = None) -> Node:
        """Convolution and BN, or convolution with a bias into which its BN is folded already.

        Raises InputError if it has neither: then one was lost. require_alike compares the branches.
        """
        node, has_norm = self.conv(conv, kernel=kernel), self.has(f"{norm}.")
        self.note(conv, bias=node.bias is not None, norm=has_norm)
        if node.bias is None and not has_norm:
            raise InputError(
                f"{conv} has neither a batch normalization ({norm}.*) nor a bias: one of them is missing"
            )
        return chain(node, self.bn(norm)) if has_norm else node

    def note(self, name: str, *, bias: bool, norm: bool) -> None:
        """Say what stands behind the kernel called name, for comparison with the others."""
        self.branches.append(Branch(name, bias, norm))

    def require_alike(self) -> None:
        """Raise InputError if one branch or BN of the block lacks what the others show it should have."""
        both = [branch.name for branch in self.branches if branch.bias and branch.norm]
        lacking = [branch for branch in self.branches if not (branch.bias and branch.norm)]
        if both and lacking:
            missing = "batch normalization" if lacking[0].bias else "bias"
            raise InputError(f"{lacking[0].name} has no {missing}, but {both[0]} has one: a key is missing")
        without = [norm.prefix for norm in self.norms if not norm.affine]
        if without and len(without) < len(self.norms):
            raise InputError(
                f"batch normalization {without[0]} has no weight and bias, others of the block have them: "
                "keys are missing"
            )

    def weight(self, key: str) -> Array:
        """A convolution's weight: four axes, both kernel sizes 1 or 3."""
        weight = self.take(key)
        if weight.ndim != 4 or not set(weight.shape[2:]) <= {1, 3}:
            raise InputError(f"{key} has shape {weight.shape}; a kernel of 1 or 3 by 1 or 3 is needed")
        return weight

    def bn(self, prefix: str) -> Affine:
        """Batch normalization in eval mode: t = gamma / sqrt(var + eps), x -> t x + (beta - t mu).

        A BN without affine keys has gamma 1 and beta 0; one of the two alone is refused.
        """
        mean, var = self.take(f"{prefix}.running_mean"), self.take(f"{prefix}.running_var")
        if mean.shape != var.shape or mean.ndim != 1:
            raise InputError(f"{prefix}: running mean {mean.shape} and variance {var.shape} differ in shape")
        if (var < 0).any():
            raise InputError(f"{prefix}.running_var is negative (channel {int(np.argmin(var))})")
        gamma = self.take_optional(f"{prefix}.weight")
        beta = self.take_optional(f"{prefix}.bias")
        if (gamma is None) != (beta is None):
            there, missing = ("bias", "weight") if gamma is None else ("weight", "bias")
            raise InputError(f"key {prefix}.{missing} is missing; {prefix}.{there} is there")
        if any(a is not None and a.shape != mean.shape for a in (gamma, beta)):
            raise InputError(f"{prefix}: weight or bias does not have the statistics' shape {mean.shape}")
        scale = (1.0 if gamma is None else gamma) / np.sqrt(var + self.eps)
        self.norms.append(NormStatistics(prefix, scale, mean, var, gamma is not None))
        return Affine(scale, (0.0 if beta is None else beta) - scale * mean)

    def scale(self, prefix: str) -> Affine:
        """One factor per channel, prefix.weight (C,)."""
        factor = self.take(f"{prefix}.weight")
        if factor.ndim != 1:
            raise InputError(f"{prefix}.weight has shape {factor.shape}; one factor per channel is needed")
        return Affine(factor, np.zeros(len(factor)))

    def leftover(self) -> list[str]:
        """Keys that nobody has read."""
        return sorted(set(self._state) - self._read)
