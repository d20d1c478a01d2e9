"""Blocks that are not fused: keys are lost, allow two readings, or are no part of a kernel."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable

import numpy as np
import pytest
import trained_blocks as blocks
from torch import nn

from repvgg_hw.errors import InputError
from repvgg_hw.fuse import fuse_block, read_block

State = dict[str, np.ndarray]


def state_of(module: nn.Module, seed: int = 0) -> State:
    return {key: value.numpy().copy() for key, value in blocks.trained(module, seed).state_dict().items()}


SE = {"se.down.weight": np.ones((2, 8, 1, 1)), "se.down.bias": np.ones(2)}

DAMAGED: dict[str, tuple[type[nn.Module], Callable[[State], object], str]] = {
    "a statistic": (blocks.RepVGG, lambda s: s.pop("rbr_1x1.bn.running_var"), "rbr_1x1.bn.running_var"),
    "a kernel": (blocks.RepVGG, lambda s: s.pop("rbr_dense.conv.weight"), "rbr_dense.conv.weight"),
    "a foreign key": (blocks.RepVGG, lambda s: s.update({"gate.weight": np.ones(3)}), "gate.weight"),
    "other channels": (
        blocks.RepVGG,
        lambda s: s.update({"rbr_1x1.conv.weight": np.ones((8, 4, 1, 1))}),
        "RepVGG",
    ),
    "other gammas": (blocks.RepVGG, lambda s: s.update({"rbr_1x1.bn.weight": np.ones(7)}), "rbr_1x1.bn"),
    "5x5": (
        blocks.RepVGG,
        lambda s: s.update({"rbr_dense.conv.weight": np.ones((8, 8, 5, 5))}),
        "rbr_dense.conv.weight",
    ),
    "3x3 for 1x1": (
        blocks.RepVGG,
        lambda s: s.update({"rbr_1x1.conv.weight": np.ones((8, 8, 3, 3))}),
        "rbr_1x1.conv.weight has shape (8, 8, 3, 3); a 1x1",
    ),
    "negative variance": (
        blocks.RepVGG,
        lambda s: s.update({"rbr_dense.bn.running_var": -np.ones(8)}),
        "rbr_dense.bn.running_var",
    ),
    "another block": (
        blocks.RepVGG,
        lambda s: [s.pop(k) for k in list(s)] and s.update({"gru.weight_hh": np.ones(3)}),
        "gru.weight_hh",
    ),
    "two spellings": (
        blocks.RepVGG,
        lambda s: s.update({"identity.weight": np.ones(8)}),
        "rbr_identity.weight and identity.weight are two spellings",
    ),
    "gamma of one BN": (
        blocks.RepVGG,
        lambda s: s.pop("rbr_1x1.bn.weight"),
        "key rbr_1x1.bn.weight is missing; rbr_1x1.bn.bias is there",
    ),
    "beta of one BN": (blocks.RepOpt, lambda s: s.pop("bn.bias"), "key bn.bias is missing; bn.weight"),
    "gamma and beta of one BN": (
        blocks.DBB,
        lambda s: [s.pop(f"dbb_avg.avgbn.{k}") for k in ("weight", "bias")],
        "dbb_avg.avgbn has no weight and bias, others of the block have them",
    ),
    "a whole BN": (
        blocks.RepVGG,
        lambda s: [s.pop(k) for k in list(s) if k.startswith("rbr_1x1.bn.")],
        "rbr_1x1.conv has neither a batch normalization (rbr_1x1.bn.*) nor a bias",
    ),
    "a whole BN of RepConv": (
        blocks.RepConv,
        lambda s: [s.pop(k) for k in list(s) if k.startswith("conv1.bn.")],
        "conv1.conv has neither",
    ),
    "a whole BN of three": (
        blocks.ThreeNorms,
        lambda s: [s.pop(k) for k in list(s) if k.startswith("bn_3x3.")],
        "conv_3x3 has neither",
    ),
    "a whole BN of MobileOne": (
        blocks.MobileOne,
        lambda s: [s.pop(k) for k in list(s) if k.startswith("rbr_conv.1.bn.")],
        "rbr_conv.1.conv has neither",
    ),
    "the scale branch of MobileOne": (
        blocks.MobileOne,
        lambda s: [s.pop(k) for k in list(s) if k.startswith("rbr_scale.")],
        "rbr_scale.conv.weight is missing",
    ),
    "the 1x1 of DBB": (
        blocks.DBB,
        lambda s: [s.pop(k) for k in list(s) if k.startswith("dbb_1x1.")],
        "dbb_1x1.conv.weight is missing",
    ),
    "the 1x1 before DBB's average": (
        blocks.DBB,
        lambda s: [s.pop(k) for k in list(s) if k.startswith(("dbb_avg.conv.", "dbb_avg.bn."))],
        "dbb_avg.bn.bn.running_mean is missing",
    ),
    "a branch of MobileOne": (
        blocks.MobileOne,
        lambda s: [s.pop(k) for k in list(s) if k.startswith("rbr_conv.1.")],
        "rbr_conv.2.conv.weight",
    ),
    "a folded bias": (
        blocks.RepVGGFolded,
        lambda s: s.pop("rbr_dense.conv.bias"),
        "rbr_dense.conv has neither",
    ),
    "a bias beside BN, of one branch": (
        blocks.RepVGG,
        lambda s: s.update({"rbr_dense.conv.bias": np.ones(8)}),
        "rbr_1x1.conv has no bias, but rbr_dense.conv has one",
    ),
    "a BN beside biases, of one branch": (
        blocks.RepVGG,
        lambda s: (
            s.update({f"{b}.conv.bias": np.ones(8) for b in ("rbr_dense", "rbr_1x1")})
            or [s.pop(k) for k in list(s) if k.startswith("rbr_1x1.bn.")]
        ),
        "rbr_1x1.conv has no batch normalization, but rbr_dense.conv has one",
    ),
    "the bias of a fused block": (
        blocks.QARepVGGFused,
        lambda s: s.pop("rbr_reparam.bias"),
        "rbr_reparam.bias",
    ),
    "the BN behind QARepVGG's sum": (
        blocks.QARepVGG,
        lambda s: [s.pop(k) for k in list(s) if k.startswith("bn.")],
        "bn.running_mean is missing",
    ),
    "a 1x1 with bias, whose BN stands elsewhere": (
        blocks.QARepVGG,
        lambda s: s.update({"rbr_1x1.bias": np.ones(8)}),
        "rbr_1x1.bias",
    ),
    "one scale": (blocks.LinearAdd, lambda s: s.pop("scale_conv.weight"), "scale_conv.weight is missing"),
    "all scales": (
        blocks.LinearAdd,
        lambda s: [s.pop(k) for k in list(s) if k.startswith("scale_")],
        "scale_conv.weight is missing",
    ),
    "a scale's bias": (
        blocks.LinearAdd,
        lambda s: s.update({"scale_1x1.bias": np.ones(8)}),
        "scale_1x1.bias",
    ),
    "a term of OREPA": (
        blocks.OREPA,
        lambda s: s.pop("weight_orepa_1x1"),
        "weight_orepa_1x1 is missing",
    ),
    "a row of OREPA's factors": (
        blocks.OREPA,
        lambda s: s.update(vector=s["vector"][:5]),
        "vector has shape (5, 8); 6 rows",
    ),
    "a bias of ExpandNet": (blocks.ExpandNet, lambda s: s.pop("1.bias"), "key 1.bias is missing; 0.bias"),
    "one alpha for all outputs": (
        blocks.DiracNetFunctional,
        lambda s: s.update(alpha=np.ones(1)),
        "first version of DiracNet",
    ),
    "squeeze-and-excitation": (blocks.RepVGG, lambda s: s.update(SE), "squeeze-and-excitation does not fuse"),
    "squeeze-and-excitation before the last BN": (
        blocks.QARepVGGNorms,
        lambda s: s.update(SE),
        "squeeze-and-excitation in the middle",
    ),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_a_damaged_block_is_refused_by_naming_its_keys(case: str) -> None:
    family, change, named = DAMAGED[case]
    state = state_of(family(8, 8, 1, 1))
    change(state)
    with pytest.raises(InputError, match=re.escape(named)):
        fuse_block(state, average=False)


@pytest.mark.parametrize("family", blocks.FAMILIES, ids=lambda family: family.__name__)
def test_dropping_any_one_key_is_refused_or_changes_nothing(family: type[nn.Module]) -> None:
    """Except for what may be absent from a block: an identity, the last of a list, a bias before ReLU."""
    state = state_of(family(8, 8, 1, 1))
    whole = fuse_block(state, average=False)
    for key in state:
        try:
            less = fuse_block({k: v for k, v in state.items() if k != key}, average=False)
        except InputError:
            continue
        same = all(np.allclose(a, b, rtol=1e-12) for a, b in zip(less, whole, strict=True))
        assert same or (family.__name__, key) in {
            ("LinearAdd", "scale_identity.weight"),
            ("DOConv", "bias"),
            ("DOConvBN", "conv.bias"),
            ("Plain", "bias"),
        }, key


def test_two_readings_of_qarepvgg_are_named() -> None:
    """The average branch of YOLOv6's QARepVGGBlockV2 leaves no keys: an option decides."""
    state = state_of(blocks.QARepVGG(8, 8, 1, 1))
    with pytest.raises(InputError, match=r"QARepVGG.*3x3 average.*average=False or average=True"):
        fuse_block(state)
    assert read_block(state).average_unknown
    assert not read_block(state, average=False).average_unknown
    apart = fuse_block(state, average=True)[0] - fuse_block(state, average=False)[0]
    assert (np.abs(apart).reshape(8, 8, -1).max(-1) > 0).tolist() == np.eye(8, dtype=bool).tolist()


@pytest.mark.parametrize(
    ("family", "shape"),
    [
        (blocks.QARepVGG, (8, 8, 2, 1)),
        (blocks.QARepVGG, (4, 8, 1, 1)),
        (blocks.QARepVGGNorms, (8, 8, 1, 1)),
        (blocks.QARepVGGFused, (8, 8, 1, 1)),
        (blocks.RepVGG, (8, 8, 1, 1)),
    ],
)
def test_a_block_that_cannot_have_the_average_needs_no_option(
    family: type[nn.Module], shape: tuple[int, int, int, int]
) -> None:
    state = state_of(family(*shape))
    readings = [fuse_block(state, stride=shape[2], average=average) for average in (None, False, True)]
    for kernel, bias in readings[1:]:
        np.testing.assert_array_equal(kernel, readings[0][0])
        np.testing.assert_array_equal(bias, readings[0][1])


@pytest.mark.parametrize(
    ("shapes", "named"),
    [
        ({"conv1.conv.weight": (8, 1, 3, 3), "conv2.conv.weight": (8, 8, 1, 1)}, "do not stand side by side"),
        ({"conv1.conv.weight": (8, 8, 3, 3), "conv2.conv.weight": (8, 8, 3, 3)}, "a 1x1 kernel is needed"),
    ],
)
def test_two_layers_called_conv1_and_conv2_are_no_pair(
    shapes: dict[str, tuple[int, ...]], named: str
) -> None:
    state = state_of(blocks.RepConv(8, 8, 1, 1)) | {k: np.ones(v) for k, v in shapes.items()}
    with pytest.raises(InputError, match=named):
        fuse_block(state)


def test_an_identity_contradicts_stride_2() -> None:
    with pytest.raises(InputError, match="different strides"):
        fuse_block(state_of(blocks.RepVGG(8, 8, 1, 1)), stride=2)


@pytest.mark.parametrize("family", [blocks.OREPARepVGG, blocks.OREPA1x1])
def test_forms_without_groups(family: type[nn.Module]) -> None:
    with pytest.raises(InputError, match="for one group only"):
        fuse_block(state_of(family(8, 8, 1, 1)), groups=2)


@pytest.mark.parametrize(
    ("key", "value", "named"),
    [
        ("rbr_dense.bn.weight", 1e300, r"RepVGG block: the fused kernel of output 3 overflows"),
        ("rbr_dense.conv.weight", 1e38, r"the fused kernel of output 3 overflows"),
        ("rbr_1x1.bn.running_mean", 1e306, r"the fused bias of output 3 overflows"),
        ("rbr_1x1.bn.bias", 1e39, r"the fused bias of output 3 overflows"),
    ],
)
def test_overflow_is_refused(key: str, value: float, named: str) -> None:
    """Beyond float32 too: a fused file holds float32."""
    state = state_of(blocks.RepVGG(8, 8, 1, 1))
    state[key][3] = value
    state["rbr_dense.bn.weight"][3] = max(state["rbr_dense.bn.weight"][3], 100)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(InputError, match=named):
            fuse_block(state)
