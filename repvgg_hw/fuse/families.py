"""Every family of blocks that folds into one 3x3: the keys that tell it, and its trained form as a graph.

A family is recognised by keys alone. Families that share keys stand in the order in which they are tried.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from repvgg_hw.fuse.graph import Node, Sum, chain
from repvgg_hw.fuse.keys import Reader


@dataclass(frozen=True)
class Family:
    """One kind of trained block."""

    name: str
    matches: Callable[[Reader], bool]
    weight: tuple[str, ...]  # the first of these keys that is there has shape (C_out, C_in / groups, ...)
    graph: Callable[[Reader], Node]
    identity: str | None = None  # prefix of the identity branch's keys, if it has any


def fused(block: Reader) -> Node:
    """Already one 3x3 with bias."""
    return block.conv("rbr_reparam")


def repvgg(block: Reader) -> Node:
    """K = t3 K3 + P(t1 K1) + t0 I_g, each branch behind its own BN. arXiv 2101.03697."""
    branches = [conv_bn(block, "rbr_dense"), conv_bn(block, "rbr_1x1")]
    if block.has("rbr_identity."):
        branches.append(chain(block.bn("rbr_identity")))
    return Sum(tuple(branches))


def conv_bn(block: Reader, prefix: str) -> Node:
    """prefix.conv followed by prefix.bn."""
    return chain(block.conv(f"{prefix}.conv"), block.bn(f"{prefix}.bn"))


def plain_conv_bn(block: Reader) -> Node:
    """conv + bn: RepOpt-VGG's target form (arXiv 2205.15242) and every plain network."""
    return chain(block.conv("conv"), block.bn("bn"))


def plain_conv(block: Reader) -> Node:
    """A convolution alone."""
    return block.conv("conv" if "conv.weight" in block else "")


FAMILIES: tuple[Family, ...] = (
    Family(
        "RepVGG",
        lambda b: b.has("rbr_dense.conv.") or b.has("rbr_dense.bn."),
        ("rbr_dense.conv.weight",),
        repvgg,
        identity="rbr_identity.",
    ),
    Family("fused", lambda b: b.has("rbr_reparam."), ("rbr_reparam.weight",), fused),
    Family("conv + BN", lambda b: "conv.weight" in b and b.has("bn."), ("conv.weight",), plain_conv_bn),
    Family("conv", lambda b: "conv.weight" in b or "weight" in b, ("conv.weight", "weight"), plain_conv),
)
