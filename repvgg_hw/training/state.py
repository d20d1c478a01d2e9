"""An unfinished training on disk, from which it goes on as if it had never stopped."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from repvgg_hw.checkpoint.pickles import load_pickle
from repvgg_hw.errors import InputError
from repvgg_hw.files import write_atomically
from repvgg_hw.training.average import Average
from repvgg_hw.training.network import TrainedNetwork

SUFFIX = ".unfinished"


def state_path(output: Path) -> Path:
    """Where the unfinished training of a network lies: beside it."""
    return output.with_name(output.name + SUFFIX)


@dataclass
class Training:
    """Everything that changes from step to step. Draws are none of it: they follow from seed and step.

    step  steps done
    sums  loss, right answers and images of the epoch that is under way
    """

    network: TrainedNetwork
    optimizer: torch.optim.Optimizer
    average: Average
    step: int
    sums: list[float]

    def save(self, path: Path, made_of: dict[str, Any]) -> None:
        """Write it, whole or not at all; made_of is what the options said, which must be the same later."""
        content = io.BytesIO()
        torch.save(
            {
                "made_of": made_of,
                "network": self.network.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "average": self.average.network.state_dict() if self.average.decay else None,
                "step": self.step,
                "sums": self.sums,
            },
            content,
        )
        write_atomically(path, content.getvalue())

    def load(self, path: Path, made_of: dict[str, Any], steps: int) -> None:
        """Go on from what `save` wrote; steps: of the whole training.

        Raises InputError where it is not there, was made otherwise, or is damaged.
        """
        if not path.is_file():
            raise InputError(f"{path}: there is no unfinished training to resume; leave out --resume")
        try:
            content, _ = load_pickle(path)
            before = dict(content["made_of"])
        except (InputError, KeyError, TypeError, ValueError, IndexError):
            raise _damaged(path) from None
        other = sorted(str(key) for key in {*before, *made_of} if before.get(key) != made_of.get(key))
        if other:
            key = other[0]
            raise InputError(
                f"{path} was trained with {key} {before.get(key)}, not {made_of.get(key)}: "
                "give the same options, or leave out --resume to begin anew"
            )
        try:
            self._take(content, steps)
        except (RuntimeError, KeyError, TypeError, ValueError, AttributeError, IndexError):
            raise _damaged(path) from None

    def _take(self, content: dict[str, Any], steps: int) -> None:
        """Content of the right network; raises whatever comes of it where it is damaged."""
        recipe = [{k: v for k, v in g.items() if k != "params"} for g in self.optimizer.param_groups]
        self.network.load_state_dict(content["network"])
        self.optimizer.load_state_dict(content["optimizer"])
        for group, own in zip(self.optimizer.param_groups, recipe, strict=True):
            group.update(own)
        if not self._momenta_fit():
            raise ValueError
        if self.average.decay:
            self.average.network.load_state_dict(content["average"])
        step, sums = content["step"], content["sums"]
        if type(step) is not int or not 0 < step < steps:
            raise ValueError
        if len(sums) != len(self.sums) or not all(type(x) is float and math.isfinite(x) for x in sums):
            raise ValueError
        self.step, self.sums = step, list(sums)

    def _momenta_fit(self) -> bool:
        return all(
            momentum is None or momentum.shape == weight.shape
            for group in self.optimizer.param_groups
            for weight in group["params"]
            for momentum in (self.optimizer.state[weight].get("momentum_buffer"),)
        )


def _damaged(path: Path) -> InputError:
    return InputError(f"{path} is damaged: leave out --resume to begin anew")
