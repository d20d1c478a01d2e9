"""Random networks, random engines that run them, and golden beside the machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from hls_networks import random_conv

from repvgg_hw import golden
from repvgg_hw.errors import InputError
from repvgg_hw.network import ConvShape, IntegerLinear, IntegerNetwork
from repvgg_hw.plan.engine import image
from repvgg_hw.plan.engine.array import Array
from repvgg_hw.plan.engine.limits import check
from repvgg_hw.plan.engine.machine import Machine, from_planar
from repvgg_hw.plan.engine.schedule import plan

DIGITS = [
    (channels, stride, 1)
    for channels, strides in ((16, (2,)), (16, (2, 1)), (32, (2, 1, 1)), (64, (2, 1, 1, 1)), (128, (2,)))
    for stride in strides
]  # the layers of the example's network, for frames of (1, 32, 32)
_SMALL = Array(
    n=3, pi=1, po=4, lanes=4, word_depth=1024, line_depth=32, out_words=16, c_max=128, pool_w=16, acc_w=32
)
# From frame to frame in RTL, three of them, as benchmarks/test_engine_cycles.py finds them.
DIGITS_CYCLES = {
    _SMALL: 49_152,
    replace(_SMALL, pi=2): 39_756,
    replace(_SMALL, n=5, po=3, lanes=3): 39_601,
    replace(_SMALL, n=5, pi=2, po=2, lanes=2): 35_258,
    replace(_SMALL, n=9, lanes=2, pool_w=24): 33_338,
}
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
    """One to five layers, groups, odd sizes down to 1 x 1, 8 or 5 bits, with or without a linear layer."""
    rng = np.random.default_rng(seed)
    shapes, c_in = [], int(rng.integers(1, 6))
    in_shape = (c_in, int(rng.choice(LINE)), int(rng.choice(LINE)))
    for _ in range(rng.integers(1, 6)):
        groups = int(rng.choice([g for g in (1, 1, 2, 3) if c_in % g == 0]))
        c_out = groups * int(rng.integers(1, 7))
        shapes.append((c_out, int(rng.integers(1, 3)), groups))
        c_in = c_out
    network = network_of(shapes, in_shape, int(rng.choice([0, 1, 5, 8, 10, 17])), seed)
    bits = [8, *(int(rng.choice([8, 8, 5])) for _ in network.convs)]  # of the frame, then of each map
    convs = (
        replace(conv, in_bits=given, out_bits=made)
        for conv, given, made in zip(network.convs, bits[:-1], bits[1:], strict=True)
    )
    return replace(network, convs=tuple(convs))


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
            word_depth=int(rng.choice([3, 8, 13, 32, 128])),
            line_depth=int(rng.choice([2, 2, 4, 8])),
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


def check_machine(network: IntegerNetwork, array: Array, seed: int = 0) -> None:
    """Every layer's map in memory when its last strip is stored, and the output, are golden's."""
    schedule = plan(network, array)
    machine, frame = Machine(array, image.build(schedule)), random_frame(network, seed)
    machine.set_input(frame)
    expected = dict(golden.trace(frame[None], network))
    layers, seen = {layer.shape.name: layer for layer in schedule.layers}, dict[str, int]()
    for write in machine.run():
        name, strip = schedule.place(write.instruction)
        memory = machine.output if write.output else machine.maps
        assert np.array_equal(memory[write.address : write.address + write.data.size], write.data)
        if strip is None:
            continue
        layer = layers[name]
        row, column = strip.y * layer.kind.m + write.row, strip.x * layer.kind.m
        pixels = write.data[write.mask]
        want = expected[name][0, write.channel, row, column : column + pixels.size]
        assert np.array_equal(pixels, want), (name, write.channel, row, column)
        seen[name] = seen.get(name, 0) + pixels.size
    stored = [conv.name for conv in network.convs[: len(network.convs) - (network.linear is not None)]]
    assert seen == {name: expected[name].size for name in stored}, "every pixel once"
    if network.linear is None:
        last = expected[network.convs[-1].name][0]
        assert np.array_equal(from_planar(machine.output, last.shape, array), last)
    else:
        assert np.array_equal(machine.output.view("<i4")[: network.num_classes], expected["linear"][0])
