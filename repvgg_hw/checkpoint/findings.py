"""What looks wrong with a network, although it fuses: dead channels, outliers, untrained statistics."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from repvgg_hw.fuse.block import Block
from repvgg_hw.fuse.reader import NormStatistics
from repvgg_hw.network import FusedConv

OUTLIER = 30.0  # |gamma / sigma| above this times the layer's median: one channel dwarfs the others in int8
DEAD_VARIANCE = 1e-10  # a running variance below this: the channel does not move


@dataclass(frozen=True)
class Finding:
    """One kind of finding, the layers it concerns with a number each, and what it means for int8."""

    kind: str
    layers: tuple[tuple[str, float], ...]
    meaning: str

    def line(self) -> str:
        """One line for people."""
        shown = ", ".join(f"{name} ({value:.3g})" for name, value in self.layers[:4])
        more = f", ... {len(self.layers)} layers in all" if len(self.layers) > 4 else ""
        return f"{self.kind} in {shown}{more}: {self.meaning}"


def findings(convs: Sequence[FusedConv], blocks: Sequence[Block]) -> list[Finding]:
    """All findings of a network, none if it looks healthy."""

    def collect(kind: str, meaning: str, value: Callable[[FusedConv, Block], float]) -> Iterable[Finding]:
        values = ((conv.name, value(conv, block)) for conv, block in zip(convs, blocks, strict=True))
        layers = tuple((name, number) for name, number in values if number > 0)
        return [Finding(kind, layers, meaning)] if layers else []

    return [
        *collect(
            "dead channels",
            "number of outputs that no input changes; they cost multipliers and carry nothing",
            lambda conv, block: dead_channels(conv, block),
        ),
        *collect(
            "gamma/sigma outliers",
            "largest over median; one channel dwarfs the others, per-tensor int8 weights would lose them",
            lambda conv, block: max((_excess(norm) for norm in block.norms), default=0.0),
        ),
        *collect(
            "batch normalization statistics that look untrained",
            "number of BNs with mean 0 and variance 1; was the network ever trained, or calibrated?",
            lambda conv, block: sum(map(looks_untrained, block.norms)),
        ),
    ]


def dead_channels(conv: FusedConv, block: Block) -> int:
    """Outputs whose fused kernel is zero, or whose every batch normalization has seen no variance."""
    dead = np.abs(conv.weight).reshape(len(conv.weight), -1).max(axis=1) == 0
    outputs = [norm for norm in block.norms if len(norm.var) == len(dead)]
    if outputs:
        dead |= np.all([norm.var < DEAD_VARIANCE for norm in outputs], axis=0)
    return int(dead.sum())


def scale_ratio(norm: NormStatistics) -> float:
    """Largest |gamma / sigma| over the median one."""
    scale = np.abs(norm.scale)
    median = float(np.median(scale))
    return float(scale.max()) / median if median > 0 else 0.0


def looks_untrained(norm: NormStatistics) -> bool:
    """Mean exactly 0 and variance exactly 1 everywhere: the values before the first training step."""
    return bool((norm.mean == 0).all() and (norm.var == 1).all())


def _excess(norm: NormStatistics) -> float:
    ratio = scale_ratio(norm)
    return ratio if ratio > OUTLIER else 0.0
