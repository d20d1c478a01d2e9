"""Random plain networks of torch's own layers: what a Sequential hides between its numbers.

ReLU, pooling and dropout leave no keys. The true network may have a layer where the reading by rule has
none, a BN behind its ReLU or before its linear layer, or convolutions without a ReLU.
"""

from __future__ import annotations

import random
from collections import OrderedDict

import torch
import trained_blocks as blocks
from random_checkpoints import SIZE, Network
from torch import nn

ODD = (None, None, None, "pool", "dropout", "BN behind ReLU", "BN before linear", "no ReLU", "identity")


class Named(nn.Module):
    """conv1, bn1, conv2, ... as attributes, ReLU in forward; `body` keeps its input's width if shortcut."""

    def __init__(self, widths: list[int], strides: list[int], norm: bool, bias: bool) -> None:
        super().__init__()
        self.count = len(strides)
        for i, stride in enumerate(strides, start=1):
            setattr(self, f"conv{i}", nn.Conv2d(widths[i - 1], widths[i], 3, stride, 1, bias=bias))
            if norm:
                setattr(self, f"bn{i}", nn.BatchNorm2d(widths[i]))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for i in range(1, self.count + 1):
            x = getattr(self, f"conv{i}")(x)
            x = torch.relu(getattr(self, f"bn{i}")(x) if hasattr(self, f"bn{i}") else x)
        return x


class Residual(Named):
    """The same with its input added, as in the body of a residual block."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + super().forward(x)


@torch.no_grad()
def random_sequence(rng: random.Random) -> Network:
    """A plain network, sometimes with something that its keys do not show."""
    widths = [rng.choice((1, 3)), *sorted(rng.choice((4, 6, 8)) for _ in range(rng.randint(2, 5)))]
    strides = [2 if i == 0 or widths[i] != widths[i + 1] else 1 for i in range(len(widths) - 1)]
    norm = rng.random() < 0.6
    kind = rng.choice(("sequential", "sequential", "all in one", "attributes", "residual"))
    odd = rng.choice(ODD) if kind in ("sequential", "all in one") else None
    torch.manual_seed(rng.randrange(1 << 30))
    bias = not norm or rng.random() < 0.3
    if kind == "attributes":
        body: nn.Module = Named(widths, strides, norm, bias)
    elif kind == "residual":
        width = widths[-1]
        body = nn.Sequential(
            OrderedDict(
                entry=Named(widths, strides, norm, bias),
                **{f"block{i}": Residual([width] * 3, [1, 1], norm, bias) for i in range(rng.randint(1, 2))},
            )
        )
    else:
        body = nn.Sequential(*_layers(rng, widths, strides, norm=norm, bias=bias, odd=odd))
    tail: list[nn.Module] = [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    if odd == "BN before linear":
        tail.append(nn.BatchNorm1d(widths[-1]))
    if kind == "all in one":
        module = nn.Sequential(*body.children(), *tail, nn.Linear(widths[-1], 4))
    else:
        name = rng.choice(("features", "body", "conv_layers"))
        head = nn.Sequential(*tail, nn.Linear(widths[-1], 4))
        module = nn.Sequential(OrderedDict[str, nn.Module]({name: body, "head": head}))
    module = blocks.trained(module, seed=rng.randrange(1 << 30))
    for layer in module.modules():
        if isinstance(layer, nn.BatchNorm1d) and layer.running_mean is not None:
            layer.running_mean.normal_()
            layer.get_buffer("running_var").uniform_(0.1, 1)
    x = torch.randn(2, widths[0], SIZE, SIZE, dtype=torch.float64)
    state = {key: value.numpy() for key, value in module.state_dict().items()}
    # all layers but the last convolution and what is behind it, which nothing would miss
    names = list(dict.fromkeys(key.rpartition(".")[0] for key in state))
    names = names[: max(i for i, name in enumerate(names) if state[f"{name}.weight"].ndim == 4)]
    linear = next(key.removesuffix(".weight") for key, value in state.items() if value.ndim == 2)
    return Network(
        f"{kind}, {odd}",
        type(module),
        names,
        [0] * len(names),
        strides,
        widths,
        state,
        x,
        module(x),
        history=[linear],
    )


def _layers(
    rng: random.Random, widths: list[int], strides: list[int], *, norm: bool, bias: bool, odd: str | None
) -> list[nn.Module]:
    layers: list[nn.Module] = []
    at = rng.randrange(len(strides))
    for i, stride in enumerate(strides):
        layers.append(nn.Conv2d(widths[i], widths[i + 1], 3, stride, 1, bias=bias))
        behind: list[nn.Module] = [nn.BatchNorm2d(widths[i + 1])] if norm else []
        behind.append(nn.ReLU())
        if odd == "BN behind ReLU":
            behind = [nn.ReLU(), nn.BatchNorm2d(widths[i + 1])]
        elif odd == "no ReLU" and i == at and i + 1 < len(strides):
            behind.pop()
        layers += behind
        if i == at and i + 1 < len(strides) and odd in ("pool", "dropout", "identity"):
            kinds = {"pool": nn.MaxPool2d(3, 1, 1), "dropout": nn.Dropout(), "identity": nn.Identity()}
            layers.append(kinds[odd])
    return layers
