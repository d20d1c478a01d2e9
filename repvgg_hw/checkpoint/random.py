"""Seeded random networks with realistic statistics, for designs without trained weights."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from repvgg_hw.checkpoint.files import Checkpoint
from repvgg_hw.checkpoint.imported import Imported
from repvgg_hw.checkpoint.importer import import_state
from repvgg_hw.model.repvgg import RepVGG, build_model
from repvgg_hw.network import Architecture

_IMAGES, _LAST_MAP = 4, 4  # the random images that statistics are measured on; height of their last map


@torch.no_grad()
def random_model(architecture: Architecture, seed: int = 0) -> RepVGG:
    """RepVGG in training form and eval mode whose activations neither die nor explode.

    He-initialized convolutions (He et al., arXiv 1502.01852); gamma and beta scattered around 1 and 0 and
    shared out over the branches; running statistics measured on random images, layer after layer, so that
    every branch is normalized as after training. The same seed gives the same network.
    """
    generator = torch.Generator().manual_seed(seed)
    model = build_model(architecture).eval()
    for parameter in model.parameters():
        fan_in = parameter[0].numel() if parameter.ndim > 1 else 1
        scale = (2.0 / fan_in) ** 0.5 if parameter.ndim > 1 else 0.0
        parameter.copy_(torch.randn(parameter.shape, generator=generator) * scale)
    size = _LAST_MAP * int(np.prod(architecture.strides))
    x = torch.randn(_IMAGES, architecture.in_channels, size, size, generator=generator)
    for block in model.blocks().values():
        norms = [m for m in block.modules() if isinstance(m, nn.BatchNorm2d)]
        for norm in norms:
            gamma = 1.0 + 0.3 * torch.randn(norm.num_features, generator=generator)
            norm.weight.copy_(gamma.clamp(0.1, 2.0) / len(norms) ** 0.5)
            norm.bias.copy_(0.2 * torch.randn(norm.num_features, generator=generator))
        _measure_statistics(block, x, generator)
        x = block(x)
    return model


def random_network(architecture: Architecture, seed: int = 0) -> Imported:
    """random_model, imported: fused and proven like any checkpoint."""
    state = {key: value.numpy() for key, value in random_model(architecture, seed).state_dict().items()}
    strides = [conv.stride for conv in architecture.convs()]
    checkpoint = Checkpoint(state, source=f"random {architecture.name}, seed {seed}")
    head = "linear" if architecture.num_classes else "none"
    return import_state(checkpoint, strides=strides, head=head)


def _measure_statistics(block: nn.Module, x: torch.Tensor, generator: torch.Generator) -> None:
    """Set a block's running statistics to those of its branches on x; a tenth off, as after training."""
    inputs: dict[nn.BatchNorm2d, torch.Tensor] = {}

    def keep(norm: nn.BatchNorm2d, args: tuple[torch.Tensor]) -> None:
        inputs[norm] = args[0]

    norms = [m for m in block.modules() if isinstance(m, nn.BatchNorm2d)]
    hooks = [norm.register_forward_pre_hook(keep) for norm in norms]
    block(x)
    for hook in hooks:
        hook.remove()
    for norm in norms:
        values = inputs[norm]
        assert norm.running_mean is not None
        assert norm.running_var is not None
        off = 1.0 + 0.1 * torch.randn(norm.num_features, generator=generator).clamp(-2, 2)
        norm.running_mean.copy_(values.mean((0, 2, 3)) * off)
        norm.running_var.copy_(values.var((0, 2, 3)).clamp_min(1e-4) * off.abs())
