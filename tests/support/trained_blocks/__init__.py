"""Training-time forward passes of every family as torch modules, from papers and their authors' code.

They are the reference and share nothing with repvgg_hw. A module's state_dict has its code base's own keys.
"""

from __future__ import annotations

from torch import nn

from trained_blocks.common import trained
from trained_blocks.diverse import ACB, DBB, ACBWithoutAffine, DBBWide
from trained_blocks.kernels import (
    DiracNet,
    DiracNetFunctional,
    DiracNetStem,
    DOConv,
    DOConvBN,
    ExpandNet,
)
from trained_blocks.orepa import OREPA, OREPA1x1, OREPARepVGG
from trained_blocks.qarepvgg import (
    QARepVGG,
    QARepVGGAverage,
    QARepVGGFolded,
    QARepVGGFused,
    QARepVGGNorms,
    QARepVGGTwoNorms,
)
from trained_blocks.repvgg import (
    InsertedBN,
    LinearAdd,
    MobileOne,
    MobileOne1x1,
    Plain,
    RepConv,
    RepConvIdentity,
    RepOpt,
    RepVGG,
    RepVGGFolded,
    ThreeNorms,
)

FAMILIES: tuple[type[nn.Module], ...] = (
    RepVGG,
    RepVGGFolded,
    QARepVGG,
    QARepVGGAverage,
    QARepVGGNorms,
    QARepVGGTwoNorms,
    QARepVGGFolded,
    QARepVGGFused,
    LinearAdd,
    ThreeNorms,
    InsertedBN,
    RepConv,
    RepConvIdentity,
    MobileOne,
    MobileOne1x1,
    ACB,
    ACBWithoutAffine,
    DBB,
    DBBWide,
    DOConv,
    DOConvBN,
    ExpandNet,
    DiracNet,
    DiracNetFunctional,
    DiracNetStem,
    OREPA,
    OREPARepVGG,
    OREPA1x1,
    RepOpt,
    Plain,
)

# Families of whole networks, whose strides and branches the keys show: YOLOv6's V2 needs an option besides.
NETWORK_FAMILIES = tuple(family for family in FAMILIES if family is not QARepVGGAverage)

# One for each way of fusing, for what takes long.
DISTINCT_FAMILIES = (
    *(RepVGG, QARepVGG, QARepVGGFused, LinearAdd, ThreeNorms, InsertedBN, RepConv, MobileOne, ACB, DBB),
    *(DOConvBN, ExpandNet, DiracNet, OREPA, OREPARepVGG, OREPA1x1, RepOpt, Plain),
)

__all__ = [
    "ACB",
    "DBB",
    "DISTINCT_FAMILIES",
    "FAMILIES",
    "NETWORK_FAMILIES",
    "OREPA",
    "ACBWithoutAffine",
    "DBBWide",
    "DOConv",
    "DOConvBN",
    "DiracNet",
    "DiracNetFunctional",
    "DiracNetStem",
    "ExpandNet",
    "InsertedBN",
    "LinearAdd",
    "MobileOne",
    "MobileOne1x1",
    "OREPA1x1",
    "OREPARepVGG",
    "Plain",
    "QARepVGG",
    "QARepVGGAverage",
    "QARepVGGFolded",
    "QARepVGGFused",
    "QARepVGGNorms",
    "QARepVGGTwoNorms",
    "RepConv",
    "RepConvIdentity",
    "RepOpt",
    "RepVGG",
    "RepVGGFolded",
    "ThreeNorms",
    "trained",
]
