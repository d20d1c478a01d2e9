"""Frames for a whole network: what its input can do to its layers."""

from __future__ import annotations

import numpy as np
from hls_networks import Layer, random_images, random_network

from repvgg_hw.extremes import frames
from repvgg_hw.extremes.reach import network_reach

LAYERS = [Layer(4, stride=2, pi=3), Layer(6, pi=2, m=3), Layer(4)]


def test_frames_go_farther_than_images_in_every_stage() -> None:
    network, plan = random_network(LAYERS, in_shape=(3, 16, 16))
    driven = frames.network_frames(network, plan)
    assert driven.dtype == np.int8
    assert len(driven) <= frames.FIRST_LAYER + frames.KEPT + 2
    by_images = network_reach(network, plan, random_images(network, 16))
    by_frames = network_reach(network, plan, driven)
    assert set(by_images) == {"stage0.0", "stage1.0", "stage2.0", "pool", "linear"}
    for layer, stages in by_images.items():
        for stage, reach in stages.items():
            assert by_frames[layer][stage].reached >= reach.reached, (layer, stage)
            assert by_frames[layer][stage].reached <= reach.bound == by_frames[layer][stage].bound
    weight = network.convs[0].weight.astype(np.int64)
    most = np.where(weight > 0, 127, -128) * weight
    least = int(most.sum(axis=(1, 2, 3)).max()) - int(np.abs(network.convs[0].bias).max())
    assert by_frames["stage0.0"]["accumulator"].reached >= least


def test_the_same_network_gives_the_same_frames() -> None:
    network, plan = random_network(LAYERS, in_shape=(3, 8, 8))
    assert np.array_equal(frames.network_frames(network, plan), frames.network_frames(network, plan))


def test_candidates_are_nothing_but_extremes() -> None:
    found = list(frames.candidates((3, 9, 14), -128, 127))
    assert len(found) == frames.CANDIDATES
    assert {int(value) for frame in found for value in np.unique(frame)} == {-128, 127}
    checkerboard = found[0]
    assert (checkerboard[:, 1:] != checkerboard[:, :-1]).all()
    assert (checkerboard[:, :, 1:] != checkerboard[:, :, :-1]).all()
