"""Every family of blocks that folds into one 3x3, and the keys that tell it.

A family is recognised by keys alone, in the order of FAMILIES. Training branches come before `rbr_reparam`:
some trainers keep a random placeholder of that name beside them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from repvgg_hw.errors import InputError
from repvgg_hw.fuse.branches import acb, linear_add, mobileone, pair, qarepvgg, repvgg, three_norms
from repvgg_hw.fuse.dbb import dbb
from repvgg_hw.fuse.graph import Conv, Node, chain
from repvgg_hw.fuse.kernels import diracnet, diracnet_stem, do_conv, expandnet, expandnet_prefix
from repvgg_hw.fuse.orepa import orepa, orepa_1x1, orepa_repvgg
from repvgg_hw.fuse.reader import Reader


@dataclass(frozen=True)
class Family:
    """One kind of trained block.

    weight    the first of these keys that is there has shape (C_out, C_in / groups, ...)
    last      likewise, where another weight has C_out
    identity  prefixes of the identity branch's keys, if the family stores any
    optional  an identity without keys, or none at all, is possible: its absence shows nothing
    norm_behind  a BN follows the sum of branches, and squeeze-and-excitation would stand between the two
    """

    name: str
    matches: Callable[[Reader], bool]
    graph: Callable[[Reader], Node]
    weight: tuple[str, ...]
    last: tuple[str, ...] = ()
    identity: tuple[str, ...] = ()
    optional: bool = False
    norm_behind: bool = False

    def shows_identity(self, block: Reader) -> bool | None:
        """Whether the block adds its input; None where keys cannot tell."""
        if any(block.has(prefix) for prefix in self.identity):
            return True
        return False if self.identity and not self.optional else None


def _is_expandnet(block: Reader) -> bool:
    dot = expandnet_prefix(block)
    return all(block.ndim(f"{dot}{i}.weight") == 4 for i in range(3))


def _fused(block: Reader) -> Conv:
    """rbr_reparam, which has a bias in every code base: its BNs went into it."""
    conv = block.conv("rbr_reparam")
    if conv.bias is None:
        raise InputError("key rbr_reparam.bias is missing; a fused convolution has one")
    return conv


def _sequential_conv_bn(block: Reader) -> Node:
    return block.branch("0", "1")


def _plain_conv(block: Reader) -> Node:
    name = "conv" if "conv.weight" in block else "0" if "0.weight" in block else ""
    conv = block.conv(name)
    block.note(name or "the convolution", bias=conv.bias is not None, norm=False)
    return conv


FAMILIES: tuple[Family, ...] = (
    Family(
        "OREPA (RepVGG form)",
        lambda b: b.has("rbr_dense.weight_rbr_"),
        orepa_repvgg,
        ("rbr_dense.weight_rbr_origin",),
        identity=("rbr_identity.",),
    ),
    Family("OREPA", lambda b: b.has("weight_orepa_"), orepa, ("weight_orepa_origin",)),
    Family("OREPA 1x1", lambda b: b.has("weight_or1x1_"), orepa_1x1, ("weight_or1x1_origin",)),
    Family(
        "QARepVGG",
        lambda b: b.has("rbr_dense.") and ("rbr_1x1.weight" in b or b.has("bn.")),
        qarepvgg,
        ("rbr_dense.conv.weight",),
        identity=("rbr_identity.",),
        optional=True,
        norm_behind=True,
    ),
    Family(
        "RepVGG",
        lambda b: b.has("rbr_dense.") or b.has("rbr_1x1."),
        repvgg,
        ("rbr_dense.conv.weight",),
        identity=("rbr_identity.",),
    ),
    Family(
        "RepOpt-VGG (scales)",
        lambda b: b.has("scale_") or ("conv.weight" in b and b.has("conv_1x1.")),
        linear_add,
        ("conv.weight",),
        identity=("scale_identity.",),
    ),
    Family(
        "RepOpt-VGG (three BN)",
        lambda b: b.has("conv_3x3.") or b.has("bn_3x3."),
        three_norms,
        ("conv_3x3.weight",),
        identity=("bn_identity.",),
    ),
    Family(
        "RepConv",
        lambda b: b.has("conv1.conv.") and b.has("conv2.conv."),
        pair,
        ("conv1.conv.weight",),
        identity=("bn.",),
        optional=True,
    ),
    Family(
        "MobileOne",
        lambda b: b.has("rbr_conv.") or b.has("rbr_scale."),
        mobileone,
        ("rbr_conv.0.conv.weight",),
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
        "fused, split again",  # a convolution and a BN put in its place, to be trained on
        lambda b: b.has("rbr_reparam.conv."),
        lambda b: b.branch("rbr_reparam.conv", "rbr_reparam.bn"),
        ("rbr_reparam.conv.weight",),
    ),
    Family(
        "fused + BN",  # QARepVGG keeps the BN behind the sum for quantization-aware training
        lambda b: b.has("rbr_reparam.") and b.has("bn."),
        lambda b: chain(_fused(b), b.bn("bn")),
        ("rbr_reparam.weight",),
        norm_behind=True,
    ),
    Family("fused", lambda b: b.has("rbr_reparam."), _fused, ("rbr_reparam.weight",)),
    Family(
        "conv + BN",  # RepOpt-VGG's target form (arXiv 2205.15242) and every plain network
        lambda b: "conv.weight" in b and b.has("bn."),
        lambda b: b.branch("conv", "bn"),
        ("conv.weight",),
    ),
    Family("conv + BN", lambda b: b.ndim("conv") == 4, diracnet_stem, ("conv",)),
    Family("conv + BN", lambda b: "0.weight" in b and b.has("1."), _sequential_conv_bn, ("0.weight",)),
    Family(
        "conv",
        lambda b: any(b.ndim(key) == 4 for key in ("conv.weight", "0.weight", "weight")),
        _plain_conv,
        ("conv.weight", "0.weight", "weight"),
    ),
)
