"""What an engine runs: each limit of an array, and the one line that names it where a network exceeds it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from repvgg_hw.errors import InputError
from repvgg_hw.network import LOGIT_BITS, MAX_SHIFT, MULTIPLIER_BITS, IntegerConv, IntegerNetwork, signed_bits
from repvgg_hw.plan.engine.array import ADDR_BITS, Array
from repvgg_hw.plan.engine.tiling import Layer

LARGEST_COUNT = (1 << 16) - 1  # channels, sets, blocks: 16 bits of an instruction
LARGEST_WIDTH = (1 << 15) - 1  # pixels of a line: x_first and x_limit have 16 bits with a sign


def layers(network: IntegerNetwork, array: Array) -> tuple[Layer, ...]:
    """The network's convolutions on this array. The last one's map is not stored where it is pooled."""
    last = len(network.convs) - 1
    return tuple(
        Layer(array, conv.shape, *size, stored=network.linear is None or number < last)
        for number, (conv, size, _) in enumerate(network.map_shapes())
    )


def check(network: IntegerNetwork, array: Array) -> None:
    """Raise InputError, naming the first limit that the network exceeds."""
    if not network.convs:
        raise InputError("an engine runs 3x3 convolutions; the network has none")
    for layer, conv in zip(layers(network, array), network.convs, strict=True):
        for exceeded in _of_layer(layer, conv):
            raise InputError(f"layer {conv.name} does not fit this engine: {exceeded}")
    if network.linear is not None:
        for exceeded in _of_head(network, array):
            raise InputError(f"the linear layer does not fit this engine: {exceeded}")


def _of_layer(layer: Layer, conv: IntegerConv) -> Iterator[str]:
    array, shape = layer.array, layer.shape
    if shape.stride not in (1, 2):
        yield f"its stride is {shape.stride}, and strides are 1 and 2"
        return
    if max(shape.c_in, shape.c_out) > LARGEST_COUNT:
        yield f"it has {max(shape.c_in, shape.c_out)} channels, at most are {LARGEST_COUNT}"
    if max(layer.width, layer.height) > LARGEST_WIDTH:
        yield f"its map is {layer.height} x {layer.width}, at most are {LARGEST_WIDTH} rows and columns"
    if max(conv.in_bits, conv.out_bits, conv.weight_bits) > 8 or int(conv.weight.min()) < -127:
        yield "its maps and weights do not fit int8, -128 excluded"
    bits = signed_bits(conv.accumulator_bound)
    if bits > array.acc_w:
        yield f"its sums need {bits} bits, acc_w is {array.acc_w}"
    if int(conv.multiplier.max()) >> MULTIPLIER_BITS or not 1 <= conv.shift <= MAX_SHIFT:
        yield f"its requantization exceeds {MULTIPLIER_BITS} bits or a shift of {MAX_SHIFT}"
    if layer.words > array.word_depth:
        yield f"a group has {layer.words} words of {array.pi} channels, word_depth is {array.word_depth}"
    elif next(layer.cuts(), None) is None:
        yield (
            f"no strip of its rows, {layer.width} pixels or {layer.tile_columns} tiles, fits "
            f"t_max = {array.t_max}, word_depth = {array.word_depth}, line_depth = {array.line_depth} "
            f"and out_words = {array.out_words}"
        )


def check_memory(image: int, maps: int, frame: int, output: int) -> None:
    """Raise InputError where image, maps, a frame and its output together exceed 32-bit addresses."""
    total = image + maps + frame + output
    if total > 1 << ADDR_BITS:
        raise InputError(
            f"the network does not fit this engine: image, maps, frame and output are {total:,} bytes, "
            f"{ADDR_BITS}-bit addresses reach {1 << ADDR_BITS:,}"
        )


def _of_head(network: IntegerNetwork, array: Array) -> Iterator[str]:
    assert network.linear is not None
    channels = network.convs[-1].shape.c_out
    blocks = -(-network.num_classes // array.bw)
    if blocks > LARGEST_COUNT:
        yield f"it has {network.num_classes} classes, at most are {LARGEST_COUNT * array.bw}"
    if channels > array.c_max:
        yield f"it has {channels} inputs, c_max is {array.c_max}"
    _, _, (height, width) = list(network.map_shapes())[-1]
    top = ((1 << network.convs[-1].out_bits) - 1) * height * width
    if top >> array.pool_w:
        yield f"the pool's sums reach {top}, pool_w is {array.pool_w} bits"
    linear = network.linear
    reach = np.abs(linear.weight.astype(np.int64)).sum(axis=1) * top + np.abs(linear.bias.astype(np.int64))
    if signed_bits(int(reach.max())) > LOGIT_BITS:
        yield f"its logits need {signed_bits(int(reach.max()))} bits, {LOGIT_BITS} are there"
