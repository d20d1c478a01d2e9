"""Every family of blocks that folds into one 3x3, and the keys that tell it.

A family is recognised by keys alone, in the order of FAMILIES. Training branches come before `rbr_reparam`:
some trainers keep a random placeholder of that name beside them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from repvgg_hw.fuse.branches import acb, dbb, mobileone, qarepvgg, repvgg
from repvgg_hw.fuse.graph import Node, chain
from repvgg_hw.fuse.kernels import diracnet, do_conv, expandnet, expandnet_prefix, orepa, orepa_repvgg
from repvgg_hw.fuse.keys import Reader


@dataclass(frozen=True)
class Family:
    """One kind of trained block.

    weight    the first of these keys that is there has shape (C_out, C_in / groups, ...)
    last      likewise, where another weight has C_out
    identity  prefixes of the identity branch's keys, if the family stores any
    """

    name: str
    matches: Callable[[Reader], bool]
    graph: Callable[[Reader], Node]
    weight: tuple[str, ...]
    last: tuple[str, ...] = ()
    identity: tuple[str, ...] = ()


def _is_expandnet(block: Reader) -> bool:
    dot = expandnet_prefix(block)
    return all(block.ndim(f"{dot}{i}.weight") == 4 for i in range(3))


def _sequential_conv_bn(block: Reader) -> Node:
    return chain(block.conv("0"), block.bn("1"))


def _plain_conv(block: Reader) -> Node:
    return block.conv("conv" if "conv.weight" in block else "0" if "0.weight" in block else "")


FAMILIES: tuple[Family, ...] = (
    Family(
        "OREPA (RepVGG form)",
        lambda b: b.has("rbr_dense.weight_rbr_"),
        orepa_repvgg,
        ("rbr_dense.weight_rbr_origin",),
        identity=("rbr_identity.",),
    ),
    Family("OREPA", lambda b: b.has("weight_orepa_"), orepa, ("weight_orepa_origin",)),
    Family(
        "QARepVGG",
        lambda b: b.has("rbr_dense.") and "rbr_1x1.weight" in b,
        qarepvgg,
        ("rbr_dense.conv.weight",),
    ),
    Family(
        "RepVGG",
        lambda b: b.has("rbr_dense.") or b.has("rbr_1x1."),
        repvgg,
        ("rbr_dense.conv.weight",),
        identity=("rbr_identity.",),
    ),
    Family(
        "MobileOne",
        lambda b: b.has("rbr_conv.") or b.has("rbr_scale."),
        mobileone,
        ("rbr_conv.0.conv.weight", "rbr_scale.conv.weight"),
        identity=("rbr_skip.", "rbr_identity."),
    ),
    Family("ACB", lambda b: b.has("square_conv."), acb, ("square_conv.weight",)),
    Family("DBB", lambda b: b.has("dbb_"), dbb, ("dbb_origin.conv.weight",)),
    Family("DO-Conv", lambda b: "W" in b or "conv.W" in b, do_conv, ("conv.W", "W")),
    Family(
        "DiracNet",
        lambda b: "alpha" in b or "conv.alpha" in b,
        diracnet,
        ("conv", "conv.weight", "weight"),
    ),
    Family(
        "ExpandNet",
        _is_expandnet,
        expandnet,
        ("0.weight", *(f"conv{i}.0.weight" for i in range(10))),
        last=("2.weight", *(f"conv{i}.2.weight" for i in range(10))),
    ),
    Family(
        "fused", lambda b: b.has("rbr_reparam."), lambda b: b.conv("rbr_reparam"), ("rbr_reparam.weight",)
    ),
    Family(
        "conv + BN",  # RepOpt-VGG's target form (arXiv 2205.15242) and every plain network
        lambda b: "conv.weight" in b and b.has("bn."),
        lambda b: chain(b.conv("conv"), b.bn("bn")),
        ("conv.weight",),
    ),
    Family("conv + BN", lambda b: "0.weight" in b and b.has("1."), _sequential_conv_bn, ("0.weight",)),
    Family(
        "conv",
        lambda b: any(b.ndim(key) == 4 for key in ("conv.weight", "0.weight", "weight")),
        _plain_conv,
        ("conv.weight", "0.weight", "weight"),
    ),
)
