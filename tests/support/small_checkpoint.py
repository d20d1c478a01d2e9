"""A small RepVGG of random weights as a state dict, its names as others write them, and its import."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from torch import Tensor

from repvgg_hw.checkpoint import Checkpoint, Imported, fused_state, import_state, random_model
from repvgg_hw.network import Architecture

State = dict[str, Tensor]

SMALL = Architecture("custom", (8, 8, 12, 16), (1, 2, 3, 1), (2, 2, 2, 2), {2: 2, 4: 4}, 5, 3)


def small_state() -> State:
    return random_model(SMALL, seed=0).state_dict()


def arrays(state: State) -> dict[str, np.ndarray]:
    return {key: value.numpy() for key, value in state.items()}


def imported(state: State, **options: Any) -> Imported:
    return import_state(Checkpoint(arrays(state), source="test"), **options)


def assert_same(got: Imported, expected: Imported) -> None:
    assert got.architecture == expected.architecture
    for ours, theirs in zip(got.fused.convs, expected.fused.convs, strict=True):
        assert ours.shape == theirs.shape
        np.testing.assert_array_equal(ours.weight, theirs.weight)
        np.testing.assert_array_equal(ours.bias, theirs.bias)
    assert got.linear is not None
    assert expected.linear is not None
    np.testing.assert_array_equal(got.linear.weight, expected.linear.weight)
    np.testing.assert_array_equal(got.linear.bias, expected.linear.bias)


def renamed(state: State, *rules: tuple[str, str]) -> State:
    result = {}
    for key, value in state.items():
        for pattern, replacement in rules:
            key = re.sub(pattern, replacement, key)
        result[key] = value
    return result


def timm_stage(match: re.Match[str]) -> str:
    return f"stages.{int(match[1]) - 1}."


NAMINGS: dict[str, tuple[tuple[str, Any], ...]] = {
    "timm": (
        (r"^stage0\.", "stem."),
        (r"^stage(\d)\.", timm_stage),
        (r"rbr_dense", "conv_kxk"),
        (r"rbr_1x1", "conv_1x1"),
        (r"rbr_identity", "identity"),
        (r"^linear", "head.fc"),
    ),
    "mmpretrain": (
        (r"^stage0\.", "backbone.stem."),
        (r"^stage(\d)\.", r"backbone.stage_\1."),
        (r"rbr_dense", "branch_3x3"),
        (r"rbr_1x1", "branch_1x1"),
        (r"rbr_identity", "branch_norm"),
        (r"\.bn\.", ".norm."),
        (r"^linear", "head.fc"),
    ),
    "RepVGGplus": (
        (r"^stage3\.0\.", "stage3_first.blocks.0."),
        (r"^stage2\.2\.", "stage2_second.blocks.0."),
        (r"^stage2\.", "stage2_first.blocks."),
        (r"^stage1\.", "stage1.blocks."),
    ),
}


def fused_arrays(state: State) -> dict[str, np.ndarray]:
    """The same network as `fuse` writes it, without a word on strides."""
    return fused_state(imported(state))
