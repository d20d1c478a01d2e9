"""One or two bits too few in any adder of a data transform: the inputs of `--extremes` show it.

An adder's result is cut as `rvg_shift_add` would cut it, in both passes, for the inputs that a layer alone is
driven with; a cut that changes no result must be one that no input reaches.
"""

from __future__ import annotations

import numpy as np
import pytest
from hls_networks import Layer, random_network
from numpy.typing import NDArray

from repvgg_hw.extremes import patterns
from repvgg_hw.winograd.bounds import data_bits, input_range
from repvgg_hw.winograd.golden import cut_tiles
from repvgg_hw.winograd.matrices import transform
from repvgg_hw.winograd.networks import Network, networks

Ints = NDArray[np.int64]
SIZE = 24  # of the map: tiles lie inside it


def signed(values: Ints, bits: int) -> Ints:
    """Of int[bits], the rest lost."""
    half = 1 << bits - 1
    return (values + half) % (2 * half) - half


def run(network: Network, x: Ints, in_bits: int, bits: int, narrow: int = -1, less: int = 0) -> Ints:
    """x (inputs, ...) -> results modulo 2^bits; the adder `narrow` has `less` bits fewer than it should."""
    nodes = list(x)
    for adder in network.graph.adders:
        (a, a_shift, a_sign), (b, b_shift, b_sign) = adder.a, adder.b
        total = a_sign * (nodes[a] << a_shift) + b_sign * (nodes[b] << b_shift)
        width = min(bits, in_bits + network.growth[len(nodes)])
        nodes.append(signed(total, width - (less if len(nodes) == narrow else 0)))
    results = [term for term in network.graph.outputs if term is not None]
    return np.stack([signed(sign * (nodes[node] << shift), bits) for node, shift, sign in results])


@pytest.mark.parametrize(("m", "stride"), [(3, 1), (4, 1), (6, 1), (4, 2)])
def test_every_adder_too_narrow_is_seen(m: int, stride: int) -> None:
    layers = [Layer(4), Layer(4, stride=stride, m=m)]
    integer, plan = random_network(layers, in_shape=(3, SIZE, SIZE), seed=3)
    kind, network = transform(m, stride), networks(m, stride)[0]
    conv = integer.convs[1]
    low, high = input_range(conv.in_bits, conv.in_signed)
    middle, data = data_bits(kind, low, high)
    tiles = cut_tiles(patterns.conv_maps(conv, plan.convs[1]).astype(np.int64), kind)
    tiles = np.unique(tiles.reshape(-1, kind.size, kind.size), axis=0).transpose(1, 0, 2)
    pixel = conv.in_bits + 1

    def transformed(narrow: int = -1, less: int = 0) -> Ints:
        columns = run(network, tiles, pixel, middle, narrow, less)
        return run(network, columns.transpose(2, 1, 0), middle, data, narrow, less)

    def reached(coefficients: Ints, width: int) -> bool:
        """Is there an input for which such a sum is not of int[width]?"""
        ends = [np.where(coefficients * sign > 0, high, low) for sign in (1, -1)]
        most, least = (int((coefficients * end).sum()) for end in ends)
        return most >= 1 << width - 1 or least < -(1 << width - 1)

    sound = transformed()
    coefficients = network.graph.coefficients()
    seen = 0
    for node in range(network.graph.inputs, len(coefficients)):
        for less in (1, 2):
            if not np.array_equal(transformed(node, less), sound):
                seen += 1
                continue
            widths = [min(w, i + network.growth[node]) - less for i, w in ((pixel, middle), (middle, data))]
            assert not reached(coefficients[node], widths[0]), f"{node}, {less} bits, columns"
            for row in kind.data:
                assert not reached(np.outer(row, coefficients[node]), widths[1]), f"{node}, {less} bits, rows"
    assert seen > len(network.graph.adders)
