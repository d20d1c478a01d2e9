"""A first layer of stride 2 as one of stride 1: even and odd rows and columns become channels.

    y[i] = w0 x[2i-1] + w1 x[2i] + w2 x[2i+1] = w1 even[i] + (w0 odd[i-1] + w2 odd[i])   in each dimension

Space to depth, exact: the same products, and others of zeros. An engine multiplies more so, but transforms
fewer tiles back: F(7) gives 49 outputs where phases of 4 give 16, and with a first layer's few channels that
is what binds.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from repvgg_hw.network import IntegerNetwork

PHASES = 2


def foldable(network: IntegerNetwork) -> bool:
    """Whether its first layer can be folded."""
    shape = network.convs[0].shape
    return shape.stride == PHASES and shape.groups == 1


def folded(network: IntegerNetwork) -> IntegerNetwork:
    """The same network on folded frames: in_shape (C, H, W) becomes (4 C, ceil(H/2), ceil(W/2))."""
    first, (channels, height, width) = network.convs[0], network.in_shape
    weight = np.zeros((len(first.bias), PHASES, PHASES, channels, 3, 3), np.int8)
    places = {0: [(1, 1)], 1: [(0, 0), (2, 1)]}  # phase -> (tap, its place among the phase's pixels)
    for y, rows in places.items():
        for x, columns in places.items():
            for tap_y, at_y in rows:
                for tap_x, at_x in columns:
                    weight[:, y, x, :, at_y, at_x] = first.weight[:, :, tap_y, tap_x]
    conv = replace(first, stride=1, weight=weight.reshape(len(weight), -1, 3, 3))
    size = (PHASES**2 * channels, -(-height // PHASES), -(-width // PHASES))
    return replace(
        network,
        in_shape=size,
        convs=(conv, *network.convs[1:]),
        mean=network.mean * PHASES**2,
        std=network.std * PHASES**2,
    )


def fold_frames(frames: NDArray[np.integer]) -> NDArray[np.integer]:
    """Frames (..., C, H, W) as the folded network takes them, (..., 4 C, ceil(H/2), ceil(W/2)).

    Phase by phase; pixels beyond the edge are zero, as they are to a convolution.
    """
    *_, height, width = frames.shape
    odd = [(0, 0)] * (frames.ndim - 2) + [(0, height % PHASES), (0, width % PHASES)]
    whole = np.pad(frames, odd)
    phases = [whole[..., y::PHASES, x::PHASES] for y in range(PHASES) for x in range(PHASES)]
    return np.concatenate(phases, axis=-3)
