"""A torch module whose state dict does not say all that it does, and the outputs that its user would save."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
import torch
from click.testing import CliRunner, Result
from torch import Tensor, nn

from repvgg_hw.cli import main

State = dict[str, Tensor]


class Net(nn.Module):
    """Four blocks of convolution, BN and ReLU; what a state dict does not say can be varied."""

    def __init__(
        self,
        strides: tuple[int, ...] = (2, 1, 1, 2),
        eps: float = 1e-5,
        order: tuple[int, ...] = (0, 1, 2, 3),
        activation: Callable[[Tensor], Tensor] = torch.relu,
        shuffled: bool = False,
    ):
        super().__init__()
        widths, groups = (3, 8, 8, 8, 12), (1, 1, 1, 2)
        self.features = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(widths[i], widths[i + 1], 3, strides[i], 1, groups=groups[i], bias=False),
                nn.BatchNorm2d(widths[i + 1], eps=eps),
            )
            for i in range(4)
        )
        self.linear = nn.Linear(12, 5)
        self.order, self.activation, self.shuffled = order, activation, shuffled

    def forward(self, x: Tensor) -> Tensor:
        for i in self.order:
            if i == 3 and self.shuffled:  # the groups take every second channel, not halves
                x = torch.cat((x[:, ::2], x[:, 1::2]), 1)
            x = self.activation(self.features[i](x))
        logits: Tensor = self.linear(x.mean((2, 3)))
        return logits


class Known(TypedDict):
    strides: tuple[int, ...]
    groups: tuple[int, ...]


KNOWN: Known = {"strides": (2, 1, 1, 2), "groups": (1, 1, 1, 2)}
ARGUMENTS = ("--strides", "2,1,1,2", "--groups", "1,1,1,2")
IMAGES = torch.randn(3, 3, 12, 11, generator=torch.Generator().manual_seed(1))


def outputs(net: nn.Module, path: Path, x: Tensor = IMAGES) -> Path:
    """What the documentation shows: x and y of a float32 module in eval mode."""
    with torch.no_grad():
        y = net.float().eval()(x)
    np.savez(path, x=x.numpy(), y=y.numpy())
    return path


def fuse(folder: Path, *arguments: str | Path) -> Result:
    command = ["fuse", str(folder / "net.pth"), "-o", str(folder / "out.safetensors"), *ARGUMENTS]
    return CliRunner().invoke(main, [*command, *map(str, arguments)])


def trained(folder: Path) -> State:
    """A state dict with norms that do something, saved as net.pth in the folder."""
    torch.manual_seed(0)
    net = Net()
    for norm in net.modules():
        if isinstance(norm, nn.BatchNorm2d):
            assert norm.running_mean is not None
            assert norm.running_var is not None
            for values, low in ((norm.weight.data, 0.5), (norm.bias.data, -0.5), (norm.running_mean, -0.5)):
                values.uniform_(low, low + 1)
            norm.running_var.uniform_(0.05, 0.3)
    state = net.state_dict()
    torch.save(state, folder / "net.pth")
    return state


def truth(state: State, **options: Any) -> Net:
    net = Net(**options)
    net.load_state_dict(state)
    return net
