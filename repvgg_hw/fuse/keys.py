"""Read a block's arrays by key: one spelling for all code bases, nothing read twice, nothing left unsaid."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from repvgg_hw.errors import InputError
from repvgg_hw.fuse.graph import Affine, Array, Conv, same_conv

# other code bases' spelling of a block's own keys -> the official one; applied in this order
_ALIASES = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"^(reparam_conv|branch_reparam|dbb_reparam|orepa_reparam|fused_conv|reparam)\.", "rbr_reparam."),
        (r"^conv_kxk\.(\d+)\.", r"rbr_conv.\1."),  # timm's MobileOne
        (r"^conv_scale\.", "rbr_scale."),
        (r"^(conv_kxk|branch_3x3)\.", "rbr_dense."),  # timm, mmpretrain
        (r"^(conv_1x1|branch_1x1)\.", "rbr_1x1."),
        (r"^(identity|branch_norm)\.", "rbr_identity."),
        (r"^(rbr_dense|rbr_1x1)\.0\.", r"\1.conv."),  # YOLO's unnamed Sequential
        (r"^(rbr_dense|rbr_1x1)\.1\.", r"\1.bn."),
        (r"(^|\.)norm\.", r"\1bn."),
        (r"^attn\.fc1\.", "se.down."),
        (r"^attn\.fc2\.", "se.up."),
        (r"^se_layer\.conv1\.conv\.", "se.down."),
        (r"^se_layer\.conv2\.conv\.", "se.up."),
    )
)
_COUNTER = re.compile(r"(^|\.)num_batches_tracked$")
_SQUEEZE_EXCITE = re.compile(r"^(se|post_se)\.(down|up)\.(weight|bias)$")


def canonical(key: str) -> str:
    """A block's own key in the official spelling."""
    for pattern, replacement in _ALIASES:
        key = pattern.sub(replacement, key)
    return key


def canonical_state(state: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """state with official key names and without BN's step counters."""
    return {canonical(key): value for key, value in state.items() if not _COUNTER.search(key)}


def split_squeeze_excite(
    state: Mapping[str, np.ndarray],
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """(block without squeeze-and-excitation, its squeeze-and-excitation keys), of a canonical state."""
    se = {key: value for key, value in state.items() if _SQUEEZE_EXCITE.match(key)}
    return {key: value for key, value in state.items() if key not in se}, se


@dataclass(frozen=True)
class NormStatistics:
    """One batch normalization as stored; each (C,)."""

    prefix: str
    scale: Array  # gamma / sqrt(var + eps)
    mean: Array
    var: Array


class Reader:
    """A canonical block's arrays, in float64, and which of them have been read."""

    def __init__(self, state: Mapping[str, np.ndarray], *, groups: int, stride: int, eps: float) -> None:
        self._state = state
        self.groups, self.stride, self.eps = groups, stride, eps
        self._read: set[str] = set()
        self.norms: list[NormStatistics] = []  # every BN read so far

    def __contains__(self, key: str) -> bool:
        return key in self._state

    def has(self, prefix: str) -> bool:
        """Is there any key that starts with prefix?"""
        return any(key.startswith(prefix) for key in self._state)

    def shape(self, key: str) -> tuple[int, ...]:
        """Shape of the array called key, which stays unread; InputError if the block has none."""
        if key not in self._state:
            raise InputError(f"key {key} is missing; there are {_some(self._state)}")
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

    def conv(self, prefix: str, *, stride: int | None = None, groups: int | None = None) -> Conv:
        """The convolution prefix.weight, prefix.bias, same-padded, at the block's stride and groups.

        The empty prefix stands for the block's own weight and bias.
        """
        dot = f"{prefix}." if prefix else ""
        return same_conv(
            self.weight(f"{dot}weight"),
            self.take_optional(f"{dot}bias"),
            stride=self.stride if stride is None else stride,
            groups=self.groups if groups is None else groups,
        )

    def weight(self, key: str) -> Array:
        """A convolution's weight: four axes, both kernel sizes 1 or 3."""
        weight = self.take(key)
        if weight.ndim != 4 or not set(weight.shape[2:]) <= {1, 3}:
            raise InputError(f"{key} has shape {weight.shape}; a kernel of 1 or 3 by 1 or 3 is needed")
        return weight

    def bn(self, prefix: str) -> Affine:
        """Batch normalization in eval mode: t = gamma / sqrt(var + eps), x -> t x + (beta - t mu).

        A BN without affine keys has gamma 1 and beta 0.
        """
        mean, var = self.take(f"{prefix}.running_mean"), self.take(f"{prefix}.running_var")
        if mean.shape != var.shape or mean.ndim != 1:
            raise InputError(f"{prefix}: running mean {mean.shape} and variance {var.shape} differ in shape")
        if (var < 0).any():
            raise InputError(f"{prefix}.running_var is negative (channel {int(np.argmin(var))})")
        gamma = self.take_optional(f"{prefix}.weight")
        beta = self.take_optional(f"{prefix}.bias")
        if any(a is not None and a.shape != mean.shape for a in (gamma, beta)):
            raise InputError(f"{prefix}: weight or bias does not have the statistics' shape {mean.shape}")
        scale = (1.0 if gamma is None else gamma) / np.sqrt(var + self.eps)
        self.norms.append(NormStatistics(prefix, scale, mean, var))
        return Affine(scale, (0.0 if beta is None else beta) - scale * mean)

    def leftover(self) -> list[str]:
        """Keys that nobody has read."""
        return sorted(set(self._state) - self._read)


def _some(keys: Iterable[str], limit: int = 6) -> str:
    """A few keys for a message."""
    names = sorted(keys)
    return ", ".join(names[:limit]) + (f", ... ({len(names)} in all)" if len(names) > limit else "")
