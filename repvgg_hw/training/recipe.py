"""How a network is trained: every number that decides about the result, and the rate of each step."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from repvgg_hw.errors import InputError
from repvgg_hw.training.augment import AUGMENTATIONS

# What each number may be; the options of the command have the same limits, which a test compares.
WHOLE = {"epochs": (1, 100_000), "batch": (2, 1 << 20), "seed": (0, 2**63 - 1)}
ABOVE_ZERO = ("rate",)
BELOW_ONE = ("momentum", "label_smoothing", "ema")
REAL = (*ABOVE_ZERO, *BELOW_ONE, "warmup", "weight_decay")
WORDS = {"batch": "batch_size"}  # as people say it


@dataclass(frozen=True)
class Recipe:
    """SGD with Nesterov momentum; the rate rises linearly for `warmup` epochs, then falls in a cosine to 0.

    batch            images per step, over all processes together
    rate             the largest, for this batch
    weight_decay     of convolutions and the linear layer; BN, biases and scales have none
    label_smoothing  share of the target that is spread over all classes
    ema              decay of the average of weights that is the result, per step; 0: the last weights are
    augment          how images are varied, a name of `augment.AUGMENTATIONS`
    amp              forward passes in bfloat16 where torch holds that safe
    Raises InputError for a number beyond its limits, and for an unknown augmentation.
    """

    epochs: int = 120
    batch: int = 256
    rate: float = 0.1
    warmup: float = 5.0
    momentum: float = 0.9
    weight_decay: float = 1e-4
    label_smoothing: float = 0.1
    ema: float = 0.0
    augment: str = "crop"
    amp: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        for name, limits in WHOLE.items():
            check_whole(WORDS.get(name, name), getattr(self, name), *limits)
        for name in REAL:
            _check_real(name, getattr(self, name))
        if self.augment not in AUGMENTATIONS:
            raise InputError(
                f"unknown augmentation {self.augment!r}; choose one of {', '.join(AUGMENTATIONS)}"
            )

    def rate_at(self, step: int, steps_per_epoch: int, fall: Callable[[float], float] | None = None) -> float:
        """The learning rate of a step, counted from 0; fall: another way than the cosine, 1 at 0, 0 at 1."""
        total, rising = self.epochs * steps_per_epoch, self.warmup * steps_per_epoch
        rising = min(rising, total / 2)
        if step < rising:
            return self.rate * (step + 1) / (rising + 1)
        return self.rate * (fall or _cosine)((step - rising) / max(1.0, total - rising))


def _cosine(way: float) -> float:
    return 0.5 * (1 + math.cos(math.pi * way))


def check_whole(name: str, value: object, lowest: int, highest: int) -> None:
    """Raise InputError, which begins with the name, unless value is a whole number within these limits."""
    if type(value) is not int or not lowest <= value <= highest:
        raise InputError(f"{name}: {value!r} is not a whole number from {lowest:,} to {highest:,}")


def _check_real(name: str, value: object) -> None:
    if not isinstance(value, (int, float)) or not math.isfinite(value):
        raise InputError(f"{name}: {value!r} is not a finite number")
    limits = {
        "above 0": value > 0 or name not in ABOVE_ZERO,
        "at least 0": value >= 0,
        "below 1": value < 1 or name not in BELOW_ONE,
    }
    for words, holds in limits.items():
        if not holds:
            raise InputError(f"{name}: {value} is not {words}")
