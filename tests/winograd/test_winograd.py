"""Winograd in exact integers: transforms, widths, networks of adders, cycles."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from repvgg_hw import golden
from repvgg_hw.errors import CheckFailed, InputError
from repvgg_hw.network import signed_bits
from repvgg_hw.plan.stream.winograd import WinogradUnit
from repvgg_hw.winograd.adders import AdderGraph, solve
from repvgg_hw.winograd.bounds import accumulator_range_bits, input_range, widths
from repvgg_hw.winograd.division import divider
from repvgg_hw.winograd.golden import (
    data_transform,
    exact_divide,
    output_transform,
    weight_transform,
    winograd_conv,
)
from repvgg_hw.winograd.matrices import STRIDES, TILES, transform
from repvgg_hw.winograd.networks import networks

KINDS = [(m, stride) for m in TILES for stride in STRIDES]
ACC_BITS_1280 = signed_bits(1280 * 9 * 127 * 255)

# m: data, weight, accumulator bits without wrapping at C_in 1280, L (design, section 4)
TABLE = {
    2: (11, 12, 32, 2),
    3: (14, 14, 34, 6),
    4: (16, 14, 37, 24),
    5: (18, 14, 39, 360),
    6: (20, 14, 41, 360),
    7: (24, 16, 45, 12600),
}
# Phases of stride 2, m: saving, data, weight bits, L
TABLE_STRIDE_2 = {
    4: (1.78, 14, 12, 6),
    5: (1.86, 16, 12, 24),
    6: (1.92, 18, 12, 360),
    7: (1.96, 20, 12, 360),
}
# Adders of B^T and A^T as da4ml 0.6.0 finds them for these matrices; ours are never more in sum.
DA4ML_ADDERS = {2: (4, 4), 3: (10, 11), 4: (13, 14), 5: (23, 32), 6: (26, 31), 7: (55, 94)}


def random_layer(
    seed: int, n: int, c_in: int, c_out: int, groups: int, h: int, w: int, signed: bool, extreme: bool
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    rng = np.random.default_rng(seed)
    low, high = input_range(8, signed)
    shape, weight_shape = (n, c_in, h, w), (c_out, c_in // groups, 3, 3)
    if extreme:
        return rng.choice([low, high], shape), rng.choice([-127, 127], weight_shape)
    return rng.integers(low, high + 1, shape), rng.integers(-127, 128, weight_shape)


@pytest.mark.parametrize("m", TILES)
def test_design_table(m: int) -> None:
    kind, (data, weight, accumulator, denominator) = transform(m), TABLE[m]
    found = widths(kind, ACC_BITS_1280)
    assert (found.data, found.weight, kind.denominator) == (data, weight, denominator)
    assert accumulator_range_bits(kind, 1280) == accumulator
    assert found.sum == ACC_BITS_1280 + 2 * kind.shift <= 36
    assert found.fits((27, 18))
    assert found.fits((18, 18)) == (m <= 5)


@pytest.mark.parametrize("m", TABLE_STRIDE_2)
def test_design_table_of_phases(m: int) -> None:
    kind = transform(m, stride=2)
    found = widths(kind, ACC_BITS_1280)
    assert (round(kind.saving, 2), found.data, found.weight, kind.denominator) == TABLE_STRIDE_2[m]


@pytest.mark.parametrize(("m", "stride"), KINDS)
def test_rows_are_coprime_integers(m: int, stride: int) -> None:
    kind = transform(m, stride)
    assert all(np.gcd.reduce(row) == 1 for matrix in (kind.data, kind.weight) for row in matrix)
    assert kind.denominator == kind.odd << kind.shift
    assert kind.odd % 2 == 1


@settings(max_examples=60)
@given(
    kind=st.sampled_from(KINDS),
    seed=st.integers(0, 2**32 - 1),
    size=st.tuples(st.integers(1, 17), st.integers(1, 17)),
    channels=st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(1, 3)),
    signed=st.booleans(),
    extreme=st.booleans(),
)
def test_equals_direct(
    kind: tuple[int, int],
    seed: int,
    size: tuple[int, int],
    channels: tuple[int, int, int],
    signed: bool,
    extreme: bool,
) -> None:
    (m, stride), (groups, ins, outs) = kind, channels
    x, weight = random_layer(seed, 2, groups * ins, groups * outs, groups, *size, signed, extreme)
    direct = golden.conv3x3(x, weight, stride, groups)
    assert np.array_equal(winograd_conv(x, weight, m, groups, stride), direct)


@pytest.mark.parametrize(("m", "stride"), KINDS)
def test_widths_hold_at_their_extremes(m: int, stride: int) -> None:
    """The bound is reached by the tile, or the kernel, that has the signs of the widest row."""
    kind = transform(m, stride)
    for signed in (False, True):
        low, high = input_range(8, signed)
        found = widths(kind, ACC_BITS_1280, in_signed=signed)
        rows = np.kron(kind.data, kind.data)
        for tile in (np.where(rows > 0, high, low), np.where(rows > 0, low, high)):
            v = data_transform(tile.reshape(-1, kind.size, kind.size), kind)
            assert v.min() >= -(1 << found.data - 1)
            assert v.max() < 1 << found.data - 1
    reached = [
        data_transform(np.where(s * rows > 0, high, low).reshape(-1, kind.size, kind.size), kind)
        for s in (1, -1)
    ]
    assert max(v.max() for v in reached) >= 1 << found.data - 2 or min(v.min() for v in reached) < -(
        1 << found.data - 2
    )
    kernels = 127 * np.sign(np.kron(kind.weight, kind.weight)).reshape(-1, 3, 3)
    u = weight_transform(kernels, kind)
    assert 1 << found.weight - 2 <= np.abs(u).max() < 1 << found.weight - 1


@pytest.mark.parametrize(("m", "stride"), KINDS)
def test_sums_may_wrap(m: int, stride: int) -> None:
    """Modulo 2**sum bits, and modulo 2**(acc bits + e) between the passes, the result is the same."""
    kind, acc_bits = transform(m, stride), 24
    x, weight = random_layer(m, 1, 8, 1, 1, 2 * kind.m, 2 * kind.m, False, True)
    tile = x[0, :, : kind.size, : kind.size]
    tile = np.pad(tile, ((0, 0), (0, kind.size - tile.shape[1]), (0, kind.size - tile.shape[2])))
    sums = (data_transform(tile, kind) * weight_transform(weight[0], kind)).sum(axis=0)
    expected = output_transform(sums, kind)
    assert np.abs(expected).max() < 1 << acc_bits - 1
    wrapped = sums & ((1 << widths(kind, acc_bits).sum) - 1)
    rows = ((wrapped @ kind.output.T) >> kind.shift) & ((1 << acc_bits + kind.shift) - 1)
    columns = ((kind.output @ rows) >> kind.shift) & ((1 << acc_bits) - 1)
    assert np.array_equal(exact_divide(columns, kind.odd**2, acc_bits), expected)


def test_a_sum_that_is_no_convolution_is_found() -> None:
    kind = transform(4)
    sums = np.zeros((6, 6), np.int64)
    sums[1, 1] = 1
    with pytest.raises(CheckFailed, match="no multiple"):
        output_transform(sums, kind)


@pytest.mark.parametrize(("m", "stride"), KINDS)
def test_networks_compute_their_matrices(m: int, stride: int) -> None:
    kind = transform(m, stride)
    for network, matrix in zip(networks(m, stride), (kind.data, kind.output), strict=False):
        assert np.array_equal(network.graph.apply(np.eye(kind.size, dtype=np.int64)), matrix)


@pytest.mark.parametrize(("m", "stride"), KINDS)
def test_network_nodes_fit_their_widths(m: int, stride: int) -> None:
    for network in networks(m, stride)[:2]:
        for row, growth in zip(network.graph.coefficients(), network.growth, strict=True):
            bits = 9
            worst = np.where(row > 0, (1 << bits - 1) - 1, -(1 << bits - 1)) @ row
            least = np.where(row > 0, -(1 << bits - 1), (1 << bits - 1) - 1) @ row
            limit = 1 << bits + growth - 1
            assert -limit <= least
            assert worst < limit


def test_networks_are_no_larger_than_da4ml() -> None:
    for m, adders in DA4ML_ADDERS.items():
        data, output, _ = networks(m, 1)
        assert data.graph.cost + output.graph.cost <= sum(adders)


@settings(max_examples=50)
@given(st.lists(st.lists(st.integers(-40, 40), min_size=3, max_size=3), min_size=1, max_size=4))
def test_any_matrix_has_a_network(rows: list[list[int]]) -> None:
    matrix = np.array(rows)
    assert np.array_equal(solve(matrix, (0,)).apply(np.eye(3, dtype=np.int64)), matrix)


@pytest.mark.parametrize("divisor", sorted({transform(m, s).odd ** 2 for m, s in KINDS} | {7, 11, 1001}))
def test_division_by_shifts_and_adds(divisor: int) -> None:
    bits = 30
    graph = divider(divisor, bits)
    quotient = np.concatenate([np.arange(-50, 50), [-(1 << bits - 1), (1 << bits - 1) - 1]])
    got = graph.apply((quotient * divisor)[None])[0]
    assert not ((got - quotient) & ((1 << bits) - 1)).any()
    assert graph.cost <= bits // 2


def test_divider_reads_no_more_than_it_needs() -> None:
    assert np.array_equal(exact_divide(np.array([-36 * 5, 36 * 7]) & 0xFFFF, 36, 14), [-5, 7])


@pytest.mark.parametrize(("m", "stride"), [(1, 1), (8, 1), (4, 3)])
def test_unknown_kinds_are_refused(m: int, stride: int) -> None:
    with pytest.raises(InputError, match="no Winograd transform"):
        transform(m, stride)


def test_graph_of_zero_and_negative_rows() -> None:
    graph = solve(np.array([[0, 0], [-1, -1], [0, -4]]), (0,))
    assert isinstance(graph, AdderGraph)
    assert np.array_equal(graph.apply(np.array([[1, 3], [10, 5]])), [[0, 0], [-11, -8], [-40, -20]])


def test_unit_folding() -> None:
    """RepVGG-A0's first 3x3 layer of stride 1 at 224: one multiplier per position is fast enough."""
    unit = WinogradUnit(m=7, c_in=48, c_out=48, height=56, width=56, pi=1, po=1, acc_bits=28)
    assert (unit.tiles, unit.multipliers, unit.compute_cycles) == (64, 81, 147_456)
    assert unit.lanes == 1
    assert unit.in_lanes == 2  # one would take longer than the multipliers
    assert unit.out_lanes == 2  # so would one here, with the raster buffer's drain on top
    assert unit.cycles == unit.compute_cycles


@pytest.mark.parametrize("stride", STRIDES)
def test_weight_words_are_in_order_of_use(stride: int) -> None:
    unit = WinogradUnit(4, 8, 12, 8, 8, pi=2, po=3, acc_bits=24, stride=stride, groups=2)
    weight = np.random.default_rng(0).integers(-127, 128, (12, 4, 3, 3))
    words = unit.weight_words(weight)
    u = weight_transform(weight, unit.transform)
    group, repeat, word, out, position, lane = 1, 1, 1, 2, 7, 1
    row = (group * unit.repeats + repeat) * unit.words + word
    column = (out * unit.transform.size**2 + position) * unit.pi + lane
    channel = (group * unit.repeats + repeat) * unit.po + out
    assert words.shape == (unit.weight_memory[0], unit.multipliers)
    assert words[row, column] == u[channel, word * unit.pi + lane].reshape(-1)[position]
