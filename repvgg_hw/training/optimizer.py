"""SGD in which weight decay leaves batch normalization, biases and scales alone."""

from __future__ import annotations

import torch
from torch import nn

from repvgg_hw.training.network import TrainedNetwork
from repvgg_hw.training.recipe import Recipe


def parameter_groups(network: TrainedNetwork) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """(with weight decay, without it). Without: whatever has one axis, and what a block names as scales."""
    scales = {f"{name}.{own}" for name, block in network.blocks().items() for own in block.undecayed()}
    decayed: list[nn.Parameter] = []
    free: list[nn.Parameter] = []
    for name, parameter in network.named_parameters():
        (free if parameter.ndim < 2 or name in scales else decayed).append(parameter)
    return decayed, free


def optimizer_for(network: TrainedNetwork, recipe: Recipe) -> torch.optim.SGD:
    """SGD with Nesterov momentum over both groups."""
    decayed, free = parameter_groups(network)
    groups = [{"params": decayed, "weight_decay": recipe.weight_decay}, {"params": free, "weight_decay": 0.0}]
    return torch.optim.SGD(
        groups, lr=recipe.rate, momentum=recipe.momentum, nesterov=recipe.momentum > 0, foreach=False
    )
