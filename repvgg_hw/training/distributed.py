"""Several processes that train one network, started by torchrun: each takes its share of every batch."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from repvgg_hw.errors import InputError


@dataclass(frozen=True)
class Processes:
    """This process among all that train."""

    rank: int = 0
    world: int = 1

    @property
    def first(self) -> bool:
        """Whether this one speaks and writes."""
        return self.rank == 0

    def wrap(self, network: nn.Module) -> nn.Module:
        """The network with gradients averaged over all processes."""
        return network if self.world == 1 else DistributedDataParallel(network)

    def mean(self, values: list[float]) -> list[float]:
        """Each value averaged over all processes."""
        if self.world == 1:
            return values
        total = torch.tensor(values, dtype=torch.float64)
        if dist.get_backend() == "nccl":
            total = total.cuda()
        dist.all_reduce(total)
        return [float(value) / self.world for value in total]

    def wait(self) -> None:
        """Until all are here."""
        if self.world > 1:
            dist.barrier()


@contextlib.contextmanager
def joined(device: torch.device) -> Iterator[tuple[Processes, torch.device]]:
    """This process among those that torchrun started, alone where it did not, and the device of each.

    Raises InputError where its variables make no sense, or the others are not met.
    """
    world = world_size()
    if world == 1 or "RANK" not in os.environ:
        yield Processes(), device
        return
    rank, local = _number("RANK", 0, world - 1), _number("LOCAL_RANK", 0, world - 1)
    try:
        if device.type == "cuda":
            device = torch.device("cuda", local)
            torch.cuda.set_device(device)
        dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    except (ValueError, RuntimeError) as error:
        first = str(error).strip().splitlines()[0]
        raise InputError(f"the processes that torchrun starts do not come together: {first}") from None
    try:
        yield Processes(rank, world), device
    finally:
        dist.destroy_process_group()


def world_size() -> int:
    """How many processes torchrun has started, 1 where it has not. Raises InputError as `joined`."""
    return _number("WORLD_SIZE", 1, 1 << 20)


def require_alone(what: str) -> None:
    """Raise InputError where torchrun has started more processes than one; what runs in one alone."""
    if world_size() > 1:
        raise InputError(f"{what} runs in one process: start it without torchrun")


def _number(name: str, lowest: int, highest: int) -> int:
    """A variable that torchrun sets; the lowest where it is not there."""
    text = os.environ.get(name, str(lowest))
    if not re.fullmatch("[0-9]{1,9}", text) or not lowest <= int(text) <= highest:
        raise InputError(f"the variable {name} is {text!r}: torchrun sets it; without torchrun unset it")
    return int(text)


def device_named(name: str | None) -> torch.device:
    """The device called name; without one a GPU, if there is one. Raises InputError if it is not there."""
    if name is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise InputError(f"--device {name} is not there: {str(error).splitlines()[0]}") from None
    return device
