"""An exponential moving average of a network's weights and BN statistics."""

from __future__ import annotations

import copy

import torch

from repvgg_hw.training.network import TrainedNetwork


class Average:
    """A copy of the network that follows it slowly; early steps count more, so that it forgets the start.

    decay  0: it is the network itself, at no cost
    """

    def __init__(self, network: TrainedNetwork, decay: float) -> None:
        self.decay = decay
        self.network = copy.deepcopy(network).eval() if decay else network

    @torch.no_grad()
    def update(self, network: TrainedNetwork, step: int) -> None:
        """Take one step's weights in; step counts from 0."""
        if not self.decay:
            return
        keep = min(self.decay, (1 + step) / (10 + step))
        for mine, theirs in zip(
            self.network.state_dict().values(), network.state_dict().values(), strict=True
        ):
            if mine.is_floating_point():
                mine.lerp_(theirs, 1 - keep)
            else:
                mine.copy_(theirs)
