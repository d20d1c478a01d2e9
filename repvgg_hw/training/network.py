"""A chain of trainable blocks with global average pooling and a linear layer, official RepVGG key names."""

from __future__ import annotations

from torch import Tensor, nn

from repvgg_hw.errors import InputError
from repvgg_hw.network import Architecture
from repvgg_hw.training.blocks import Block, block_named


class TrainedNetwork(nn.Module):
    """Blocks stage0, stage1.0, ..., then the mean over the map and `linear`. Any input size.

    block  its name, of `repvgg_hw.training.blocks.BLOCKS`
    Raises InputError for an unknown block, and for groups or squeeze-and-excitation that it does not know.
    """

    def __init__(self, architecture: Architecture, block: str = "repvgg") -> None:
        super().__init__()
        if architecture.num_classes < 1:
            raise InputError("a network needs classes to be trained")
        kind = block_named(block)
        stages: dict[str, list[Block]] = {}
        for shape in architecture.convs():
            blocks = stages.setdefault(shape.name.partition(".")[0], [])
            blocks.append(kind(shape, len(blocks) + 1, se=architecture.se is not None))
        self.stages = tuple(stages)
        for name, blocks in stages.items():
            self.add_module(name, blocks[0] if name == "stage0" else nn.Sequential(*blocks))
        self.linear = nn.Linear(architecture.widths[-1], architecture.num_classes)

    def blocks(self) -> dict[str, Block]:
        """The blocks by name, in order."""
        return {name: module for name, module in self.named_modules() if isinstance(module, Block)}

    def forward(self, x: Tensor) -> Tensor:
        """(N, C_in, H, W) -> logits (N, classes)."""
        for name in self.stages:
            x = getattr(self, name)(x)
        logits: Tensor = self.linear(x.mean((2, 3)))
        return logits
