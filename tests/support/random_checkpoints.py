"""Random known networks as state dicts, as trainers name, order, wrap and damage them.

A network is a chain of trained blocks of one family with ReLU between them, global average pooling and a
linear layer, run by torch in float64: that gives the true logits. Nothing here uses repvgg_hw.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
import trained_blocks as blocks
from torch import Tensor, nn

SIZE = 13  # of images: the last map of up to four strides is a pixel
WORDS = ("alpha_", "enc", "tower", "part", "trunk", "unit", "cell", "fold", "grid", "lane")
STORES_IDENTITY = (
    *(blocks.RepVGG, blocks.RepVGGFolded, blocks.LinearAdd, blocks.ThreeNorms),
    *(blocks.MobileOne, blocks.QARepVGGNorms, blocks.RepConvIdentity, blocks.OREPARepVGG),
)
GROUPS = (blocks.RepVGG, blocks.MobileOne, blocks.DBB, blocks.OREPA, blocks.DOConvBN, blocks.RepOpt)
State = dict[str, np.ndarray]


@dataclass
class Network:
    """A true network, its state dict, and what is known of it.

    names  of the blocks, in order; layout is how they were made
    said   what a user would have to give beside the file: options of import_state
    """

    layout: str
    family: type[nn.Module]
    names: list[str]
    stages: list[int]
    strides: list[int]
    widths: list[int]
    state: State
    x: Tensor
    logits: Tensor
    ordered: bool = True
    said: dict[str, Any] = field(default_factory=dict)
    history: list[str] = field(default_factory=list)  # what was done to the state dict

    def keeps(self, index: int) -> bool:
        """Does a block keep width and size?"""
        return self.widths[index] == self.widths[index + 1] and self.strides[index] == 1


@torch.no_grad()
def random_network(rng: random.Random) -> Network:
    """A network of random family, naming, widths, depths and strides, its state dict as torch has it."""
    family = rng.choice(blocks.FAMILIES)
    layout = rng.choice(tuple(LAYOUTS))
    depths = [1, *(rng.randint(1, 3) for _ in range(rng.randint(1, 3)))]
    stages = [stage for stage, depth in enumerate(depths) for _ in range(depth)]
    widths, choices = [rng.choice((1, 3))], rng.choice(((4, 6, 8), (4, 6, 8), (6,)))
    for stage in range(len(depths)):
        width = rng.choice(choices) if stage != 1 or rng.random() < 0.7 else widths[-1]
        widths += [width] * depths[stage]
    strides = _strides(rng, family, layout, stages, widths)
    groups = [1] * len(stages)
    if family in GROUPS and rng.random() < 0.4:
        groups = [rng.choice((1, 2)) if i else 1 for i in range(len(stages))]
    torch.manual_seed(rng.randrange(1 << 30))
    modules = [
        blocks.trained(family(widths[i], widths[i + 1], strides[i], groups[i]), seed=rng.randrange(1 << 30))
        for i in range(len(stages))
    ]
    head = blocks.trained(nn.Linear(widths[-1], 4), seed=rng.randrange(1 << 30))
    x = torch.randn(2, widths[0], SIZE, SIZE, dtype=torch.float64)
    y = x
    for module in modules:
        y = torch.relu(module(y))
    names = LAYOUTS[layout](rng, stages)
    state = {
        f"{name}.{key}": value.numpy()
        for name, module in zip(names, modules, strict=True)
        for key, value in module.state_dict().items()
    }
    where = rng.choice(("fc", "head", "linear", "head.fc", "classifier.1"))
    state |= {f"{where}.{key}": value.numpy() for key, value in head.state_dict().items()}
    network = Network(
        layout, family, names, stages, strides, widths, state, x, head(y.mean((2, 3))), history=[where]
    )
    network.said = _said(rng, network, groups)
    return network


def _said(rng: random.Random, network: Network, groups: list[int]) -> dict[str, Any]:
    """What keys cannot say, in most cases; without it a refusal is right."""
    assume: dict[str, str] = {}
    if rng.random() < 0.2:
        return {}
    family = network.family
    silent = issubclass(family, blocks.QARepVGG) and not issubclass(family, blocks.QARepVGGNorms)
    if silent and any(network.keeps(i) for i in range(len(network.names))):
        assume["average-branch"] = "yes" if getattr(family, "average", False) else "no"
    said: dict[str, Any] = {"assume": assume}
    if network.layout not in KNOWN and max(groups) > 1:
        said["groups"] = groups
    return said


def _strides(
    rng: random.Random, family: type[nn.Module], layout: str, stages: list[int], widths: list[int]
) -> list[int]:
    """Strides by the documented rule, or others where identity branches show them."""
    strides = []
    for i, stage in enumerate(stages):
        begins = i == 0 or stages[i - 1] != stage
        changes = i == 0 or widths[i] != widths[i + 1]
        if layout in KNOWN or layout in ("levels", "halves"):
            strides.append(2 if begins else 1)
        else:
            free = family in STORES_IDENTITY and family is not blocks.RepConvIdentity and not changes
            strides.append(2 if changes or (free and rng.random() < 0.2) else 1)
    if layout in KNOWN and family in STORES_IDENTITY and family is not blocks.RepConvIdentity:
        for i, stage in enumerate(stages):
            if i and stages[i - 1] != stage and widths[i] == widths[i + 1] and rng.random() < 0.3:
                strides[i] = 1  # shown by its identity branch
    return strides


def _numbered(stages: list[int]) -> list[int]:
    """The number of each block in its stage."""
    return [i - stages.index(stage) for i, stage in enumerate(stages)]


def _official(rng: random.Random, stages: list[int]) -> list[str]:
    return [f"stage{s}.{n}" if s else "stage0" for s, n in zip(stages, _numbered(stages), strict=True)]


def _timm(rng: random.Random, stages: list[int]) -> list[str]:
    return [f"stages.{s - 1}.{n}" if s else "stem" for s, n in zip(stages, _numbered(stages), strict=True)]


def _mmpretrain(rng: random.Random, stages: list[int]) -> list[str]:
    return [f"stage_{s}.{n}" if s else "stem" for s, n in zip(stages, _numbered(stages), strict=True)]


def _plus(rng: random.Random, stages: list[int]) -> list[str]:
    names = zip(stages, _numbered(stages), strict=True)
    return [f"stage{s}_first.blocks.{n}" if s else "stage0" for s, n in names]


def _flat(rng: random.Random, stages: list[int]) -> list[str]:
    word = rng.choice(WORDS)
    return [f"{word}.{i}" for i in range(len(stages))]


def _attributes(rng: random.Random, stages: list[int]) -> list[str]:
    word, start = rng.choice(WORDS), rng.choice((0, 1))
    return [f"{word}{i + start}" for i in range(len(stages))]


def _words(rng: random.Random, stages: list[int]) -> list[str]:
    return [f"{word}net" for word in rng.sample(WORDS, len(stages))]


def _levels(rng: random.Random, stages: list[int]) -> list[str]:
    first, word = rng.choice(("stem", "inlet")), rng.choice(WORDS)
    return [f"{word}{s}.{n}" if s else first for s, n in zip(stages, _numbered(stages), strict=True)]


def _halves(rng: random.Random, stages: list[int]) -> list[str]:
    """Each level has a block of its own before a list of others, named against the alphabet."""
    names = []
    for s, n in zip(stages, _numbered(stages), strict=True):
        names.append(f"level{s}.rest.{n - 1}" if n else f"level{s}.zero" if s else "stem")
    return names


Layout = Callable[[random.Random, list[int]], list[str]]
KNOWN = ("official", "timm", "mmpretrain", "plus")
LAYOUTS: dict[str, Layout] = {
    "official": _official,
    "timm": _timm,
    "mmpretrain": _mmpretrain,
    "plus": _plus,
    "flat": _flat,
    "attributes": _attributes,
    "words": _words,
    "levels": _levels,
    "halves": _halves,
}
