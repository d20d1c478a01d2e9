"""An unfinished training on disk, from which it goes on as if it had never stopped."""

from __future__ import annotations

import io
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from repvgg_hw.errors import InputError
from repvgg_hw.files import write_atomically
from repvgg_hw.train.average import Average
from repvgg_hw.train.network import TrainedNetwork

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

    def load(self, path: Path, made_of: dict[str, Any]) -> None:
        """Go on from what `save` wrote. Raises InputError where it is not there or was made otherwise."""
        if not path.is_file():
            raise InputError(f"{path}: there is no unfinished training to resume; leave out --resume")
        try:
            content = torch.load(path, map_location="cpu", weights_only=True)
            before = content["made_of"]
        except (pickle.UnpicklingError, RuntimeError, EOFError, KeyError, TypeError, ValueError):
            raise InputError(f"{path} is damaged: leave out --resume to begin anew") from None
        other = sorted(key for key in {*before, *made_of} if before.get(key) != made_of.get(key))
        if other:
            key = other[0]
            raise InputError(
                f"{path} was trained with {key} {before.get(key)}, not {made_of.get(key)}: "
                "give the same options, or leave out --resume to begin anew"
            )
        self.network.load_state_dict(content["network"])
        self.optimizer.load_state_dict(content["optimizer"])
        if content["average"] is not None:
            self.average.network.load_state_dict(content["average"])
        self.step, self.sums = content["step"], content["sums"]
