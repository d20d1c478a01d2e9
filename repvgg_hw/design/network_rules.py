"""What every integer network keeps, and golden, RTL and HLS rely on; held against a network that was read."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from repvgg_hw.errors import InputError
from repvgg_hw.names import display_name
from repvgg_hw.network import (
    BIAS_BITS,
    LOGIT_BITS,
    MAX_SHIFT,
    MULTIPLIER_BITS,
    IntegerConv,
    IntegerLinear,
    IntegerNetwork,
)

WIDTHS = range(4, 9)  # bits of weights and activations
INPUT_BITS = 8  # of the network's input, which alone is signed
LARGEST_SIDE = 65_536  # of the input, in pixels
LARGEST_CHANNELS = 65_536
STRIDES = (1, 2)
RESERVED = ("pool", "linear")  # names of the units behind the convolutions
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.]{0,63}")


def check(network: IntegerNetwork) -> None:
    """Raise InputError for the first rule that network breaks."""
    # one after the other: each takes for granted that those before it hold
    for holds, what in itertools.chain(_of_input(network), _of_convs(network), _of_linear(network)):
        if not holds:
            raise InputError(what)


Rules = Iterator[tuple[bool, str]]


def _of_input(network: IntegerNetwork) -> Rules:
    yield display_name(network.name) == network.name, "name is not one printable line"
    channels, height, width = network.in_shape
    sizes = (
        1 <= channels <= LARGEST_CHANNELS and 1 <= min(height, width) <= max(height, width) <= LARGEST_SIDE
    )
    yield sizes, f"in_shape {list(network.in_shape)} is out of range"
    for name in ("input_scale", "output_scale"):
        value = getattr(network, name)
        yield math.isfinite(value) and value > 0, f"{name} is {value}; it is finite and above 0"
    for name, values in (("mean", network.mean), ("std", network.std)):
        yield len(values) == channels, f"{name} has {len(values)} values for {channels} channels"
        yield all(map(math.isfinite, values)), f"{name} is not finite"
    yield min(network.std) > 0, "std is not above 0"
    yield bool(network.convs), "it has no convolutions"


def _of_convs(network: IntegerNetwork) -> Rules:
    channels, bits, signed = network.in_shape[0], INPUT_BITS, True
    seen = {*RESERVED}
    for conv in network.convs:
        yield _NAME.fullmatch(conv.name) is not None, f"{_short(conv.name)} is no name of a layer"
        ident = conv.name.replace(".", "_")
        yield ident not in seen, f"the name {conv.name} stands there twice"
        seen.add(ident)
        for holds, what in _of_conv(conv, channels, bits, signed):
            yield holds, f"{conv.name}: {what}"
        channels, bits, signed = conv.weight.shape[0], conv.out_bits, False


def _of_conv(conv: IntegerConv, channels: int, bits: int, signed: bool) -> Rules:
    """One layer behind so many channels of values with so many bits."""
    shape = conv.weight.shape
    yield conv.stride in STRIDES, f"stride is {conv.stride}"
    yield conv.groups >= 1, f"groups is {conv.groups}"
    chained = (
        len(shape) == 4 and min(shape) > 0 and shape[2:] == (3, 3) and shape[1] * conv.groups == channels
    )
    yield chained, f"weight {shape} in {conv.groups} groups after {channels} channels"
    yield shape[0] % conv.groups == 0, f"{conv.groups} groups do not divide its {shape[0]} output channels"
    per_channel = conv.bias.shape == conv.multiplier.shape == shape[:1]
    yield per_channel, f"bias or multiplier does not have {shape[0]} entries"
    yield (conv.in_bits, conv.in_signed) == (bits, signed), "in_bits or in_signed is not what comes before it"
    yield conv.weight_bits in WIDTHS and conv.out_bits in WIDTHS, "weight_bits or out_bits is not 4 to 8"
    yield 1 <= conv.shift <= MAX_SHIFT, f"shift is {conv.shift}; it is 1 to {MAX_SHIFT}"
    unsigned = conv.multiplier.min() >= 0 and conv.multiplier.max() < 1 << MULTIPLIER_BITS
    yield unsigned, f"multiplier is not 0 to 2**{MULTIPLIER_BITS} - 1"
    yield _symmetric(conv.weight, conv.weight_bits), f"weight is beyond {conv.weight_bits} bits"
    yield conv.accumulator_bound < 1 << (BIAS_BITS - 1), f"its sums do not fit {BIAS_BITS} bits"


def _of_linear(network: IntegerNetwork) -> Rules:
    if network.linear is None:
        return
    last = network.convs[-1]
    *_, (_, _, (height, width)) = network.map_shapes()
    largest = height * width * ((1 << last.out_bits) - 1)
    for holds, what in _of_logits(network.linear, last.weight.shape[0], largest):
        yield holds, f"linear: {what}"


def _of_logits(linear: IntegerLinear, channels: int, largest: int) -> Rules:
    """The linear layer over so many sums, each 0 to largest."""
    shape = linear.weight.shape
    chained = len(shape) == 2 and shape[0] > 0 and shape[1] == channels
    yield chained, f"weight {shape} after {channels} channels"
    yield linear.bias.shape == shape[:1], "bias does not have one entry per class"
    yield linear.weight_bits in WIDTHS, "weight_bits is not 4 to 8"
    yield _symmetric(linear.weight, linear.weight_bits), f"weight is beyond {linear.weight_bits} bits"
    positive = np.maximum(linear.weight, 0).sum(axis=1, dtype=np.int64).astype(object)  # Python's integers
    negative = np.minimum(linear.weight, 0).sum(axis=1, dtype=np.int64).astype(object)
    high = (positive * largest + linear.bias).max()
    low = (negative * largest + linear.bias).min()
    limit = 1 << (LOGIT_BITS - 1)
    yield -limit <= low <= high < limit, f"its logits do not fit {LOGIT_BITS} bits"


def _symmetric(weight: NDArray[np.int8], bits: int) -> bool:
    """Whether all weights are -(2**(bits-1) - 1) to 2**(bits-1) - 1."""
    return int(np.abs(weight.astype(np.int64)).max()) < 1 << (bits - 1)


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else f"{text[:40]}...")
