"""The blocks that can be trained, by name. Each one's state dict has the keys that `repvgg_hw.fuse` reads."""

from repvgg_hw.errors import InputError
from repvgg_hw.training.blocks.acb import ACB
from repvgg_hw.training.blocks.base import Block
from repvgg_hw.training.blocks.branches import MobileOne, QARepVGG, RepVGG
from repvgg_hw.training.blocks.dbb import DBB
from repvgg_hw.training.blocks.kernels import DOConv, ExpandNet
from repvgg_hw.training.blocks.orepa import OREPA, OREPARepVGG
from repvgg_hw.training.blocks.plain import Plain
from repvgg_hw.training.blocks.repopt import RepOpt, RepOptSearch

BLOCKS: dict[str, type[Block]] = {
    "plain": Plain,
    "repvgg": RepVGG,
    "acb": ACB,
    "dbb": DBB,
    "orepa": OREPA,
    "orepa-repvgg": OREPARepVGG,
    "qarepvgg": QARepVGG,
    "mobileone": MobileOne,
    "doconv": DOConv,
    "expandnet": ExpandNet,
    "repopt": RepOpt,
    "repopt-search": RepOptSearch,
}


def block_named(name: str) -> type[Block]:
    """The block called name. Raises InputError, listing the names, if there is none."""
    if name not in BLOCKS:
        raise InputError(f"unknown block {name!r}; choose one of {', '.join(BLOCKS)}")
    return BLOCKS[name]


__all__ = ["BLOCKS", "Block", "block_named"]
