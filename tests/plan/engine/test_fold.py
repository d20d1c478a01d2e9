"""A first layer of stride 2 folded to stride 1: the same values in every layer."""

from __future__ import annotations

import numpy as np
import pytest
from engine_cases import network_of, random_frame

from repvgg_hw import golden
from repvgg_hw.plan.engine.array import Array
from repvgg_hw.plan.engine.fold import fold_frames, foldable, folded
from repvgg_hw.plan.engine.image import build
from repvgg_hw.plan.engine.machine import Machine
from repvgg_hw.plan.engine.schedule import plan, plan_fastest

ARRAY = Array(n=9, pi=1, po=2, lanes=1, line_depth=32, out_words=16, c_max=64, acc_w=32)
SHAPES = [(6, 2, 1), (5, 1, 1)]


@pytest.mark.parametrize("size", [(8, 8), (7, 9), (1, 1), (6, 3)])
def test_every_layer_has_the_same_values(size: tuple[int, int]) -> None:
    network = network_of(SHAPES, (3, *size), 4)
    frame = random_frame(network, 1)[None]
    want = dict(golden.trace(frame, network))
    got = dict(golden.trace(fold_frames(frame), folded(network)))
    assert want.keys() == got.keys()
    for name, values in want.items():
        assert np.array_equal(got[name], values), name


def test_a_tap_at_a_wrong_place_is_found() -> None:
    network = network_of(SHAPES, (3, 8, 8), 0)
    other = folded(network)
    other.convs[0].weight[...] = other.convs[0].weight[..., ::-1]
    frame = random_frame(network, 1)[None]
    want = dict(golden.trace(frame, network))["stage0.0"]
    got = dict(golden.trace(fold_frames(frame), other))["stage0.0"]
    assert not np.array_equal(want, got)


def test_what_can_be_folded() -> None:
    assert foldable(network_of([(6, 2, 1)], (3, 8, 8), 0))
    assert not foldable(network_of([(6, 1, 1)], (3, 8, 8), 0))
    assert not foldable(network_of([(6, 2, 3)], (3, 8, 8), 0))


def test_an_engine_folds_where_that_is_faster() -> None:
    """F(7), 48 outputs of 3 channels: bound by the tiles that are transformed back."""
    network = network_of([(48, 2, 1), (8, 2, 1)], (3, 57, 62), 4)
    found, plain = plan_fastest(network, ARRAY), plan(network, ARRAY)
    assert found.frame().cycles < 0.7 * plain.frame().cycles
    assert found.frame().macs == plain.frame().macs
    assert (found.frame_shape, found.network.in_shape) == (network.in_shape, (12, 29, 31))
    frame = random_frame(network, 2)
    machine = Machine(ARRAY, build(found))
    machine.set_input(found.frames(frame))
    *_, logits = machine.run()
    want = golden.forward(frame[None], network)[0].astype("<i4").tobytes()
    assert logits.data.tobytes()[: len(want)] == want


def test_an_engine_folds_only_where_that_is_faster() -> None:
    many = network_of([(8, 2, 1)], (64, 16, 16), 0)
    found = plan_fastest(many, ARRAY)
    assert found.folded_from is None
    assert found.frames(random_frame(many, 1)).shape == many.in_shape
