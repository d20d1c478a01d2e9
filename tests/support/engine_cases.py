"""Random networks and random engines that run them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hls_networks import random_conv

from repvgg_hw.errors import InputError
from repvgg_hw.network import ConvShape, IntegerLinear, IntegerNetwork
from repvgg_hw.plan.engine.array import Array
from repvgg_hw.plan.engine.limits import check

LINE = (1, 2, 3, 4, 5, 7, 8, 9, 13, 16, 17, 24, 33)


def network_of(
    shapes: Sequence[tuple[int, int, int]], in_shape: tuple[int, int, int], classes: int, seed: int = 0
) -> IntegerNetwork:
    """A network of layers (c_out, stride, groups); classes 0 for one that ends with its last map."""
    rng = np.random.default_rng(seed)
    convs, c_in = [], in_shape[0]
    for number, (c_out, stride, groups) in enumerate(shapes):
        shape = ConvShape(f"stage{number}.0", c_in, c_out, stride, groups)
        convs.append(random_conv(shape, rng, first=number == 0))
        c_in = c_out
    head = IntegerLinear(
        weight=rng.integers(-127, 128, (classes, c_in)).astype(np.int8),
        bias=rng.integers(-1000, 1000, classes).astype(np.int32),
    )
    return IntegerNetwork(
        name="random",
        in_shape=in_shape,
        input_scale=1 / 48,
        mean=(0.5,) * in_shape[0],
        std=(0.25,) * in_shape[0],
        convs=tuple(convs),
        linear=head if classes else None,
        output_scale=1.0,
    )


def random_network(seed: int) -> IntegerNetwork:
    """One to five layers, groups, odd sizes, maps down to 1 x 1, with or without a linear layer."""
    rng = np.random.default_rng(seed)
    shapes, c_in = [], int(rng.integers(1, 6))
    in_shape = (c_in, int(rng.choice(LINE)), int(rng.choice(LINE)))
    for _ in range(rng.integers(1, 6)):
        groups = int(rng.choice([g for g in (1, 1, 2, 3) if c_in % g == 0]))
        c_out = groups * int(rng.integers(1, 7))
        shapes.append((c_out, int(rng.integers(1, 3)), groups))
        c_in = c_out
    return network_of(shapes, in_shape, int(rng.choice([0, 1, 5, 8, 10, 17])), seed)


def random_array(network: IntegerNetwork, seed: int) -> Array:
    """An engine that this network fits, tight or roomy by chance."""
    rng = np.random.default_rng(seed + 1)
    while True:
        po = int(rng.choice([1, 2, 3, 4, 6]))
        array = Array(
            n=int(rng.choice([3, 5, 7, 9])),
            pi=int(rng.integers(1, 4)),
            po=po,
            lanes=int(rng.choice([lanes for lanes in (1, 2, 3, 6) if po % lanes == 0])),
            t_max=int(rng.integers(1, 17)),
            word_depth=int(rng.choice([4, 8, 16, 64, 128])),
            line_depth=int(rng.choice([1, 2, 4, 8])),
            out_words=int(rng.choice([1, 2, 8, 16])),
            c_max=int(rng.choice([8, 32])),
            bd=int(rng.choice([8, 16, 32])),
            bw=int(rng.choice([8, 16, 64])),
            acc_w=int(rng.choice([24, 32])),
        )
        try:
            check(network, array)
        except InputError:
            continue
        return array


def random_frame(network: IntegerNetwork, seed: int = 0) -> np.ndarray:
    """(C, H, W) int8 over the whole range."""
    return np.random.default_rng(seed).integers(-128, 128, network.in_shape).astype(np.int8)
